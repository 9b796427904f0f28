//! Whether another plan may take the place of one that is stuck in the jump system. The jump
//! system runs already and part of the disk may be gone: what led there cannot change any more.

use crate::disk::FoundPartition;
use crate::node::facts::{Facts, JumpInProgress};
use crate::plan::Plan;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::step::Step;

/// What stands against `next` in the place of `staged`.
///
/// # Errors
/// All refusals, in a stable order; never an empty list.
pub fn check(staged: &Plan, next: &Plan) -> Result<(), Vec<Refusal>> {
    let mut refusals: Vec<Refusal> = [other_jump_image(staged, next), other_landing(staged, next)]
        .into_iter()
        .flatten()
        .collect();
    refusals.extend(other_table(staged, next));
    refusals.extend(other_copies(staged, next));
    refusals.extend(lost(staged, next));
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(refusals)
    }
}

/// What was known of the node when `staged` was planned, with the landing partition that its run has
/// made since.
pub fn facts_since(staged: &Plan, facts: &Facts) -> Facts {
    let mut facts = facts.clone();
    let (landing, disk) = (&staged.landing, staged.landing_disk());
    let mut before = disk.before.iter();
    let made = before.find(|it| landing.is_made() && it.number == landing.number);
    let its_disk = facts.disks.iter_mut().find(|it| it.device == disk.device);
    let (Some(made), Some(its_disk)) = (made, its_disk) else {
        return facts;
    };
    super::free_room::add(its_disk, made.clone());
    facts.jump = Some(JumpInProgress {
        run: staged.run.clone(),
        stage: None,
        live: false,
        origin: None,
        landing: Some(landing.device.clone()),
        kept: None,
        swap: None,
        made: true,
    });
    facts
}

/// What the new job wants saved and the old system is no more there to give, in words.
pub fn not_saved(staged: &Plan, next: &Plan) -> Vec<String> {
    let saved = |plan: &Plan| {
        let paths = plan.steps.old.iter().find_map(|step| match step {
            Step::SaveFiles { paths } => Some(paths.clone()),
            _ => None,
        });
        paths.unwrap_or_default()
    };
    let there = saved(staged);
    let missing = saved(next).into_iter().filter(|path| !there.contains(path));
    missing
        .map(|path| {
            format!(
                "{} was not saved when the run was staged, so it is not carried over",
                path.absolute()
            )
        })
        .collect()
}

fn other_jump_image(staged: &Plan, next: &Plan) -> Option<Refusal> {
    let (running, wanted) = (&staged.images.jump, &next.images.jump);
    (running.digest != wanted.digest).then(|| {
        Refusal::new(
            RefusalCode::OtherJumpImage,
            format!(
                "the job's jump image {} is not {}, which the node runs (digest {})",
                wanted.name, running.name, running.digest
            ),
            "name in [images] the jump image that this run was begun with",
        )
    })
}

fn other_landing(staged: &Plan, next: &Plan) -> Option<Refusal> {
    let same = staged.run == next.run
        && staged.landing == next.landing
        && staged.boot == next.boot
        && staged.jump == next.jump
        && staged.disk.identities == next.disk.identities
        && !next.rehearsal;
    (!same).then(|| {
        Refusal::new(
            RefusalCode::OtherLanding,
            format!(
                "the job means another disk, landing partition or jump kernel arguments than run {}",
                staged.run
            ),
            "leave [landing], [layout] disk and [jump] kernel_arguments as they were",
        )
    })
}

/// A table that an earlier plan may have written stays only if the new plan writes its own.
fn other_table(staged: &Plan, next: &Plan) -> Option<Refusal> {
    let stale = staged.disk.rewrite && !next.disk.rewrite && staged.disk.after != next.disk.after;
    stale.then(|| {
        Refusal::new(
            RefusalCode::LayoutImpossible,
            "the partition table may have been written anew already; the new layout leaves it as it was",
            "describe in the new layout the partitions as the earlier job made them",
        )
    })
}

/// What was copied may be gone, and its copy is where the staged plan has put it: the same is done
/// again, or nothing is.
fn other_copies(staged: &Plan, next: &Plan) -> Option<Refusal> {
    let same = copying(staged) == copying(next)
        && (copying(staged).is_empty() || staged.disk.after == next.disk.after);
    (!same).then(|| {
        Refusal::new(
            RefusalCode::OtherCopies,
            format!(
                "the job copies other trees than run {}, or has another layout: what that run copies may have come to its place already",
                staged.run
            ),
            "leave [[copy]] and [layout] as they were",
        )
    })
}

