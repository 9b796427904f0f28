//! Why something failed on a node: a stable code that scripts can count, the step, and what the
//! system said. The words for people are made where it is shown ([`crate::render`]).

use serde::{Deserialize, Deserializer, Serialize};

use crate::run::task::{StepId, Task};

/// The codes: each with its stable name and what it means. A name that was published once is neither
/// changed nor used for something else.
macro_rules! codes {
    ($($code:ident $name:literal $meaning:literal,)+) => {
        /// Stable codes of failures on a node, printed in kebab case.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $meaning] #[serde(rename = $name)] $code,)+
            /// One that this version does not know.
            #[default]
            #[serde(rename = "unknown", other)]
            Unknown,
        }

        impl Code {
            /// All that are known.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// Its stable name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                    Self::Unknown => "unknown",
                }
            }

            /// What it means, in one line.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => $meaning,)+
                    Self::Unknown => "The node has told a code that this version does not know.",
                }
            }
        }
    };
}

codes! {
    // By what the system or a program said, in whichever step.
    NoRoom "no-room" "A file system is full.",
    NoMemory "no-memory" "There is no memory left.",
    DiskError "disk-error" "A disk answers with an error.",
    ReadOnly "read-only" "What should be written to cannot be.",
    DeviceBusy "device-busy" "Somebody else has a device or a mount point.",
    ProgramMissing "program-missing" "A program is not there, or cannot be started.",
    ProgramFailed "program-failed" "A program has failed.",
    ProgramHangs "program-hangs" "A program took longer than it may.",
    ProgramKilled "program-killed" "A program was ended by a signal.",
    MountFailed "mount-failed" "A file system cannot be mounted or unmounted.",
    ImageDamaged "image-damaged" "An image, or what was saved, is not what it was.",
    ImageUnreadable "image-unreadable" "An image cannot be read, or cannot be unpacked as it is.",
    WrittenWrong "written-wrong" "What is on the disk is not what was written to it.",

    // By the step.
    HookFailed "hook-failed" "A hook of the admin's has failed.",
    HookTooLong "hook-too-long" "A hook of the admin's took longer than it may.",
    HookChanged "hook-changed" "A hook is not the one that was planned.",
    SwapStays "swap-stays" "The landing partition stays swap.",
    LandingFailed "landing-failed" "The landing file system cannot be made.",
    UploadFailed "upload-failed" "An image did not arrive.",
    SaveFailed "save-failed" "What makes the node itself cannot be saved.",
    ConfigureFailed "configure-failed" "The jump system cannot be given what it needs.",
    SelectorFailed "selector-failed" "What boots next cannot be changed or read.",
    FirmwareFailed "firmware-failed" "The firmware has not kept, or not followed, what it was told.",
    KexecFailed "kexec-failed" "The kernel does not take another one, or does not start it.",
    DiskNotFound "disk-not-found" "No disk, or more than one, is the planned one.",
    DiskChanged "disk-changed" "The disk is not as it was when the plan was made.",
    NoNetwork "no-network" "The network is not as it was captured.",
    NoSshd "no-sshd" "sshd does not answer.",
    NoLogin "no-login" "The admin host has not logged in.",
    PartitionFailed "partition-failed" "The partition table cannot be written, or the kernel does not take it.",
    MkfsFailed "mkfs-failed" "A file system cannot be made.",
    CopyFailed "copy-failed" "A tree cannot be copied to its new place.",
    RestoreFailed "restore-failed" "What makes the node itself cannot be put back.",
    SshdRefused "sshd-refused" "The new system's sshd does not take its keys or configuration.",
    LoaderFailed "loader-failed" "The new system's loader cannot be installed.",
    LabelFailed "label-failed" "The new system cannot be labelled by its SELinux policy.",
    HealthFailed "health-failed" "A unit that has to be sound is not.",
    IdentityChanged "identity-changed" "The new system is not the node that it was made.",
    FinishFailed "finish-failed" "The new system is the default, and cannot tidy up.",

    // By what became of the run.
    PlanUnreadable "plan-unreadable" "The plan cannot be read.",
    JournalFailed "journal-failed" "The journal cannot be read or written.",
    CallKilled "call-killed" "An order was killed in the middle of its work.",
    ArmTakenBack "arm-taken-back" "The node was armed, and is so no more.",
    NotOrdered "not-ordered" "The jump system came up by a reboot that nobody ordered.",
    NotProved "not-proved" "The jump system came up and did not prove itself, and has not said why.",
    TooLong "too-long" "Replacing the old system took longer than [wait] replace.",
    TriesSpent "tries-spent" "Replacing the old system was begun several times and never finished.",
    BootFailed "boot-failed" "The new system was never confirmed, and has not said why.",
    NotConfirmed "not-confirmed" "The new system was not confirmed within [wait] health.",
}

