//! How long an arm holds, and what a jump system that comes up may make of it.
//!
//! An arm is worth something only while the one who wanted it waits for it: what was saved of the
//! old system is as old as the arm. So it holds for the boot that it was made in and for the
//! job's `[wait] boot`; and a jump system goes on only if its reboot was ordered, not because
//! somebody rebooted the node for another reason.

use std::time::Duration;

use crate::plan::Plan;
use crate::run::journal::Journal;
use crate::step::{Stage, Step};
use crate::words::run_id::RunId;

/// How long a jump system that kexec has started waits, its rehearsal over, until whoever ordered it has
/// heard how it went; then it resets the machine by itself.
pub const HEARS_WITHIN: Duration = Duration::from_mins(2);

/// A moment on a node, by what no wrong clock can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment<'a> {
    /// Which boot runs.
    pub boot_id: &'a str,
    /// Milliseconds since it began.
    pub uptime_ms: u64,
}

/// Why something is not done with a run on the old system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// The plan, and what was staged by it, is of an earlier boot.
    #[error("the node was rebooted since the plan of run {0} was made")]
    OtherBoot(RunId),
    /// Something is missing yet.
    #[error("run {0} is not staged to its end")]
    NotStaged(RunId),
    /// Nothing leads to the jump system.
    #[error("run {0} is not armed")]
    NotArmed(RunId),
}

/// How an arm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is valid for this long.
    Holds(Duration),
    /// Its time is over, or its boot.
    Over,
    /// There is none.
    None,
}

/// Where in the plan's steps on the old system the arm is, or what stands for it in a rehearsal in memory.
/// Everything in front of it is staging.
pub fn position(plan: &Plan) -> Option<usize> {
    plan.steps.old.iter().position(is_arm)
}

/// Whether the next boot may be the jump system's by this step.
pub fn is_arm(step: &Step) -> bool {
    matches!(step, Step::Arm | Step::LoadJump)
}

/// Whether the boot `boot_id` is the one that the plan was made in.
///
/// # Errors
/// When it is another one: what was saved, received and found out is of a system that ran before.
pub fn in_its_boot(plan: &Plan, boot_id: &str) -> Result<(), NotNow> {
    if plan.boot_id == boot_id {
        Ok(())
    } else {
        Err(NotNow::OtherBoot(plan.run.clone()))
    }
}

/// Whether a run that stands at `journal` can be armed in the boot `boot_id`.
///
/// # Errors
/// When the boot is another one or staging is not over.
pub fn can_arm(plan: &Plan, journal: &Journal, boot_id: &str) -> Result<(), NotNow> {
    in_its_boot(plan, boot_id)?;
    let staged = journal.stage == Stage::Stage
        && journal.done
        && position(plan) == usize::try_from(journal.step).ok().map(|step| step + 1);
    if staged {
        Ok(())
    } else {
        Err(NotNow::NotStaged(plan.run.clone()))
    }
}

/// How the arm of a run that stands at `journal` stands `now`.
pub fn standing(plan: &Plan, journal: &Journal, now: Moment<'_>) -> Standing {
    if journal.run != plan.run || journal.stage != Stage::Armed {
        return Standing::None;
    }
    // An arm that tells nothing of itself is of a program that did not know of its end.
    let Some(arm) = &journal.arm else {
        return Standing::Over;
    };
    let Some(age) = now.uptime_ms.checked_sub(arm.uptime_ms) else {
        return Standing::Over;
    };
    let left = plan.wait.boot.0.saturating_sub(Duration::from_millis(age));
    if arm.boot_id == now.boot_id && !left.is_zero() {
        Standing::Holds(left)
    } else {
        Standing::Over
    }
}

/// Whether a jump system that finds `journal` at its first boot was meant to come up.
pub fn is_ordered(journal: &Journal) -> bool {
    journal.stage == Stage::Armed && journal.arm.as_ref().is_some_and(|arm| arm.ordered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::sample;
    use crate::run::journal::Arm;

    const RUN: &str = "0123456789abcdef";

    fn plan() -> Plan {
        sample::plan(RUN)
    }

    /// Staging is over.
    fn staged(plan: &Plan) -> Journal {
        let mut journal = Journal::new(&RUN.parse().unwrap(), &[]);
        journal.step = u32::try_from(position(plan).unwrap() - 1).unwrap();
        journal.done = true;
        journal
    }

    fn armed(plan: &Plan, uptime_ms: u64) -> Journal {
        Journal {
            stage: Stage::Armed,
            arm: Some(Arm {
                boot_id: plan.boot_id.clone(),
                uptime_ms,
                ordered: false,
            }),
            ..staged(plan)
        }
    }

    #[test]
    fn only_what_is_staged_to_its_end_in_this_boot_can_be_armed() {
        let plan = plan();
        let mut journal = staged(&plan);
        assert_eq!(can_arm(&plan, &journal, &plan.boot_id), Ok(()));
        assert!(matches!(
            can_arm(&plan, &journal, "another"),
            Err(NotNow::OtherBoot(_))
        ));
        journal.done = false;
        assert!(matches!(
            can_arm(&plan, &journal, &plan.boot_id),
            Err(NotNow::NotStaged(_))
        ));
        let begun = Journal::new(&RUN.parse().unwrap(), &[]);
        assert!(can_arm(&plan, &begun, &plan.boot_id).is_err());
    }

    #[test]
    fn an_arm_holds_for_the_time_to_boot_and_in_its_own_boot_only() {
        let plan = plan();
        let journal = armed(&plan, 60_000);
        let boot = plan.wait.boot.0;
        let millis = u64::try_from(boot.as_millis()).unwrap();
        let at = |boot_id, uptime_ms| standing(&plan, &journal, Moment { boot_id, uptime_ms });
        assert_eq!(at(&plan.boot_id, 60_000), Standing::Holds(boot));
        assert_eq!(
            at(&plan.boot_id, 59_999 + millis),
            Standing::Holds(Duration::from_millis(1))
        );
        assert_eq!(at(&plan.boot_id, 60_000 + millis), Standing::Over);
        assert_eq!(at("another", 60_000), Standing::Over);
        // Time that runs backwards is no time to trust.
        assert_eq!(at(&plan.boot_id, 59_999), Standing::Over);
    }

    #[test]
    fn what_is_not_armed_needs_no_end_and_what_tells_no_beginning_has_one() {
        let plan = plan();
        let now = Moment {
            boot_id: &plan.boot_id,
            uptime_ms: 0,
        };
        assert_eq!(standing(&plan, &staged(&plan), now), Standing::None);
        let mut journal = armed(&plan, 0);
        journal.arm = None;
        assert_eq!(standing(&plan, &journal, now), Standing::Over);
        journal.run = RunId::new(1);
        assert_eq!(standing(&plan, &journal, now), Standing::None);
    }

    #[test]
    fn a_jump_system_that_nobody_sent_for_is_not_meant_to_come_up() {
        let plan = plan();
        let mut journal = armed(&plan, 0);
        assert!(!is_ordered(&journal));
        journal.arm.as_mut().unwrap().ordered = true;
        assert!(is_ordered(&journal));
        assert!(!is_ordered(&staged(&plan)));
        // A journal from before there were orders.
        let old: Journal = serde_json::from_str(
            r#"{"run":"00000000000000aa","disk":[],"stage":"armed","step":8,"done":true,"tries":0,"failure":null}"#,
        )
        .unwrap();
        assert!(!is_ordered(&old));
    }
}
