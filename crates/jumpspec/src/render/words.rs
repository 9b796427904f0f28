//! What steps, failures and what follows from them are called.

use std::fmt;

use crate::hook::Hook;
use crate::job::{Joint, OnFailure};
use crate::run::event::{Destination, Next};
use crate::run::failure::Failure;
use crate::run::task::{StepId, Task};

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.step, self) {
            (
                StepId::Receive,
                Self {
                    image: Some(image), ..
                },
            ) => {
                write!(f, "receive the {image} and check it there")
            }
            (
                StepId::AwaitImage,
                Self {
                    image: Some(image), ..
                },
            ) => {
                write!(f, "wait for the {image} and check it")
            }
            (
                StepId::SaveFiles,
                Self {
                    paths: Some(paths), ..
                },
            ) => write!(f, "save {paths} paths"),
            (
                StepId::Mkfs,
                Self {
                    partition: Some(number),
                    fs: Some(fs),
                    ..
                },
            ) => {
                write!(f, "make {} on partition {number}", fs.name())
            }
            (
                StepId::Copy,
                Self {
                    tree: Some(tree),
                    partition: Some(number),
                    ..
                },
            ) => {
                write!(f, "copy {tree} to partition {number} and check it there")
            }
            (
                StepId::LabelRoot,
                Self {
                    policy: Some(policy),
                    ..
                },
            ) => {
                write!(f, "label the new system by the policy {policy}")
            }
            (step, Self { hook, .. }) => match (step.joint(), hook) {
                (Some(joint), Some(hook)) => write!(f, "run the hook {hook} ({joint})"),
                _ => f.write_str(words(step)),
            },
        }
    }
}

/// On which terms a hook is run.
pub(super) fn terms(hook: &Hook) -> String {
    let follows = match (hook.on_failure, hook.at) {
        (OnFailure::Old, _) => "ends the run in the old system",
        (OnFailure::Jump, Joint::Firstboot) => "leads back to the jump system",
        (OnFailure::Jump, _) => "keeps the node in the jump system",
        (OnFailure::Tell, _) => "is told",
    };
    format!(
        "at most {}; a failure {follows}",
        String::from(hook.timeout)
    )
}

/// What a step is called without its figures.
fn words(step: StepId) -> &'static str {
    match step {
        StepId::HookPrep => "run a hook (prep)",
        StepId::SwapOff => "stop using the landing partition as swap",
        StepId::AddLanding => "make the landing partition in free room",
        StepId::MakeLanding => "make the landing file system",
        StepId::TakeMemory => "take memory for the jump system",
        StepId::Receive => "receive an image and check it there",
        StepId::UnpackJump => "unpack the jump system",
        StepId::SaveFiles => "save files",
        StepId::HookSaved => "run a hook (saved)",
        StepId::SaveAdded => "save what hooks have added",
        StepId::ConfigureJump => "give the jump system its network and keys",
        StepId::PackJump => "pack the jump system into what is booted",
        StepId::WriteSelector => "write the selector",
        StepId::Arm => "arm the selector: jump once",
        StepId::LoadJump => "load the jump system for kexec",
        StepId::ProveFirmware => "prove: the firmware does what it is told",
        StepId::ProveDisks => "prove: the disks are the planned ones",
        StepId::ProveNetwork => "prove: the network is up",
        StepId::ProveSshd => "prove: sshd answers",
        StepId::AwaitImage => "wait for an image and check it",
        StepId::ProveImage => "prove: the target image is whole",
        StepId::ProveCopies => "prove: what is to be copied is there",
        StepId::ProveAdmin => "prove: the admin host logs in",
        StepId::FollowOrder => "prove: the firmware follows its order",
        StepId::TurnOrder => "put the jump system first in the firmware's order",
        StepId::Commit => "commit: jump is the default now",
        StepId::PlaceFallback => "lead the firmware's fallback to the jump system",
        StepId::Repartition => "write the partition table",
        StepId::Mkfs => "make a file system",
        StepId::Copy => "copy a tree and check it there",
        StepId::Extract => "unpack the new system",
        StepId::VerifyRoot => "check what was written to the disk",
        StepId::RestoreFiles => "put the saved files back",
        StepId::MergeAccounts => "merge the accounts",
        StepId::WriteFstab => "write fstab",
        StepId::WriteNetwork => "write the network settings",
        StepId::WriteFiles => "write the files made of templates",
        StepId::SwitchOff => "switch off what would change the node at its first boot",
        StepId::HookCommitted => "run a hook (committed)",
        StepId::HookRestored => "run a hook (restored)",
        StepId::CheckSshd => "check that the new sshd takes its configuration",
        StepId::InstallFirstBoot => "prepare the first boot",
        StepId::SettleLoader => "give the loader this node's disk, swap and consoles",
        StepId::InstallGrub => "install GRUB",
        StepId::ConfigureGrub => "configure GRUB",
        StepId::LabelRoot => "label the new system",
        StepId::SealRoot => "unmount the new system",
        StepId::PlaceLoader => "put the new loader in its place",
        StepId::Try => "give the new system its tries",
        StepId::CheckHealth => "check the new system's health",
        StepId::CheckAdmin => "wait for the admin host's login",
        StepId::Confirm => "confirm: the new system is the default now",
        StepId::FollowEntry => "see the firmware boot the new system by itself",
        StepId::CollectLogs => "collect the logs",
        StepId::ReturnLanding => "give the landing partition back",
        StepId::HookFirstboot => "run a hook (firstboot)",
        StepId::HookFinished => "run a hook (finished)",
        StepId::Report => "leave the report",
        StepId::RemoveTraces => "remove jump's traces",
        StepId::RestoreLoader => "restore the loader",
        StepId::CheckImage => "check the digest",
        StepId::EraseStaged => "erase what was staged",
        StepId::Unpack => "unpack",
        StepId::Unknown => "do what this version does not know",
    }
}

