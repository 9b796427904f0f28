//! Why something failed, as it is told: with a code by what the errors below are, else by the step.
//! Never by what an error says.

use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt as _;

use jumpspec::disk::Doubt;
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::task::Task;
use jumpsys::boot::grubenv::GrubenvError;
use jumpsys::cmd::CmdError;
use jumpsys::disk::durable::DurableError;
use jumpsys::disk::swap::SwapError;
use jumpsys::files::mount::MountError;
use jumpsys::files::sealed::{KeySectorError, SealedError};
use jumpsys::journal_slots::JournalSlotsError;

use crate::node::cause::Cause;

/// `EIO` and `EREMOTEIO` of errno(3): what block devices answer with when they fail.
const DISK_ERRORS: [i32; 2] = [5, 121];

/// A step that failed: all that is known of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StepFailed(Failure);

/// The failure of a step.
pub(crate) fn of_step(error: &anyhow::Error, task: Task) -> StepFailed {
    StepFailed(Failure {
        code: known(error).unwrap_or_else(|| Code::of(task.step)),
        task,
        ..Failure::new(Code::Unknown, format!("{error:#}"))
    })
}

/// The failure that an error is: that of a step with what was said around it, or one of its own,
/// which has `code` where nothing better is known.
pub(crate) fn of(error: &anyhow::Error, code: Code) -> Failure {
    let mut around = Vec::new();
    for cause in error.chain() {
        if let Some(StepFailed(failure)) = cause.downcast_ref() {
            let around = around.into_iter().rev();
            return around.fold(failure.clone(), Failure::context);
        }
        around.push(cause.to_string());
    }
    Failure::new(known(error).unwrap_or(code), format!("{error:#}"))
}

/// A failure as the journal keeps it, which cuts it to the room that there is when it is written
/// ([`jumpspec::run::journal::Journal::to_bytes`]).
pub(crate) fn for_journal(failure: &Failure) -> Failure {
    Failure {
        context: failure.context.as_deref().map(one_line),
        error: one_line(&failure.error),
        ..failure.clone()
    }
}

