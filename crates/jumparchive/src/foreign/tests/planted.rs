//! Trees, and archives that commands make of them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};

use crate::tar::acl::Acl;

const ACL: &[u8] = b"user::rw-,user:0:r--,user:1234:r-x,group::r--,mask::rwx,other::---";

/// A tree, beside which archives of it are made.
pub(super) struct Planted {
    pub(super) scratch: tempfile::TempDir,
}

impl Planted {
    /// Little enough for the oldest format.
    pub(super) fn least() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        fs::create_dir_all(root.join("dir/empty")).unwrap();
        fs::write(root.join("file"), "content\n").unwrap();
        fs::write(root.join("dir/other"), vec![7; 1500]).unwrap();
        fs::hard_link(root.join("file"), root.join("dir/link")).unwrap();
        symlink("/nowhere", root.join("symlink")).unwrap();
        let setuid = fs::Permissions::from_mode(0o4711);
        fs::set_permissions(root.join("dir/other"), setuid).unwrap();
        Self { scratch }
    }

    /// Little enough for every other format.
    pub(super) fn plain() -> Self {
        let planted = Self::least();
        let root = planted.root();
        rustix::fs::mknodat(CWD, root.join("fifo"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        let null = rustix::fs::makedev(1, 3);
        let kind = FileType::CharacterDevice;
        rustix::fs::mknodat(CWD, root.join("null"), kind, Mode::RWXU, null).unwrap();
        planted
    }

    /// What only some formats can hold.
    pub(super) fn rich() -> Self {
        let planted = Self::plain();
        let root = planted.root();
        let long = root
            .join("long")
            .join("n".repeat(120))
            .join("m".repeat(130));
        fs::create_dir_all(&long).unwrap();
        symlink("t".repeat(300), long.join("symlink")).unwrap();
        fs::hard_link(root.join("file"), long.join("link")).unwrap();
        fs::write(root.join(OsStr::from_bytes(b"caf\xe9")), "not UTF-8").unwrap();
        fs::write(root.join("new\nline"), "").unwrap();
        std::os::unix::fs::chown(root.join("dir"), Some(3_000_000), Some(2_097_152)).unwrap();
        let holes = File::create(root.join("sparse")).unwrap();
        for at in [0, 1 << 20, 3 << 20, 5 << 20, 6 << 20, 7 << 20] {
            holes.write_all_at(b"island", at).unwrap();
        }
        holes.set_len(8 << 20).unwrap();
        File::create(root.join("hole"))
            .unwrap()
            .set_len(1 << 20)
            .unwrap();
        set_time(&root.join("dir/other"), -1_000_000_000, 0);
        set_time(&root.join("dir"), 1_234_567_890, 123_456_789);
        planted
    }

    /// What needs extended attributes.
    pub(super) fn attributed() -> Self {
        let planted = Self::rich();
        let root = planted.root();
        let acl = Acl::from_text(ACL).unwrap().to_binary();
        for (path, name, value) in [
            ("file", "user.lines", &b"one\ntwo\n"[..]),
            ("file", "user.a=b%3D", b"\0\xff"),
            ("dir/other", "security.capability", CAPABILITY),
            ("dir", "trusted.empty", b""),
            ("sparse", "user.holes", b"5"),
            ("file", "system.posix_acl_access", &acl),
            ("dir", "system.posix_acl_access", &acl),
            ("dir/empty", "system.posix_acl_default", &acl),
        ] {
            let path = root.join(path);
            rustix::fs::lsetxattr(&path, name, value, XattrFlags::empty()).unwrap();
        }
        planted
    }

    pub(super) fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// The archive that a command makes. It says `ROOT` and `OUT`.
    pub(super) fn archive(&self, command: &[&str]) -> Vec<u8> {
        let out = self.scratch.path().join("out");
        let placed = |word: &&str| match *word {
            "ROOT" => self.root().into_os_string(),
            "OUT" => out.clone().into_os_string(),
            word => word.into(),
        };
        let words: Vec<_> = command.iter().map(placed).collect();
        run(Command::new(&words[0]).args(&words[1..]));
        fs::read(out).unwrap()
    }
}

/// Runs a command that has to succeed.
pub(super) fn run(command: &mut Command) {
    let output = command.env("LC_ALL", "C.UTF-8").output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// `cap_dac_override,cap_fowner=ep`, which has a newline in it (include/uapi/linux/capability.h).
const CAPABILITY: &[u8] = b"\x01\0\0\x02\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

pub(super) fn set_time(path: &Path, seconds: i64, nanoseconds: i64) {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: nanoseconds,
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Whether the test can run; if not, it says so.
pub(super) fn can_run(test: &str, tools: &[&str]) -> bool {
    let missing = tools
        .iter()
        .find(|tool| Command::new(tool).arg("--help").output().is_err());
    let why = match missing {
        Some(tool) => format!("{tool} is not installed"),
        None if !rustix::process::geteuid().is_root() => "not root".to_owned(),
        None => return true,
    };
    println!("skipped: {test}: {why}");
    false
}
