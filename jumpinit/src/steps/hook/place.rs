//! Where a hook's script lies in the system that runs it, and beside it the record of how often it was
//! begun, which is on the disk before it starts: a power cut in it does not take that back.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::hook::Hook;
use jumpspec::job::Joint;
use jumpspec::places;
use jumpspec::run::bundle as handed;
use jumpspec::run::failure::Code;
use jumpspec::words::digest::Digest;
use jumpsys::files::atomic::{sync_parent, write_atomic};
use serde::{Deserialize, Serialize};

use crate::node::bundle;
use crate::node::cause::Cause;
use crate::run::context::Context;

/// Where a hook's script and its record are.
#[derive(Debug)]
pub(super) struct Place {
    script: PathBuf,
    record: PathBuf,
}

/// What is known of a hook's earlier tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// How often it was begun.
    tries: u32,
    /// Whether it ended well.
    done: bool,
}

impl Place {
    /// The place of `hook` in this system.
    pub(super) fn of(cx: &Context, hook: &Hook) -> Result<Self> {
        let directory = match hook.at {
            Joint::Prep | Joint::Saved => cx.work()?.join(handed::HOOKS_DIRECTORY),
            Joint::Committed | Joint::Restored => cx.on_landing(places::HOOKS),
            Joint::Firstboot | Joint::Finished => Path::new("/").join(places::NEW_HOOKS),
        };
        let place = Self::below(&directory, hook);
        Ok(match hook.at {
            // The script may be in memory; that it was begun outlives a power cut.
            Joint::Committed | Joint::Restored => Self {
                record: Self::below(&cx.on_kept(places::HOOKS), hook).record,
                ..place
            },
            _ => place,
        })
    }

    fn below(directory: &Path, hook: &Hook) -> Self {
        let script = directory.join(hook.file_name());
        Self {
            record: script.with_extension("tries"),
            script,
        }
    }

    /// The script's path.
    pub(super) fn path(&self) -> &Path {
        &self.script
    }

    /// The script, if it is the planned one; on the old system it is put there first.
    pub(super) fn script(&self, cx: &Context, hook: &Hook) -> Result<Vec<u8>> {
        if matches!(hook.at, Joint::Prep | Joint::Saved) {
            self.unwrap_bundle(cx, hook)?;
        }
        let read = || format!("cannot read the hook {}", hook.name);
        let script = std::fs::read(&self.script).with_context(read)?;
        if script.len() as u64 == hook.size && Digest::of(&script) == hook.digest {
            return Ok(script);
        }
        let why = format!(
            "{} is not the hook {} that was planned",
            self.script.display(),
            hook.name
        );
        Err(Cause::new(Code::HookChanged, why).into())
    }

    fn unwrap_bundle(&self, cx: &Context, hook: &Hook) -> Result<()> {
        let bundle = bundle::read(cx.work()?)?;
        let script = bundle.hooks.get(&hook.number).map(String::as_bytes);
        if let Some(directory) = self.script.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
        }
        Ok(write_atomic(
            &self.script,
            script.unwrap_or_default(),
            0o700,
        )?)
    }

    /// Whether it has ended well before.
    pub(super) fn is_done(&self) -> bool {
        self.record().done
    }

    /// Counts a try before it starts; its number, from 1.
    pub(super) fn begin(&self) -> Result<u32> {
        let tries = self.record().tries.saturating_add(1);
        self.keep(Record { tries, done: false })?;
        Ok(tries)
    }

    /// The try of that number has ended well.
    pub(super) fn end(&self, tries: u32) -> Result<()> {
        self.keep(Record { tries, done: true })
    }

    /// What cannot be read was never there: it is written whole or not at all.
    fn record(&self) -> Record {
        let kept = std::fs::read(&self.record).ok();
        kept.and_then(|kept| serde_json::from_slice(&kept).ok())
            .unwrap_or_default()
    }

    /// Where a jump system lies in memory its scripts are there too, and the record's directory is not.
    fn keep(&self, record: Record) -> Result<()> {
        if let Some(directory) = self.record.parent().filter(|it| !it.exists()) {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
            sync_parent(directory)?;
        }
        Ok(write_atomic(
            &self.record,
            &serde_json::to_vec(&record)?,
            0o600,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use jumpspec::job::{OnFailure, Wait};

    use super::*;

    fn hook(script: &str) -> Hook {
        Hook {
            number: 3,
            at: Joint::Committed,
            name: "hooks/copy".to_owned(),
            size: script.len() as u64,
            digest: Digest::of(script.as_bytes()),
            timeout: Wait(std::time::Duration::from_mins(1)),
            on_failure: OnFailure::Jump,
        }
    }

    #[test]
    fn a_try_is_counted_before_it_starts_and_only_a_good_end_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::below(dir.path(), &hook("x"));
        assert_eq!(place.begin().unwrap(), 1);
        // A power cut: nobody says how it ended.
        let place = Place::below(dir.path(), &hook("x"));
        assert!(!place.is_done());
        assert_eq!(place.begin().unwrap(), 2);
        place.end(2).unwrap();
        assert!(place.is_done());
        assert_eq!(place.begin().unwrap(), 3);
        assert!(!place.is_done());
    }

    #[test]
    fn a_record_has_its_directory_made_where_the_script_is_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        let place = || Place {
            script: dir.path().join("in-memory"),
            ..Place::below(&dir.path().join("jump/hooks"), &hook("x"))
        };
        assert_eq!(place().begin().unwrap(), 1);
        assert_eq!(place().begin().unwrap(), 2);
    }

    #[test]
    fn the_scripts_of_one_directory_have_records_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let other = Hook {
            number: 4,
            ..hook("x")
        };
        Place::below(dir.path(), &hook("x")).begin().unwrap();
        assert_eq!(Place::below(dir.path(), &other).begin().unwrap(), 1);
    }
}