/// Without the code, which not every reader wants.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.context {
            write!(f, "{context}: ")?;
        }
        if !self.task.step.is_unknown() {
            write!(f, "could not {}: ", self.task)?;
        }
        f.write_str(&self.error)
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OldUnarmed => "the old system stays, and boots; it is not armed",
            Self::OldStays => "the old system stays, and boots",
            Self::OldByJump => {
                "the old system stays; a reboot may lead by way of the jump system back to it"
            }
            Self::OldReturns => "the old system comes back",
            Self::JumpStays => "the jump system stays up and waits",
            Self::JumpReturns => "the node goes back to the jump system",
            Self::NewStays => "the new system stays; the rest is tried again at its next boot",
            Self::Unknown => "what the node does about it is not known to this version",
        })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "the old system",
            Self::New => "the new system",
            Self::JumpByOrder => "the jump system, by the firmware's own order",
            Self::NewByEntry => "the new system, by its own entry",
            Self::JumpAnew => "the jump system, which begins anew",
            Self::JumpResumed => "the jump system, to replace anew",
            Self::Unknown => "a system that this version does not know",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::failure::Code;
    use crate::step::{ImageRole, Step};

    #[test]
    fn a_step_is_called_by_its_figures() {
        let receive = Task {
            image: Some(ImageRole::Jump),
            ..Task::from(StepId::Receive)
        };
        assert_eq!(
            receive.to_string(),
            "receive the jump image and check it there"
        );
        let label = Task::from(&Step::LabelRoot {
            policy: "default".to_owned(),
        });
        assert!(label.to_string().ends_with("by the policy default"));
        let hook = Task {
            hook: Some("hooks/drain".to_owned()),
            ..Task::from(StepId::HookPrep)
        };
        assert_eq!(hook.to_string(), "run the hook hooks/drain (prep)");
        // Whoever speaks to us may leave them out.
        assert_eq!(
            Task::from(StepId::HookPrep).to_string(),
            "run a hook (prep)"
        );
        assert_eq!(Task::from(StepId::Mkfs).to_string(), "make a file system");
    }

    #[test]
    fn a_failure_says_what_it_means_what_could_not_be_done_and_why() {
        let failure = Failure {
            task: Task::from(StepId::CheckHealth),
            ..Failure::new(Code::HealthFailed, "a.service has failed")
        };
        assert_eq!(
            failure
                .context("the new system was not confirmed")
                .to_string(),
            "the new system was not confirmed: could not check the new system's health: a.service has failed"
        );
        let bare = Failure::new(Code::NotOrdered, "nobody ordered this reboot");
        assert_eq!(bare.to_string(), "nobody ordered this reboot");
    }
}