/// What a plan does to the disk up to its last copy.
fn copying(plan: &Plan) -> Vec<&Step> {
    let steps = &plan.steps.replace;
    let last = steps.iter().rposition(|step| matches!(step, Step::Copy(_)));
    let until = &steps[..last.map_or(0, |last| last + 1)];
    let of_the_disk =
        |step: &&Step| matches!(step, Step::Repartition | Step::Mkfs { .. } | Step::Copy(_));
    until.iter().filter(of_the_disk).collect()
}

/// Partitions that `next` keeps and `staged` does not.
fn lost(staged: &Plan, next: &Plan) -> Vec<Refusal> {
    let kept = next.filesystems.iter().filter(|filesystem| filesystem.kept);
    kept.filter(|filesystem| is_destroyed(staged, filesystem.number))
        .map(|filesystem| {
            Refusal::new(
                RefusalCode::KeepsWhatIsLost,
                format!(
                    "partition {} ({}) is to be kept, but run {} has begun to replace it",
                    filesystem.number, filesystem.mount, staged.run
                ),
                "say action = \"format\" for it",
            )
        })
        .collect()
}

/// Whether `plan` formats partition `number` or makes it anew.
fn is_destroyed(plan: &Plan, number: u32) -> bool {
    let formatted = plan
        .steps
        .replace
        .iter()
        .any(|step| matches!(step, Step::Mkfs { number: made, .. } if *made == number));
    let before = plan
        .disk
        .before
        .iter()
        .find(|partition| partition.number == number)
        .map(FoundPartition::unchanged);
    let after = plan
        .disk
        .after
        .iter()
        .find(|partition| partition.number == number);
    formatted || before.as_ref() != after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Action, Job};
    use crate::planner::sample::{self, Sample, facts, job};
    use crate::words::digest::Digest;

    fn planned(job: &Job) -> Plan {
        sample::planned(&facts(), job).unwrap()
    }

    fn codes(staged: &Plan, next: &Plan) -> Vec<RefusalCode> {
        let refusals = check(staged, next).err().unwrap_or_default();
        refusals.iter().map(|refusal| refusal.code).collect()
    }

    #[test]
    fn another_target_image_may_follow() {
        let mut sample = Sample::of(&facts(), &job());
        let staged = sample.planned().unwrap();
        sample.target.digest = Digest::of(b"another");
        let next = sample.planned().unwrap();
        assert_ne!(staged.images.target, next.images.target);
        assert_eq!(codes(&staged, &next), []);
    }

    #[test]
    fn a_larger_image_lands_on_what_was_made_for_the_first() {
        let mut facts = facts();
        facts.disks[0].partitions.remove(1);
        facts.swaps.clear();
        let mut sample = Sample::of(&facts, &job());
        let staged = sample.planned().unwrap();
        assert!(staged.landing.is_made());
        sample.target.size += 1 << 20;
        let unknowing = sample.planned().unwrap();
        assert_eq!(codes(&staged, &unknowing), [RefusalCode::OtherLanding]);
        sample.facts = facts_since(&staged, &facts);
        sample.target.size -= 1 << 20;
        let next = sample.planned().unwrap();
        assert_eq!(codes(&staged, &next), []);
        assert!(next.landing.is_made());
        sample.target.size += 1 << 30;
        let refusals = sample.planned().unwrap_err();
        assert_eq!(refusals[0].code, RefusalCode::LandingTooSmall);
    }

    #[test]
    fn refuses_another_jump_image_than_the_one_that_runs() {
        let mut sample = Sample::of(&facts(), &job());
        let staged = sample.planned().unwrap();
        sample.jump.digest = Digest::of(b"another");
        let next = sample.planned().unwrap();
        assert_eq!(codes(&staged, &next), [RefusalCode::OtherJumpImage]);
    }

    #[test]
    fn refuses_other_kernel_arguments_of_the_jump_system() {
        let staged = planned(&job());
        let mut other = job();
        other.jump.kernel_arguments.push("quiet".to_owned());
        let next = planned(&other);
        assert_eq!(codes(&staged, &next), [RefusalCode::OtherLanding]);
    }

    #[test]
    fn refuses_to_keep_what_the_run_has_begun_to_destroy() {
        let mut first = job();
        for wish in &mut first.layout.partitions {
            if wish.action == Action::Keep {
                wish.action = Action::Format;
            }
        }
        let staged = planned(&first);
        let next = planned(&job());
        assert!(next.filesystems.iter().any(|filesystem| filesystem.kept));
        assert_eq!(codes(&staged, &next), [RefusalCode::KeepsWhatIsLost]);
        assert_eq!(codes(&next, &staged), []);
    }

    #[test]
    fn what_nobody_saved_is_told() {
        let staged = planned(&job());
        let mut other = job();
        other.save.extra.push("etc/motd".parse().unwrap());
        let next = planned(&other);
        let told = not_saved(&staged, &next);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("/etc/motd was not saved"), "{told:?}");
    }
}