impl Code {
    /// What a step's failure is where nothing better is known.
    pub fn of(step: StepId) -> Self {
        match step {
            StepId::HookPrep
            | StepId::HookSaved
            | StepId::HookCommitted
            | StepId::HookRestored
            | StepId::HookFirstboot
            | StepId::HookFinished => Self::HookFailed,
            StepId::SwapOff => Self::SwapStays,
            StepId::MakeLanding | StepId::TakeMemory | StepId::PackJump => Self::LandingFailed,
            StepId::Receive | StepId::AwaitImage => Self::UploadFailed,
            StepId::UnpackJump
            | StepId::ProveImage
            | StepId::Extract
            | StepId::CheckImage
            | StepId::Unpack => Self::ImageUnreadable,
            StepId::SaveFiles | StepId::SaveAdded => Self::SaveFailed,
            StepId::ConfigureJump => Self::ConfigureFailed,
            StepId::WriteSelector
            | StepId::Arm
            | StepId::Commit
            | StepId::PlaceFallback
            | StepId::Try
            | StepId::Confirm
            | StepId::FollowEntry
            | StepId::RestoreLoader => Self::SelectorFailed,
            StepId::LoadJump => Self::KexecFailed,
            StepId::ProveFirmware | StepId::FollowOrder | StepId::TurnOrder => Self::FirmwareFailed,
            StepId::ProveDisks => Self::DiskChanged,
            StepId::ProveNetwork => Self::NoNetwork,
            StepId::ProveSshd => Self::NoSshd,
            StepId::ProveAdmin | StepId::CheckAdmin => Self::NoLogin,
            StepId::AddLanding | StepId::Repartition => Self::PartitionFailed,
            StepId::Mkfs => Self::MkfsFailed,
            StepId::ProveCopies | StepId::Copy => Self::CopyFailed,
            StepId::VerifyRoot => Self::WrittenWrong,
            StepId::RestoreFiles
            | StepId::MergeAccounts
            | StepId::WriteFstab
            | StepId::WriteNetwork
            | StepId::WriteFiles
            | StepId::SwitchOff
            | StepId::InstallFirstBoot => Self::RestoreFailed,
            StepId::CheckSshd => Self::SshdRefused,
            StepId::SettleLoader
            | StepId::InstallGrub
            | StepId::ConfigureGrub
            | StepId::PlaceLoader => Self::LoaderFailed,
            StepId::LabelRoot => Self::LabelFailed,
            StepId::SealRoot => Self::MountFailed,
            StepId::CheckHealth => Self::HealthFailed,
            StepId::CollectLogs
            | StepId::ReturnLanding
            | StepId::EraseStaged
            | StepId::Report
            | StepId::RemoveTraces => Self::FinishFailed,
            StepId::Unknown => Self::Unknown,
        }
    }
}

/// Bytes of the longest that is told: jumpinit keeps the last 2 KiB of what a program said.
pub const LONGEST: usize = 64 << 10;

/// One failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its code.
    #[serde(default)]
    pub code: Code,
    /// What could not be done, where it was a step.
    #[serde(flatten)]
    pub task: Task,
    /// What that means for the run, where somebody knew more than the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What was said of it, outermost first, joined by `: `.
    #[serde(default)]
    pub error: String,
}

impl Failure {
    /// One that is of no step.
    pub fn new(code: Code, error: impl Into<String>) -> Self {
        Self {
            code,
            error: error.into(),
            ..Self::default()
        }
    }

    /// The same, with what it means for the run.
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        let context = context.into();
        self.context = Some(match self.context {
            Some(before) => format!("{context}: {before}"),
            None => context,
        });
        self
    }

    /// The same, cut to [`LONGEST`].
    #[must_use]
    pub fn bounded(mut self) -> Self {
        while self.length() > LONGEST {
            // A letter that is cut through goes as a whole.
            self.shorten(self.length() - LONGEST);
        }
        self
    }

    /// Cuts `bytes` off the end of the longest of its texts.
    pub(crate) fn shorten(&mut self, bytes: usize) {
        let task = &mut self.task;
        let texts = [
            &mut self.context,
            &mut task.policy,
            &mut task.hook,
            &mut task.tree,
        ]
        .map(Option::as_mut);
        let texts = texts.into_iter().flatten().chain([&mut self.error]);
        if let Some(text) = texts.max_by_key(|text| text.len()) {
            let wanted = text.len().saturating_sub(bytes);
            let at = (0..=wanted).rfind(|at| text.is_char_boundary(*at));
            text.truncate(at.unwrap_or_default());
        }
    }

    /// Bytes of all that is said in it.
    pub fn length(&self) -> usize {
        let task = &self.task;
        let texts = [&self.context, &task.policy, &task.hook, &task.tree];
        let length: usize = texts.into_iter().flatten().map(String::len).sum();
        length + self.error.len()
    }
}

