//! What a node is at, as it is told: a step's stable name and its figures. What it is called for
//! people is made where it is shown ([`crate::render`]).

use serde::{Deserialize, Deserializer, Serialize};

use crate::disk::Filesystem;
use crate::job::Joint;
use crate::step::{ImageRole, Step};

/// The stable names of all steps, and of what an order does besides, printed in kebab case.
///
/// What speaks to us may be older or newer: a name that is not known here is [`StepId::Unknown`].
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is the step of the same name")]
pub enum StepId {
    HookPrep,
    SwapOff,
    AddLanding,
    MakeLanding,
    TakeMemory,
    Receive,
    UnpackJump,
    SaveFiles,
    HookSaved,
    SaveAdded,
    ConfigureJump,
    PackJump,
    WriteSelector,
    Arm,
    LoadJump,
    ProveFirmware,
    ProveDisks,
    ProveNetwork,
    ProveSshd,
    AwaitImage,
    ProveImage,
    ProveCopies,
    ProveAdmin,
    FollowOrder,
    TurnOrder,
    Commit,
    PlaceFallback,
    HookCommitted,
    Repartition,
    Mkfs,
    Copy,
    Extract,
    VerifyRoot,
    RestoreFiles,
    MergeAccounts,
    WriteFstab,
    WriteNetwork,
    WriteFiles,
    SwitchOff,
    HookRestored,
    CheckSshd,
    InstallFirstBoot,
    SettleLoader,
    InstallGrub,
    ConfigureGrub,
    LabelRoot,
    SealRoot,
    PlaceLoader,
    Try,
    HookFirstboot,
    CheckHealth,
    CheckAdmin,
    Confirm,
    FollowEntry,
    CollectLogs,
    ReturnLanding,
    HookFinished,
    Report,
    RemoveTraces,
    /// By `take-back`: the old loader boots again.
    RestoreLoader,
    /// By `resume` and `exchange`: the digest of an image is worked out.
    CheckImage,
    /// Within `return-landing`: what was staged is overwritten.
    EraseStaged,
    /// By `extract`: an archive is unpacked by hand.
    Unpack,
    /// None, or one that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl StepId {
    /// Whether it is none that is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::Unknown
    }

    /// The joint whose hook it runs, if it runs one.
    pub fn joint(self) -> Option<Joint> {
        Some(match self {
            Self::HookPrep => Joint::Prep,
            Self::HookSaved => Joint::Saved,
            Self::HookCommitted => Joint::Committed,
            Self::HookRestored => Joint::Restored,
            Self::HookFirstboot => Joint::Firstboot,
            Self::HookFinished => Joint::Finished,
            _ => return None,
        })
    }

    fn of_hook(joint: Joint) -> Self {
        match joint {
            Joint::Prep => Self::HookPrep,
            Joint::Saved => Self::HookSaved,
            Joint::Committed => Self::HookCommitted,
            Joint::Restored => Self::HookRestored,
            Joint::Firstboot => Self::HookFirstboot,
            Joint::Finished => Self::HookFinished,
        }
    }
}

impl From<&Step> for StepId {
    fn from(step: &Step) -> Self {
        match step {
            Step::Hook(hook) => Self::of_hook(hook.at),
            Step::SwapOff => Self::SwapOff,
            Step::AddLanding => Self::AddLanding,
            Step::MakeLanding => Self::MakeLanding,
            Step::TakeMemory => Self::TakeMemory,
            Step::Receive { .. } => Self::Receive,
            Step::UnpackJump => Self::UnpackJump,
            Step::SaveFiles { .. } => Self::SaveFiles,
            Step::SaveAdded => Self::SaveAdded,
            Step::ConfigureJump => Self::ConfigureJump,
            Step::PackJump => Self::PackJump,
            Step::WriteSelector => Self::WriteSelector,
            Step::Arm => Self::Arm,
            Step::LoadJump => Self::LoadJump,
            Step::ProveFirmware => Self::ProveFirmware,
            Step::ProveDisks => Self::ProveDisks,
            Step::ProveNetwork => Self::ProveNetwork,
            Step::ProveSshd => Self::ProveSshd,
            Step::AwaitImage { .. } => Self::AwaitImage,
            Step::ProveImage => Self::ProveImage,
            Step::ProveCopies { .. } => Self::ProveCopies,
            Step::ProveAdmin => Self::ProveAdmin,
            Step::FollowOrder => Self::FollowOrder,
            Step::TurnOrder => Self::TurnOrder,
            Step::Commit => Self::Commit,
            Step::PlaceFallback => Self::PlaceFallback,
            Step::Repartition => Self::Repartition,
            Step::Mkfs { .. } => Self::Mkfs,
            Step::Copy(_) => Self::Copy,
            Step::Extract => Self::Extract,
            Step::VerifyRoot => Self::VerifyRoot,
            Step::RestoreFiles => Self::RestoreFiles,
            Step::MergeAccounts => Self::MergeAccounts,
            Step::WriteFstab => Self::WriteFstab,
            Step::WriteNetwork => Self::WriteNetwork,
            Step::WriteFiles => Self::WriteFiles,
            Step::SwitchOff => Self::SwitchOff,
            Step::CheckSshd => Self::CheckSshd,
            Step::InstallFirstBoot => Self::InstallFirstBoot,
            Step::SettleLoader => Self::SettleLoader,
            Step::InstallGrub => Self::InstallGrub,
            Step::ConfigureGrub => Self::ConfigureGrub,
            Step::LabelRoot { .. } => Self::LabelRoot,
            Step::SealRoot => Self::SealRoot,
            Step::PlaceLoader => Self::PlaceLoader,
            Step::Try => Self::Try,
            Step::CheckHealth => Self::CheckHealth,
            Step::CheckAdmin => Self::CheckAdmin,
            Step::Confirm => Self::Confirm,
            Step::FollowEntry => Self::FollowEntry,
            Step::CollectLogs => Self::CollectLogs,
            Step::ReturnLanding => Self::ReturnLanding,
            Step::Report => Self::Report,
            Step::RemoveTraces => Self::RemoveTraces,
        }
    }
}

