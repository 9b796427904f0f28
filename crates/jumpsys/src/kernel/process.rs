//! What the kernel does to a process: whether it is killed when memory runs out, which control
//! groups freeze, limit or end it, and the signals' names.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
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

#[cfg(test)]
mod tests {
    use super::*;

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
