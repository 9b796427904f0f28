//! What the kernel does to a process: whether it is killed when memory runs out, which control
//! groups freeze, limit or end it, and the signals' names.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

pub use nix::sys::signal::Signal;

use crate::error::{At as _, PathError};

/// Where this process's wish is kept; proc(5).
const OOM: &str = "/proc/self/oom_score_adj";
/// Where control groups are mounted (systemd's file-hierarchy, `docs/CGROUP_DELEGATION.md`).
pub const CGROUPS: &str = "/sys/fs/cgroup";

/// Who is killed when memory runs out (`oom_score_adj`, proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oom {
    /// This process never.
    Spare,
    /// This process before all others.
    First,
}

/// Tells the kernel. To be spared takes root.
pub fn when_out_of_memory(oom: Oom) -> Result<(), PathError> {
    let value = match oom {
        Oom::Spare => "-1000",
        Oom::First => "1000",
    };
    let path = Path::new(OOM);
    fs::write(path, value).at("write", path)
}

/// Moves this process to the roots of all control groups below `mounted`, where no login's end, no
/// freezer and no limit reaches it. What cannot be left stays as it is: on a system without control
/// groups there is nothing to leave.
pub fn leave_cgroups(mounted: &Path) {
    let below = fs::read_dir(mounted).into_iter().flatten().flatten();
    // Version 1 has a hierarchy in each directory; in version 2 these are groups, and only the
    // topmost is a root. A root of version 1 has `release_agent`, which groups have not.
    let hierarchies = below
        .map(|entry| entry.path())
        .filter(|path| path.join("release_agent").exists() || path.ends_with("unified"));
    for root in hierarchies.chain([mounted.to_owned()]) {
        // 0 is the process that writes (cgroups(7)). Nothing is made that is not there.
        let group = OpenOptions::new()
            .write(true)
            .open(root.join("cgroup.procs"));
        group.and_then(|mut group| group.write_all(b"0")).ok();
    }
}

/// What the kernel tells of this process, and its memory; proc(5).
const STAT: &str = "/proc/self/stat";
const MEMORY: &str = "/proc/self/mem";
/// The place of `arg_start` among the fields behind the program's name, which is the second of 52.
const ARG_START: usize = 48 - 3;

/// Marks this process, and those that it forks, as ones that systemd leaves alone as it shuts down, neither
/// killed nor waited for: their names begin with `@` (systemd's `docs/ROOT_STORAGE_DAEMONS.md`).
pub fn outlive_services() -> Result<(), PathError> {
    let stat = Path::new(STAT);
    let text = fs::read_to_string(stat).at("read", stat)?;
    let unread = || PathError::new("read", stat, io::ErrorKind::InvalidData);
    let name = arg_start(&text).ok_or_else(unread)?;
    let memory = Path::new(MEMORY);
    let opened = OpenOptions::new().write(true).open(memory);
    let opened = opened.at("open", memory)?;
    opened.write_all_at(b"@", name).at("write", memory)
}

/// Where the first argument lies, which is not nowhere.
fn arg_start(stat: &str) -> Option<u64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let address = behind.split_ascii_whitespace().nth(ARG_START)?;
    address.parse().ok().filter(|address| *address > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_is_to_outlive_all_services_is_called_so() {
        outlive_services().unwrap();
        let line = fs::read("/proc/self/cmdline").unwrap();
        assert_eq!(line.first(), Some(&b'@'));
        assert_eq!(arg_start("1 (a) b) S 1"), None);
        let zeros = format!("1 (a) S{}", " 0".repeat(49));
        assert_eq!(arg_start(&zeros), None);
    }

    fn procs(path: &Path) -> String {
        fs::read_to_string(path.join("cgroup.procs")).unwrap()
    }

    #[test]
    fn roots_are_entered_and_groups_are_not() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".", "freezer", "unified", "system.slice"] {
            let path = dir.path().join(name);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("cgroup.procs"), "").unwrap();
        }
        fs::write(dir.path().join("freezer/release_agent"), "").unwrap();
        leave_cgroups(dir.path());
        for root in [".", "freezer", "unified"] {
            assert_eq!(procs(&dir.path().join(root)), "0", "{root}");
        }
        assert_eq!(procs(&dir.path().join("system.slice")), "");
        fs::remove_file(dir.path().join("cgroup.procs")).unwrap();
        leave_cgroups(dir.path());
        assert!(!dir.path().join("cgroup.procs").exists());
    }

    #[test]
    fn the_wish_is_what_the_kernel_then_has() {
        // Anybody may offer itself; this test's process ends soon.
        when_out_of_memory(Oom::First).unwrap();
        assert_eq!(fs::read_to_string(OOM).unwrap().trim(), "1000");
    }
}
