//! What is outside the root, as lines in which every touch shows.
//!
//! Reading it here leaves no trace (`O_NOATIME`), so an access time that moved means
//! that somebody else opened it, where the file system keeps access times at all.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::{Result, ensure};
use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, Timespec, Timestamps, XattrFlags, lgetxattr, llistxattr,
    lsetxattr, open, utimensat,
};

use crate::{Case, Needs::Nothing};

pub(crate) const CASES: &[Case] = &[("the_canary_notices_every_touch", Nothing, || {
    type Touch = fn(&Path) -> io::Result<()>;
    let touches: [(&str, Touch); 7] = [
        ("new file", |at| fs::write(at.join("directory/new"), "")),
        ("new directory beside", |at| {
            fs::create_dir(at.join("../new"))
        }),
        ("write", |at| fs::write(at.join("file"), SECRET)),
        ("removal", |at| fs::remove_file(at.join("file"))),
        ("hard link", |at| {
            fs::hard_link(at.join("file"), at.join("../root"))
        }),
        ("mode", |at| {
            fs::set_permissions(at, fs::Permissions::from_mode(0o750))
        }),
        ("attribute", |at| {
            let empty = XattrFlags::empty();
            Ok(lsetxattr(at.join("file"), "user.canary", b"coughs", empty)?)
        }),
    ];
    for (what, touch) in touches {
        let scratch = tempfile::tempdir()?;
        let outside = scratch.path().join("outside");
        plant(&outside)?;
        let before = lines(scratch.path())?;
        compare(&before, &lines(scratch.path())?)?;
        touch(&outside)?;
        let noticed = compare(&before, &lines(scratch.path())?).is_err();
        ensure!(noticed, "{what}: not noticed");
    }
    Ok(())
})];

/// The content of the canary's files.
pub(crate) const SECRET: &[u8] = b"nobody's business";

/// Makes the canary: files and directories that an archive could want to change.
pub(crate) fn plant(outside: &Path) -> Result<()> {
    fs::create_dir_all(outside.join("directory"))?;
    for (path, mode) in [("file", 0o640), ("directory/inner", 0o600)] {
        let path = outside.join(path);
        fs::write(&path, SECRET)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    lsetxattr(
        outside.join("file"),
        "user.canary",
        b"sings",
        XattrFlags::empty(),
    )?;
    let mode = fs::Permissions::from_mode(0o750);
    fs::set_permissions(outside.join("directory"), mode)?;
    for path in ["file", "directory/inner", "directory", ""] {
        // Older than the modification, so that the next read would move it, mount(8)
        // under `relatime`.
        let access = Timespec {
            tv_sec: 1_000_000,
            tv_nsec: 0,
        };
        let times = Timestamps {
            last_access: access,
            last_modification: Timespec {
                tv_sec: 1_600_000_000,
                tv_nsec: 123_456_789,
            },
        };
        utimensat(CWD, outside.join(path), &times, AtFlags::empty())?;
    }
    Ok(())
}

/// One line for each thing below `base` and for `base` itself, but not for what is
/// below `base/root` nor for the bytes of `base/archive`.
pub(crate) fn lines(base: &Path) -> Result<Vec<String>> {
    let mut lines = vec![line(base)?];
    collect(base, base, &mut lines)?;
    lines.sort();
    Ok(lines)
}

fn collect(base: &Path, directory: &Path, lines: &mut Vec<String>) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOATIME | OFlags::CLOEXEC;
    let opened = open(directory, flags, Mode::empty())?;
    for entry in Dir::read_from(&opened)? {
        let entry = entry?;
        let name = entry.file_name().to_str()?;
        let path = directory.join(name);
        if [".", ".."].contains(&name) {
            continue;
        }
        if directory == base && ["root", "archive"].contains(&name) {
            lines.push(name.to_owned());
            continue;
        }
        lines.push(line(&path)?);
        if path.symlink_metadata()?.is_dir() {
            collect(base, &path, lines)?;
        }
    }
    Ok(())
}

fn line(path: &Path) -> Result<String> {
    let is = path.symlink_metadata()?;
    let content = if is.is_file() {
        let flags = OFlags::RDONLY | OFlags::NOATIME | OFlags::CLOEXEC;
        let mut content = Vec::new();
        File::from(open(path, flags, Mode::empty())?).read_to_end(&mut content)?;
        content.escape_ascii().to_string()
    } else {
        String::new()
    };
    let (mut names, mut value) = ([0; 256], [0; 16]);
    let length = llistxattr(path, &mut names[..])?;
    let valued = lgetxattr(path, "user.canary", &mut value[..]).unwrap_or(0);
    Ok(format!(
        "{} inode {} mode {:o} owner {}:{} links {} size {} mtime {}.{:09} ctime {}.{:09} atime {}.{:09} attributes {}={} {content}",
        path.display(),
        is.ino(),
        is.mode(),
        is.uid(),
        is.gid(),
        is.nlink(),
        is.size(),
        is.mtime(),
        is.mtime_nsec(),
        is.ctime(),
        is.ctime_nsec(),
        is.atime(),
        is.atime_nsec(),
        names[..length].escape_ascii(),
        value[..valued].escape_ascii(),
    ))
}

/// Fails with the lines that came or went.
pub(crate) fn compare(before: &[String], after: &[String]) -> Result<()> {
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    let came: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    ensure!(
        gone.is_empty() && came.is_empty(),
        "the outside was touched:\nwas {gone:#?}\nis {came:#?}"
    );
    Ok(())
}
