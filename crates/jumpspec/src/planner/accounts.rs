//! What the merge of accounts will do, told before anything is destroyed, by the merge itself.

use super::Input;
use crate::disk::{Disk, FoundPartition};
use crate::job::Action;
use crate::node::accounts::{
    AccountFiles, Clash, Owners, PublicAccounts, Setting, all_owners, heirs, merge, owners,
};
use crate::node::facts::Mount;
use crate::planner::refusal::{Refusal, RefusalCode};

/// File systems that know owners, as blkid calls them.
const WITH_OWNERS: [&str; 5] = ["ext2", "ext3", "ext4", "xfs", "btrfs"];

/// Who comes along for the sake of their files, and what to say.
pub(super) struct Accounts {
    pub(super) owners: Owners,
    pub(super) notes: Vec<String>,
}

/// What becomes of the accounts.
pub(super) fn planned(input: &Input<'_>, disk: &Disk) -> Result<Accounts, Refusal> {
    let mut planned = Accounts {
        owners: Owners::default(),
        notes: Vec::new(),
    };
    let old = input.facts.public_accounts.files();
    let goes = going(input, disk);
    let kept: Vec<&Mount> = kept(input, &goes).collect();
    let ids = |of: fn(&crate::node::facts::FileOwners) -> &Vec<u32>| -> Vec<u32> {
        let known = kept.iter().filter_map(|mount| mount.owners.as_ref());
        let copied = super::copies::trees(input).map(|(_, tree)| &tree.owners);
        known.chain(copied).flat_map(of).copied().collect()
    };
    let uids = ids(|found| &found.uids);
    if !input.job.save.accounts {
        planned.notes.extend(left_behind(&all_owners(&old, &uids)));
        return Ok(planned);
    }
    planned.owners = owners(&old, &uids, &ids(|found| &found.gids));
    let partly = kept
        .iter()
        .filter(|mount| mount.owners.as_ref().is_some_and(|found| !found.complete));
    planned.notes.extend(partly.map(|mount| {
        format!(
            "{} has too many files to look at all: who else owns some there is not known",
            mount.target
        )
    }));
    planned.notes.extend(unseen(input, &goes));
    if let Some(new) = &input.target.manifest.accounts {
        let heirs = heirs(&old, &new.files(), &uids);
        planned.notes.extend(heirs.iter().map(|(uid, name)| {
            format!(
                "accounts: files of uid {uid}, which has no account, are {name}'s in the new system"
            )
        }));
        let said = merge_notes(input, &old, new, &planned.owners)?;
        planned.notes.extend(said);
    }
    Ok(planned)
}

/// The devices of the partitions that do not stay.
fn going(input: &Input<'_>, disk: &Disk) -> Vec<String> {
    let goes = |partition: &&FoundPartition| {
        let action = input.job.layout.action(partition.number);
        action.is_some_and(|action| action != Action::Keep)
    };
    let partitions = disk.partitions.iter().filter(goes);
    partitions
        .map(|partition| partition.device.clone())
        .collect()
}

/// The mounted file systems that stay. What lies on other disks always does.
fn kept<'a>(input: &Input<'a>, goes: &[String]) -> impl Iterator<Item = &'a Mount> {
    let mounts = input.facts.mounts.iter();
    mounts.filter(move |mount| mount.target != "/" && !goes.contains(&mount.device))
}

/// File systems with owners that stay and are not mounted: nobody has looked at them.
fn unseen(input: &Input<'_>, goes: &[String]) -> Vec<String> {
    let is_mounted = |device: &String| {
        input
            .facts
            .mounts
            .iter()
            .any(|mount| mount.device == *device)
    };
    let partitions = input.facts.disks.iter().flat_map(|disk| &disk.partitions);
    let stays = partitions
        .filter(|partition| !goes.contains(&partition.device) && !is_mounted(&partition.device));
    let unseen = stays.filter_map(|partition| {
        let kind = &partition.content.as_ref()?.kind;
        WITH_OWNERS.contains(&kind.as_str()).then(|| {
            format!(
                "{} ({kind}) stays and is not mounted: who owns files there is not known",
                partition.device
            )
        })
    });
    unseen.collect()
}

/// What to say of owners when the job carries no account over.
fn left_behind(owners: &[String]) -> Option<String> {
    (!owners.is_empty()).then(|| {
        format!(
            "accounts: the job carries none over, and files that stay belong to {}: in the new system they are whose ids they have",
            owners.join(", ")
        )
    })
}