/// A step with what tells it from others of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Task {
    /// Which step.
    #[serde(default, skip_serializing_if = "StepId::is_unknown")]
    pub step: StepId,
    /// Of which image.
    #[serde(
        default,
        deserialize_with = "known",
        skip_serializing_if = "Option::is_none"
    )]
    pub image: Option<ImageRole>,
    /// On which partition.
    #[serde(
        default,
        deserialize_with = "known",
        skip_serializing_if = "Option::is_none"
    )]
    pub partition: Option<u32>,
    /// With which file system.
    #[serde(
        default,
        deserialize_with = "known",
        skip_serializing_if = "Option::is_none"
    )]
    pub fs: Option<Filesystem>,
    /// Of how many paths.
    #[serde(
        default,
        deserialize_with = "known",
        skip_serializing_if = "Option::is_none"
    )]
    pub paths: Option<u64>,
    /// Of which tree, by its path in the old system.
    #[serde(
        default,
        deserialize_with = "known",
        skip_serializing_if = "Option::is_none"
    )]
    pub tree: Option<String>,
    /// By which policy.
    #[serde(
        default,
        deserialize_with = "known",
        skip_serializing_if = "Option::is_none"
    )]
    pub policy: Option<String>,
    /// Which hook, as the job names it.
    #[serde(
        default,
        deserialize_with = "known",
        skip_serializing_if = "Option::is_none"
    )]
    pub hook: Option<String>,
}

impl From<StepId> for Task {
    fn from(step: StepId) -> Self {
        Self {
            step,
            ..Self::default()
        }
    }
}

impl From<&Step> for Task {
    fn from(step: &Step) -> Self {
        let task = Self::from(StepId::from(step));
        match step {
            Step::Hook(hook) => Self {
                hook: Some(hook.name.clone()),
                ..task
            },
            Step::Receive { image, .. } | Step::AwaitImage { image, .. } => Self {
                image: Some(*image),
                ..task
            },
            Step::SaveFiles { paths } => Self {
                paths: Some(paths.len() as u64),
                ..task
            },
            Step::Mkfs { number, fs, .. } => Self {
                partition: Some(*number),
                fs: Some(*fs),
                ..task
            },
            Step::Copy(copy) => Self {
                tree: Some(copy.path.to_string()),
                partition: Some(copy.to.number),
                ..task
            },
            Step::LabelRoot { policy } => Self {
                policy: Some(policy.clone()),
                ..task
            },
            _ => task,
        }
    }
}

/// A figure that is of another kind than is known here is none.
fn known<'de, D, T>(value: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = serde_json::Value::deserialize(value)?;
    Ok(serde_json::from_value(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(task: &Task) -> String {
        serde_json::to_string(task).unwrap()
    }

    #[test]
    fn a_step_is_told_by_its_name_and_figures() {
        let mkfs = Step::Mkfs {
            number: 2,
            fs: Filesystem::Ext4,
            uuid: "u".to_owned(),
            label: None,
        };
        let task = Task::from(&mkfs);
        assert_eq!(json(&task), r#"{"step":"mkfs","partition":2,"fs":"ext4"}"#);
        assert_eq!(serde_json::from_str::<Task>(&json(&task)).unwrap(), task);
        assert_eq!(json(&Task::from(&Step::SwapOff)), r#"{"step":"swap-off"}"#);
    }

    #[test]
    fn what_another_version_tells_is_unknown_and_no_error() {
        let said = r#"{"step":"light-a-candle","partition":-1,"fs":"zfs","colour":1}"#;
        let task: Task = serde_json::from_str(said).unwrap();
        assert_eq!(task, Task::from(StepId::Unknown));
        assert_eq!(serde_json::from_str::<Task>("{}").unwrap(), task);
    }
}
