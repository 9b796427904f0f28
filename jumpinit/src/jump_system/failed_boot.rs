//! On the jump system: what a new system that was never confirmed has left behind. Its file
//! system is only read, and nothing here can fail whoever asks.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::plan::PlannedFilesystem;
use jumpspec::run::event::What;
use jumpspec::run::failure::Failure;
use jumpspec::{answers, places};
use jumpsys::files::mount::{self, MountGuard, MountSpec, MsFlags};
use jumpsys::files::root::{Owner, Root};

use crate::run::context::Context;

/// Where it is mounted meanwhile.
const MOUNT: &str = "/run/jump-failed-boot";
/// Bytes kept of a file: its end.
const FILE_END: u64 = 1 << 20;
/// Bytes kept in all.
const ALL: u64 = 8 << 20;

/// Copies the new system's logs of the jump to jump's own, and gives the last failure they tell
/// of; where they tell of none, that of the journal. What cannot be read becomes a note.
pub(crate) fn collect(cx: &mut Context) -> Option<Failure> {
    let told = try_collect(cx).unwrap_or_else(|error| {
        cx.reporter.note(format!(
            "the logs of the new system cannot be read: {error:#}"
        ));
        None
    });
    told.or_else(|| cx.journal().failure.clone())
}

fn try_collect(cx: &mut Context) -> Result<Option<Failure>> {
    let logs = Path::new("/").join(places::NEW_LOG);
    let filesystem = holder(&cx.plan.filesystems, &logs)
        .context("the plan has no file system for the logs")?
        .clone();
    let device = cx.partition(filesystem.number);
    std::fs::create_dir_all(MOUNT).with_context(|| format!("cannot make {MOUNT}"))?;
    let mounted = mount_read_only(&device, Path::new(MOUNT), &filesystem.fs)?;
    let inside = logs.strip_prefix(&filesystem.mount).unwrap_or(&logs);
    let inside = inside.to_string_lossy().into_owned();
    let copied = Root::open(Path::new(MOUNT))
        .map_err(Into::into)
        .and_then(|new| copy(cx, &new, &inside));
    mounted.unmount()?;
    copied
}

/// The file system on which `path` is: the one with the longest mount point above it.
fn holder<'a>(filesystems: &'a [PlannedFilesystem], path: &Path) -> Option<&'a PlannedFilesystem> {
    filesystems
        .iter()
        .filter(|filesystem| path.starts_with(&filesystem.mount))
        .max_by_key(|filesystem| PathBuf::from(&filesystem.mount).components().count())
}

/// Mounts to read. The file system's journal is replayed, for the last lines are in it; where
/// that fails, they are done without.
fn mount_read_only(device: &Path, target: &Path, fs: &str) -> Result<MountGuard> {
    let without_journal = match fs {
        "xfs" => "norecovery",
        _ => "noload",
    };
    let spec = MountSpec {
        source: device,
        target,
        fstype: fs,
        flags: MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        data: None,
    };
    let without = MountSpec {
        data: Some(without_journal),
        ..spec
    };
    Ok(mount::mount(&spec).or_else(|_| mount::mount(&without))?)
}

fn copy(cx: &mut Context, new: &Root, logs: &str) -> Result<Option<Failure>> {
    let landing = cx.landing_root()?;
    let (mut left, mut told) = (ALL, None);
    for name in new.list(logs)? {
        let end = new.read_end(&format!("{logs}/{name}"), FILE_END.min(left));
        let bytes = match end {
            Ok(Some(bytes)) => bytes,
            Ok(None) => continue,
            Err(error) => {
                cx.reporter
                    .note(format!("{:#}", anyhow::Error::from(error)));
                continue;
            }
        };
        left -= bytes.len() as u64;
        if name == places::EVENTS_NAME {
            told = last_failure(&String::from_utf8_lossy(&bytes));
        }
        landing.write(
            &format!("{}/{}", places::LOG, kept_as(&name)),
            &bytes,
            Owner::root(0o640),
        )?;
    }
    Ok(told)
}

/// The name among jump's own logs, of which one is called the same.
fn kept_as(name: &str) -> String {
    if name.starts_with(places::FAILED_BOOT) {
        name.to_owned()
    } else {
        format!("{}{name}", places::FAILED_BOOT)
    }
}