/// What a merge of these accounts says; nothing is known of passwords.
fn merge_notes(
    input: &Input<'_>,
    old: &AccountFiles,
    new: &PublicAccounts,
    owners: &Owners,
) -> Result<Vec<String>, Refusal> {
    let manifest = &input.target.manifest;
    let known = &manifest.shells;
    let has_program = |path: &str| known.is_empty() || known.iter().any(|shell| shell == path);
    let setting = Setting {
        owners,
        has_program: &has_program,
    };
    let merged = merge(old, &new.files(), setting).map_err(|error| {
        Refusal::new(
            RefusalCode::ImageUnfit,
            format!("the target image {}: {error}", manifest.name),
            "make /etc/passwd of the golden root whole and build the image again",
        )
    })?;
    let mut notes = Vec::new();
    let mut left: Vec<&str> = Vec::new();
    for clash in &merged.clashes {
        match clash {
            Clash::Locked { .. } | Clash::RootUnknown => {}
            Clash::SystemAccount { name } => left.push(name),
            clash => notes.push(format!("accounts: {clash}")),
        }
    }
    if !owners.users.is_empty() || !owners.groups.is_empty() {
        let is_carried = |name: &&String| merged.carried.contains(name);
        let carried: Vec<&str> = owners
            .users
            .iter()
            .filter(is_carried)
            .map(String::as_str)
            .collect();
        if !carried.is_empty() {
            notes.push(format!(
                "accounts: {} come along, for they own files that stay",
                carried.join(", ")
            ));
        }
    }
    if !left.is_empty() {
        notes.push(format!(
            "accounts: system accounts that are not in the image stay behind: {}",
            left.join(", ")
        ));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::node::facts::{Facts, FileOwners};
    use crate::plan::Plan;
    use crate::planner::sample::{self, facts, job};

    fn planned_for(facts: &Facts) -> Plan {
        planned_by(facts, &job())
    }

    fn planned_by(facts: &Facts, job: &Job) -> Plan {
        sample::planned(facts, job).unwrap()
    }

    /// The sample node with these accounts, and with files of `uid` in a mounted file system.
    fn with(passwd: &str, target: &str, uid: u32) -> Facts {
        let mut facts = facts();
        facts.public_accounts.passwd.push_str(passwd);
        let mut mounts = facts.mounts.iter_mut();
        let mount = mounts.find(|mount| mount.target == target).unwrap();
        mount.owners = Some(FileOwners {
            uids: vec![0, uid],
            gids: Vec::new(),
            complete: true,
        });
        facts
    }

    fn says(plan: &Plan, wanted: &str) -> bool {
        plan.notes.iter().any(|note| note.contains(wanted))
    }

    #[test]
    fn a_service_whose_files_stay_comes_along_and_check_says_so() {
        let slurm = "slurm:x:64030:64030::/:/bin/bash\nslurm2:x:992:992::/:/bin/bash\n";
        let plan = planned_for(&with(slurm, "/data", 992));
        assert_eq!(plan.owners.users, ["slurm2"]);
        assert!(says(&plan, "slurm2 come along"), "{:?}", plan.notes);
    }

    #[test]
    fn files_that_would_be_another_services_are_told_by_check() {
        let plan = planned_for(&with("slurm:x:991:991::/:/bin/bash\n", "/data", 991));
        assert!(says(
            &plan,
            "files of slurm on kept file systems belong to sshd now"
        ));
    }

    #[test]
    fn files_of_nobody_that_would_be_a_services_are_told_by_check() {
        let plan = planned_for(&with("", "/data", 991));
        let wanted = "files of uid 991, which has no account, are sshd's";
        assert!(says(&plan, wanted), "{:?}", plan.notes);
    }

    #[test]
    fn a_job_without_accounts_is_told_whose_files_stay() {
        let mut job = job();
        job.save.accounts = false;
        let slurm = "slurm:x:992:992::/:/bin/bash\n";
        let plan = planned_by(&with(slurm, "/data", 992), &job);
        assert!(
            says(&plan, "files that stay belong to slurm"),
            "{:?}",
            plan.notes
        );
    }

    #[test]
    fn what_stays_unmounted_has_owners_that_nobody_knows() {
        let mut facts = with("", "/data", 1007);
        facts.mounts.retain(|mount| mount.target != "/data");
        let plan = planned_for(&facts);
        assert!(
            says(&plan, "/dev/vda4 (ext4) stays and is not mounted"),
            "{:?}",
            plan.notes
        );
    }

    #[test]
    fn what_is_formatted_keeps_no_owner() {
        let plan = planned_for(&with("slurm:x:992:992::/:/bin/bash\n", "/boot", 992));
        assert_eq!(plan.owners, Owners::default());
        assert!(says(&plan, "stay behind: slurm"), "{:?}", plan.notes);
    }

    #[test]
    fn a_missing_shell_and_lines_of_nis_are_told_by_check() {
        let passwd = "bob:x:1008:1008::/home/bob:/bin/zsh\n+::::::\n";
        let plan = planned_for(&with(passwd, "/data", 1008));
        assert!(says(&plan, "account bob has the shell /bin/bash now"));
        assert!(says(&plan, "is one of NIS"));
    }

    #[test]
    fn a_walk_that_found_no_end_is_told() {
        let mut facts = with("", "/data", 1007);
        for mount in &mut facts.mounts {
            if let Some(owners) = &mut mount.owners {
                owners.complete = false;
            }
        }
        assert!(says(&planned_for(&facts), "/data has too many files"));
    }
}
