//! POSIX ACLs of users and groups that no system knows by name.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::put;

/// A line of an ACL: tag, permissions, id.
type Line = (u16, u16, u32);

/// Tags of linux/posix_acl.h.
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
/// Of lines that name nobody, linux/posix_acl_xattr.h.
const NOBODY: u32 = u32::MAX;

/// The mask allows less than the lines say, and other than the group's own line.
const MASKED: [Line; 8] = [
    (USER_OBJ, 6, NOBODY),
    (USER, 7, 1_234),
    (USER, 4, 3_000_000),
    (GROUP_OBJ, 1, NOBODY),
    (GROUP, 6, 70_000),
    (GROUP, 0, 3_000_001),
    (MASK, 4, NOBODY),
    (OTHER, 0, NOBODY),
];
const OPEN: [Line; 5] = [
    (USER_OBJ, 7, NOBODY),
    (USER, 7, 2_000_000_000),
    (GROUP_OBJ, 5, NOBODY),
    (MASK, 7, NOBODY),
    (OTHER, 5, NOBODY),
];
/// What a default ACL may be, and no other.
const MINIMAL: [Line; 3] = [
    (USER_OBJ, 7, NOBODY),
    (GROUP_OBJ, 0, NOBODY),
    (OTHER, 0, NOBODY),
];

pub(super) fn plant(root: &Path) -> Result<()> {
    for (name, access) in [("masked", &MASKED[..]), ("open", &OPEN)] {
        let file = root.join(format!("file-{name}"));
        fs::write(&file, b"content")?;
        put::mode(&file, 0o4750)?;
        put::xattr(&file, "system.posix_acl_access", &acl(access))?;
        for (kind, default) in [
            ("masked", &MASKED[..]),
            ("open", &OPEN),
            ("least", &MINIMAL),
        ] {
            let directory = root.join(format!("directory-{name}-{kind}"));
            fs::create_dir(&directory)?;
            put::mode(&directory, 0o2755)?;
            // What is there already does not inherit, what comes later does.
            within(&directory, "before")?;
            put::xattr(&directory, "system.posix_acl_access", &acl(access))?;
            put::xattr(&directory, "system.posix_acl_default", &acl(default))?;
            within(&directory, "after")?;
        }
    }
    // More than a signed number of 32 bits.
    let huge = [OPEN[0], (USER, 7, 4_000_000_000), OPEN[2], OPEN[3], OPEN[4]];
    fs::write(root.join("huge-id"), b"content")?;
    let acl_of_huge = acl(&huge);
    put::xattr(
        &root.join("huge-id"),
        "system.posix_acl_access",
        &acl_of_huge,
    )?;
    let directory = root.join("default-alone");
    fs::create_dir(&directory)?;
    put::xattr(&directory, "system.posix_acl_default", &acl(&MASKED))?;
    within(&directory, "after")
}

fn within(directory: &Path, name: &str) -> Result<()> {
    fs::write(directory.join(format!("file-{name}")), b"content")?;
    fs::create_dir(directory.join(format!("directory-{name}")))?;
    put::fifo(&directory.join(format!("fifo-{name}")))
}

/// `struct posix_acl_xattr_header` and its entries, linux/posix_acl_xattr.h.
fn acl(lines: &[Line]) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in lines {
        bytes.extend_from_slice(&tag.to_le_bytes());
        bytes.extend_from_slice(&permissions.to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
    }
    bytes
}