/// The last failure among events.
fn last_failure(events: &str) -> Option<Failure> {
    let failure = |line: &str| match answers::event(line.as_bytes())?.what {
        What::Failed { failure, .. } => Some(failure),
        _ => None,
    };
    events.lines().rev().find_map(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::run::failure::Code;
    use jumpsys::cmd::Program;

    #[test]
    fn the_last_failure_is_found_behind_torn_and_other_lines() {
        let event = |what: &str| format!(r#"{{"uptime_ms":1,"stage":"try",{what}}}"#);
        let failed = |error: &str| {
            event(&format!(
                r#""event":"failed","step":"check-health","code":"health-failed","error":"{error}","next":"x""#
            ))
        };
        let events = [
            "rror\":\"torn\"}".to_owned(),
            failed("first"),
            failed("no network"),
            event(r#""event":"complete""#),
            "{\"uptime_ms\":".to_owned(),
        ]
        .join("\n");
        let last = last_failure(&events).unwrap();
        assert_eq!(
            (last.code, last.error.as_str()),
            (Code::HealthFailed, "no network")
        );
        assert_eq!(last_failure(""), None);
    }

    /// A loop device that cannot be written to, as a disk that has failed.
    struct ReadOnly(PathBuf);

    impl ReadOnly {
        fn attach(image: &Path) -> Self {
            let losetup = Program::new("/usr/sbin/losetup").args(["--read-only", "--show", "-f"]);
            let shown = losetup.arg(image).run().unwrap().stdout_text();
            Self(PathBuf::from(shown.trim()))
        }
    }

    impl Drop for ReadOnly {
        fn drop(&mut self) {
            let detach = Program::new("/usr/sbin/losetup").arg("-d").arg(&self.0);
            if let Err(error) = detach.run() {
                eprintln!("cannot detach {}: {error}", self.0.display());
            }
        }
    }

    #[test]
    fn a_file_system_whose_journal_cannot_be_replayed_is_read_without_it() {
        if !jumpsys::kernel::system::is_root() {
            println!("skipped: reading without the journal: not root");
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        std::fs::File::create(at("image"))
            .and_then(|image| image.set_len(32 << 20))
            .unwrap();
        std::fs::create_dir(at("mnt")).unwrap();
        let mkfs = Program::new("/usr/sbin/mkfs.ext4")
            .arg("-q")
            .arg(at("image"));
        mkfs.run().unwrap();
        let mount = Program::new("/usr/bin/mount").args(["-t", "ext4", "-o", "loop"]);
        mount.arg(at("image")).arg(at("mnt")).run().unwrap();
        std::fs::write(at("mnt/log"), "why").unwrap();
        jumpsys::files::freeze::settle(&at("mnt")).unwrap();
        // As power would cut it: mounted, with a journal to replay.
        std::fs::write(at("mnt/later"), "").unwrap();
        let sync = Program::new("/usr/bin/sync").arg("-f").arg(at("mnt"));
        sync.run().unwrap();
        std::fs::copy(at("image"), at("cut")).unwrap();
        mount::unmount(&at("mnt")).unwrap();
        let disk = ReadOnly::attach(&at("cut"));
        let plain = Program::new("/usr/bin/mount").args(["-t", "ext4", "-r"]);
        assert!(plain.arg(&disk.0).arg(at("mnt")).run().is_err());
        let mounted = mount_read_only(&disk.0, &at("mnt"), "ext4").unwrap();
        let root = Root::open(&at("mnt")).unwrap();
        assert_eq!(root.read_end("log", 99).unwrap().unwrap(), b"why");
        drop(root);
        mounted.unmount().unwrap();
    }

    #[test]
    fn logs_are_looked_for_where_the_plan_mounts_them() {
        let filesystem = |mount: &str| PlannedFilesystem {
            number: 1,
            mount: mount.to_owned(),
            fs: "ext4".to_owned(),
            uuid: String::new(),
            kept: false,
        };
        let all = ["/", "/var", "/var/logs", "/home"].map(filesystem);
        let found = |path| holder(&all, Path::new(path)).unwrap().mount.clone();
        assert_eq!(found("/var/log/jump"), "/var");
        assert_eq!(found("/usr"), "/");
    }

    #[test]
    fn jumps_own_events_are_not_overwritten() {
        assert_eq!(kept_as("events.jsonl"), "failed-boot-events.jsonl");
        assert_eq!(kept_as("failed-boot-1.log"), "failed-boot-1.log");
    }
}