/// A failure; one of an older version is its words. Whatever another version made of it, what it stands
/// in is read.
pub(crate) fn or_words<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Failure>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Told {
        Words(String),
        Failure(Failure),
        Other(serde_json::Value),
    }
    let told = Option::<Told>::deserialize(value)?;
    Ok(told.map(|told| match told {
        Told::Words(words) => Failure::new(Code::Unknown, words),
        Told::Failure(failure) => failure,
        Told::Other(other) => Failure::new(Code::Unknown, other.to_string()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::task::StepId;

    /// Who counts failures counts by these: a code may come, and none goes or changes.
    const PUBLISHED: [&str; 49] = [
        "no-room",
        "no-memory",
        "disk-error",
        "read-only",
        "device-busy",
        "program-missing",
        "program-failed",
        "program-hangs",
        "program-killed",
        "mount-failed",
        "image-damaged",
        "image-unreadable",
        "written-wrong",
        "hook-failed",
        "hook-too-long",
        "hook-changed",
        "swap-stays",
        "landing-failed",
        "upload-failed",
        "save-failed",
        "configure-failed",
        "selector-failed",
        "firmware-failed",
        "kexec-failed",
        "disk-not-found",
        "disk-changed",
        "no-network",
        "no-sshd",
        "no-login",
        "partition-failed",
        "mkfs-failed",
        "copy-failed",
        "restore-failed",
        "sshd-refused",
        "loader-failed",
        "label-failed",
        "health-failed",
        "identity-changed",
        "finish-failed",
        "plan-unreadable",
        "journal-failed",
        "call-killed",
        "arm-taken-back",
        "not-ordered",
        "not-proved",
        "too-long",
        "tries-spent",
        "boot-failed",
        "not-confirmed",
    ];

    #[test]
    fn whatever_another_version_made_of_it_what_it_stands_in_is_read() {
        #[derive(Deserialize)]
        struct Kept {
            #[serde(default, deserialize_with = "or_words")]
            failure: Option<Failure>,
        }
        let read = |json: &str| {
            let kept: Kept = serde_json::from_str(json).expect("it is read");
            kept.failure
        };
        let words = |words: &str| Some(Failure::new(Code::Unknown, words));
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"failure":null}"#), None);
        assert_eq!(read(r#"{"failure":"no link"}"#), words("no link"));
        assert_eq!(read(r#"{"failure":["a",1]}"#), words(r#"["a",1]"#));
        assert_eq!(read(r#"{"failure":{"code":7}}"#), words(r#"{"code":7}"#));
        let known = read(r#"{"failure":{"code":"no-room","why":"full"}}"#);
        assert_eq!(known.map(|it| it.code), Some(Code::NoRoom));
    }

    #[test]
    fn one_that_is_too_long_is_cut() {
        let long = Failure::new(Code::NoRoom, "é".repeat(LONGEST)).context("x".repeat(LONGEST));
        let length = long.bounded().length();
        assert!((LONGEST - 8..=LONGEST).contains(&length), "{length}");
    }

    #[test]
    fn no_code_goes_or_changes() {
        let codes: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(codes, PUBLISHED);
    }

    #[test]
    fn codes_travel_by_their_names_and_an_unknown_one_is_no_error() {
        for code in Code::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{}\"", code.name()));
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
        }
        let newer = serde_json::from_str::<Code>("\"light-out\"").unwrap();
        assert_eq!((newer, newer.name()), (Code::Unknown, "unknown"));
    }

    #[test]
    fn every_code_is_in_the_manual_with_what_it_means() {
        let manual = include_str!("../../../../docs/safety.md");
        for code in Code::ALL.iter().chain([&Code::Unknown]) {
            let row = format!("| `{}` | {} | ", code.name(), code.meaning());
            assert!(manual.contains(&row), "{row} is missing");
        }
    }

    #[test]
    fn a_failure_has_code_and_step_side_by_side() {
        let failure = Failure {
            task: Task::from(StepId::Extract),
            ..Failure::new(Code::NoRoom, "no space left")
        };
        let json = r#"{"code":"no-room","step":"extract","error":"no space left"}"#;
        assert_eq!(serde_json::to_string(&failure).unwrap(), json);
        assert_eq!(serde_json::from_str::<Failure>(json).unwrap(), failure);
        let bare = Failure::new(Code::NotOrdered, "x")
            .context("a")
            .context("b");
        let json = r#"{"code":"not-ordered","context":"b: a","error":"x"}"#;
        assert_eq!(serde_json::to_string(&bare).unwrap(), json);
        assert_eq!(serde_json::from_str::<Failure>(json).unwrap(), bare);
    }
}