/// The code that an error has by itself: what was said with one counts more than what the system
/// said, and that more than who was told so.
fn known(error: &anyhow::Error) -> Option<Code> {
    let first =
        |code: fn(&(dyn std::error::Error + 'static)) -> Option<Code>| error.chain().find_map(code);
    first(|cause| Some(cause.downcast_ref::<Cause>()?.code))
        .or_else(|| first(|cause| of_system(cause.downcast_ref()?)))
        .or_else(|| first(|cause| of_program(cause.downcast_ref()?)))
        .or_else(|| first(|cause| of_archive(cause.downcast_ref()?)))
        .or_else(|| first(of_door))
}

fn of_system(error: &io::Error) -> Option<Code> {
    if error
        .raw_os_error()
        .is_some_and(|number| DISK_ERRORS.contains(&number))
    {
        return Some(Code::DiskError);
    }
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some(Code::NoRoom),
        ErrorKind::OutOfMemory => Some(Code::NoMemory),
        ErrorKind::ReadOnlyFilesystem => Some(Code::ReadOnly),
        ErrorKind::ResourceBusy => Some(Code::DeviceBusy),
        _ => None,
    }
}

/// Of one that ended by itself the step says more.
fn of_program(error: &CmdError) -> Option<Code> {
    match error {
        CmdError::Spawn { .. } => Some(Code::ProgramMissing),
        CmdError::TimedOut { .. } | CmdError::Hangs { .. } => Some(Code::ProgramHangs),
        CmdError::Failed { status, .. } => status.signal().map(|_| Code::ProgramKilled),
        CmdError::Pipe { .. } => None,
    }
}

fn of_archive(error: &jumparchive::Error) -> Option<Code> {
    use jumparchive::Error;
    match error {
        Error::Differs { .. } => Some(Code::WrittenWrong),
        Error::Truncated { .. }
        | Error::Trailing(_)
        | Error::BadManifest(_)
        | Error::BadIndex(_)
        | Error::BadDigest { .. }
        | Error::BadFrame { .. }
        | Error::BadContent { .. } => Some(Code::ImageDamaged),
        _ => None,
    }
}

fn of_door(cause: &(dyn std::error::Error + 'static)) -> Option<Code> {
    if is_read_back(cause) {
        Some(Code::WrittenWrong)
    } else if cause.is::<JournalSlotsError>() {
        Some(Code::JournalFailed)
    } else if cause.is::<Doubt>() {
        Some(Code::DiskNotFound)
    } else if cause.is::<MountError>() {
        Some(Code::MountFailed)
    } else if cause.is::<SealedError>() {
        Some(Code::ImageDamaged)
    } else {
        None
    }
}

/// Whether a device gave back other bytes than it was given. Errors that pass that on hide it from
/// their chain.
fn is_read_back(cause: &(dyn std::error::Error + 'static)) -> bool {
    let journal = match cause.downcast_ref() {
        Some(JournalSlotsError::Durable(error)) => Some(error),
        _ => None,
    };
    let environment = match cause.downcast_ref() {
        Some(GrubenvError::Durable(error)) => Some(error),
        _ => None,
    };
    let swap = match cause.downcast_ref() {
        Some(SwapError::Durable(error)) => Some(error),
        _ => None,
    };
    let key = match cause.downcast_ref() {
        Some(KeySectorError::Durable(error)) => Some(error),
        _ => None,
    };
    let found = cause.downcast_ref();
    let found = found.or(journal).or(environment).or(swap).or(key);
    matches!(found, Some(DurableError::ReadBack { .. }))
}

/// A text in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use anyhow::{Context as _, anyhow};
    use jumpspec::run::task::StepId;

    use super::*;

    fn step(error: impl Into<anyhow::Error>, step: StepId) -> Failure {
        of(&of_step(&error.into(), step.into()).into(), Code::Unknown)
    }

    fn program(status: i32) -> anyhow::Error {
        let error = CmdError::Failed {
            command: "mke2fs".to_owned(),
            status: ExitStatus::from_raw(status),
            stderr: "no".to_owned(),
        };
        error.into()
    }

    #[test]
    fn what_the_system_says_is_the_code_whichever_step_it_was() {
        let codes = [
            (28, Code::NoRoom),
            (5, Code::DiskError),
            (121, Code::DiskError),
            (30, Code::ReadOnly),
            (16, Code::DeviceBusy),
            (12, Code::NoMemory),
            (2, Code::ImageUnreadable),
        ];
        for (number, code) in codes {
            let error = jumparchive::Error::Io {
                path: "a".to_owned(),
                action: "cannot write",
                source: io::Error::from_raw_os_error(number),
            };
            let error = anyhow::Error::from(error).context("a.tar.zst");
            assert_eq!(step(error, StepId::Extract).code, code, "{number}");
        }
    }

    #[test]
    fn of_a_program_that_failed_the_step_says_more_and_of_others_their_end() {
        let (exit, killed) = (1 << 8, 9);
        assert_eq!(step(program(exit), StepId::Mkfs).code, Code::MkfsFailed);
        assert_eq!(
            step(program(exit), StepId::CheckSshd).code,
            Code::SshdRefused
        );
        assert_eq!(
            step(program(killed), StepId::Mkfs).code,
            Code::ProgramKilled
        );
        let missing = CmdError::Spawn {
            command: "mke2fs".to_owned(),
            source: ErrorKind::NotFound.into(),
        };
        assert_eq!(step(missing, StepId::Mkfs).code, Code::ProgramMissing);
    }

    #[test]
    fn what_was_said_with_a_code_has_it() {
        let cause = Cause::new(Code::ImageDamaged, "another digest");
        let failure = step(anyhow::Error::from(cause).context("b"), StepId::Receive);
        assert_eq!(
            (failure.code, failure.error.as_str()),
            (Code::ImageDamaged, "b: another digest")
        );
        let differs = jumparchive::Error::Differs {
            path: "a".to_owned(),
            what: "has another length",
        };
        assert_eq!(step(differs, StepId::VerifyRoot).code, Code::WrittenWrong);
    }

    #[test]
    fn a_device_that_gives_back_other_bytes_has_one_code_wherever_it_was_written_to() {
        let other = || DurableError::ReadBack {
            device: "/dev/vda".into(),
            offset: 0,
        };
        let errors: [anyhow::Error; 5] = [
            other().into(),
            JournalSlotsError::from(other()).into(),
            GrubenvError::from(other()).into(),
            SwapError::from(other()).into(),
            KeySectorError::from(other()).into(),
        ];
        for error in errors {
            let failure = step(error.context("cannot write"), StepId::Commit);
            assert_eq!(failure.code, Code::WrittenWrong, "{failure}");
        }
    }

    #[test]
    fn what_is_said_around_a_step_stands_in_front_of_it() {
        let error = of_step(&anyhow!("no link"), StepId::ProveNetwork.into());
        let error = anyhow::Error::from(error).context("inner").context("outer");
        let failure = of(&error, Code::Unknown);
        assert_eq!(failure.code, Code::NoNetwork);
        assert_eq!(failure.context.as_deref(), Some("outer: inner"));
        assert_eq!(failure.to_string(), format!("{error:#}"));
        let bare = Err::<(), _>(anyhow!("x")).context("y").unwrap_err();
        assert_eq!(
            of(&bare, Code::NotProved),
            Failure::new(Code::NotProved, "y: x")
        );
    }

    #[test]
    fn a_failure_of_many_lines_is_one_line_in_the_journal() {
        let lines = Failure::new(Code::NoRoom, "a\n  b\tc\n").context("d\ne");
        assert_eq!(for_journal(&lines).to_string(), "d e: a b c");
    }
}
