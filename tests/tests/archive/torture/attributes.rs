//! Extended attributes of all name spaces, capabilities among them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;
use rustix::fs::{FileType, makedev};

use super::content::noise;
use super::put;

/// `cap_dac_override,cap_fowner=ep`: `struct vfs_cap_data` of linux/capability.h, revision
/// 2 and effective, then permitted and inheritable. The permitted byte is a newline.
const CAPABILITY: [u8; 20] = [
    1, 0, 0, 2, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// The largest value, XATTR_SIZE_MAX of linux/limits.h.
const LARGEST: usize = 64 << 10;

pub(super) fn plant(root: &Path) -> Result<()> {
    values(root)?;
    types(root)?;
    capabilities(root)?;
    let many = root.join("many");
    fs::write(&many, b"")?;
    for number in 0..500 {
        let name = format!("user.number-{number}");
        put::xattr(&many, &name, &noise(number % 300))?;
    }
    Ok(())
}

/// Values and names that text formats stumble over, each on a file and on a directory.
fn values(root: &Path) -> Result<()> {
    let longest = format!("user.{}", "n".repeat(250));
    let cases: [(&str, &str, Vec<u8>); 14] = [
        ("empty", "user.empty", Vec::new()),
        ("zeros", "user.zeros", b"one\0two\0".to_vec()),
        (
            "lines",
            "user.lines",
            b"one\n20 path=elsewhere\n\n".to_vec(),
        ),
        ("one-newline", "user.newline", b"\n".to_vec()),
        ("all-bytes", "user.bytes", (0..=255).collect()),
        ("largest", "user.largest", noise(LARGEST)),
        ("largest-of-newlines", "user.largest", vec![b'\n'; LARGEST]),
        ("equals-sign", "user.a=b", b"c=d".to_vec()),
        ("percent-sign", "user.%3D%41", b"%00".to_vec()),
        ("space", "user. a b ", b" ".to_vec()),
        ("not-ascii", "user.ünï", "ü".into()),
        ("newline-in-name", "user.new\nline", b"value".to_vec()),
        ("dots", "user...a.b", b"value".to_vec()),
        ("long-name", &longest, b"value".to_vec()),
    ];
    for (path, name, value) in cases {
        let (file, directory) = (root.join("files").join(path), root.join("directories"));
        put::file(&file, b"content")?;
        put::xattr(&file, name, &value)?;
        fs::create_dir_all(directory.join(path))?;
        put::xattr(&directory.join(path), name, &value)?;
    }
    Ok(())
}

/// What the kernel lets each type have: user attributes are for files and directories,
/// xattr(7).
fn types(root: &Path) -> Result<()> {
    let path = |name: &str| root.join("types").join(name);
    fs::create_dir_all(path("directory"))?;
    fs::write(path("file"), b"content")?;
    symlink("nowhere", path("symlink"))?;
    put::fifo(&path("fifo"))?;
    put::device(&path("null"), FileType::CharacterDevice, makedev(1, 3))?;
    put::device(&path("disk"), FileType::BlockDevice, makedev(8, 1))?;
    for name in ["directory", "file", "symlink", "fifo", "null", "disk"] {
        put::xattr(&path(name), "trusted.jump", b"one\n\0two")?;
        put::xattr(&path(name), "security.jump", b"one\n\0two")?;
        put::xattr(
            &path(name),
            "security.selinux",
            b"system_u:object_r:etc_t:s0\0",
        )?;
    }
    put::xattr(&path("directory"), "user.jump", b"one\n\0two")?;
    put::xattr(&path("file"), "user.jump", b"one\n\0two")
}

/// Changing the owner takes a capability away, so does writing.
fn capabilities(root: &Path) -> Result<()> {
    for (name, uid, mode) in [("capable", 0, 0o755), ("capable-setuid", 1000, 0o6755)] {
        let path = root.join(name);
        fs::write(&path, b"#!/bin/sh\n")?;
        put::owner(&path, uid, uid)?;
        put::mode(&path, mode)?;
        put::xattr(&path, "security.capability", &CAPABILITY)?;
    }
    Ok(())
}
