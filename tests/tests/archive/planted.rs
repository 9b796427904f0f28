//! A tree with all kinds of nodes and attributes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use anyhow::Result;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags, lsetxattr, makedev, mknodat,
    utimensat,
};

/// `cap_dac_override,cap_fowner=ep`: `struct vfs_cap_data` of linux/capability.h, revision
/// 2 and effective, then permitted and inheritable. The permitted byte is a newline.
pub(crate) const CAPABILITY: [u8; 20] = [
    1, 0, 0, 2, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
/// `user::rw-,user:1000:r--,group::r--,mask::r--,other::r--`, linux/posix_acl_xattr.h.
const ACL: [u8; 44] = [
    2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 232, 3, 0, 0, 4, 0, 4, 0, 255, 255,
    255, 255, 16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
];

/// Plants it; needs root.
pub(crate) fn plant(root: &Path) -> Result<()> {
    fs::create_dir_all(root.join("dir/deep"))?;
    fs::create_dir_all(root.join("run"))?;
    fs::create_dir_all(root.join("var"))?;
    files(root)?;
    nodes(root)?;
    attributes(root)?;
    names(root)?;
    times(root)
}

fn files(root: &Path) -> Result<()> {
    fs::write(root.join("empty"), "")?;
    fs::write(root.join("file"), "content\n")?;
    let noise = (0..7_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    fs::write(root.join("large"), noise.collect::<Vec<u8>>())?;
    fs::hard_link(root.join("file"), root.join("dir/twin"))?;
    fs::write(root.join("setuid"), "s")?;
    chown(root.join("setuid"), Some(3_000_000), Some(2_999_999))?;
    fs::set_permissions(root.join("setuid"), fs::Permissions::from_mode(0o6755))?;
    fs::set_permissions(root.join("dir"), fs::Permissions::from_mode(0o1777))?;
    Ok(fs::set_permissions(
        root.join("dir/deep"),
        fs::Permissions::from_mode(0o2500),
    )?)
}

fn nodes(root: &Path) -> Result<()> {
    let mode = Mode::from_raw_mode(0o640);
    mknodat(
        CWD,
        root.join("null"),
        FileType::CharacterDevice,
        mode,
        makedev(1, 3),
    )?;
    mknodat(
        CWD,
        root.join("disk"),
        FileType::BlockDevice,
        mode,
        makedev(259, 70_000),
    )?;
    mknodat(CWD, root.join("fifo"), FileType::Fifo, mode, 0)?;
    symlink("/run", root.join("var/run"))?;
    symlink("nowhere", root.join("dangling"))?;
    symlink("loop", root.join("loop"))?;
    symlink("x".repeat(300), root.join("long-target"))?;
    chown_link(&root.join("dangling"), 1234)
}

fn chown_link(path: &Path, uid: u32) -> Result<()> {
    Ok(std::os::unix::fs::lchown(path, Some(uid), Some(uid))?)
}

fn attributes(root: &Path) -> Result<()> {
    let set = |path: &str, name: &str, value: &[u8]| {
        lsetxattr(root.join(path), name, value, XattrFlags::empty())
    };
    set("setuid", "security.capability", &CAPABILITY)?;
    set("file", "user.lines", b"one\ntwo\n\0three")?;
    set("file", "user.a=b", b"sign")?;
    set("dir", "user.on-a-directory", b"yes")?;
    set("dangling", "trusted.on-a-link", b"yes")?;
    set("null", "trusted.on-a-device", b"yes")?;
    set("empty", "system.posix_acl_access", &ACL)?;
    Ok(set("dir", "system.posix_acl_default", &ACL)?)
}

fn names(root: &Path) -> Result<()> {
    let odd: [&[u8]; 5] = [
        b"-rf",
        b"new\nline",
        b"not \xff UTF-8",
        &[b'n'; 255],
        " ünï".as_bytes(),
    ];
    for name in odd {
        fs::write(root.join(OsStr::from_bytes(name)), name)?;
    }
    let mut deep = root.join("deep");
    for _ in 0..40 {
        deep.push("directory");
    }
    fs::create_dir_all(&deep)?;
    Ok(fs::write(deep.join("bottom"), "far down")?)
}

fn times(root: &Path) -> Result<()> {
    let set = |path: &str, tv_sec: i64, tv_nsec: i64| {
        let time = Timespec { tv_sec, tv_nsec };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        utimensat(CWD, root.join(path), &times, AtFlags::SYMLINK_NOFOLLOW)
    };
    set("file", 1_700_000_000, 123_456_789)?;
    set("empty", -86_400, 500_000_000)?;
    set("large", 4_000_000_000, 0)?;
    set("dangling", 1_600_000_000, 1)?;
    set("null", 1_500_000_000, 999_999_999)?;
    set("dir/deep", 1_400_000_000, 7)?;
    Ok(set("dir", 1_300_000_000, 9)?)
}
