//! Modification times.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;
use rustix::fs::CWD;

use super::put;
use crate::walk::walk;

/// A directory of nodes, and their times: seconds since 1970 and nanoseconds after those.
type Era = (&'static str, &'static [(i64, i64)]);

/// Times that any format can say, but for their fractions.
const MODEST: &[Era] = &[
    ("at-1970", &[(0, 0)]),
    (
        "usual",
        &[
            (1_700_000_000, 123_456_789),
            (1_700_000_000, 100_000_000),
            (2_147_483_647, 999_999_999),
        ],
    ),
    // The ends of 31 and 32 bits.
    ("after-2038", &[(2_147_483_648, 0), (4_294_967_296, 5)]),
];

const EXTREME: &[Era] = &[
    ("before-1970", &[(-2_147_483_648, 0), (-1, 0)]),
    (
        "fraction-before-1970",
        &[(-86_400, 500_000_000), (-1, 1), (-1, 999_999_999)],
    ),
    ("a-moment-after-1970", &[(0, 1)]),
    // The end of eleven octal digits, POSIX.1-2017, ustar interchange format.
    (
        "about-2242",
        &[(8_589_934_591, 999_999_999), (8_589_934_592, 7)],
    ),
];

/// One node of each type that has a time, for each time. [`spread`] gives it to them.
pub(super) fn plant(root: &Path) -> Result<()> {
    plant_modest(root)?;
    plant_eras(root, EXTREME)
}

/// With times that any format can say.
pub(super) fn plant_modest(root: &Path) -> Result<()> {
    plant_eras(root, MODEST)
}

fn plant_eras(root: &Path, eras: &[Era]) -> Result<()> {
    each(root, eras, |path, _, _| {
        fs::create_dir_all(path)?;
        fs::write(path.join("file"), b"")?;
        fs::create_dir(path.join("directory"))?;
        fs::write(path.join("directory/below"), b"")?;
        symlink("nowhere", path.join("symlink"))?;
        put::fifo(&path.join("fifo"))
    })
}

fn each(root: &Path, eras: &[Era], visit: impl Fn(&Path, i64, i64) -> Result<()>) -> Result<()> {
    for (era, times) in eras {
        for (number, (seconds, nanoseconds)) in times.iter().enumerate() {
            let path = root.join(era).join(number.to_string());
            visit(&path, *seconds, *nanoseconds)?;
        }
    }
    Ok(())
}

/// Gives every node a time of its own, between 2001 and 2017: none is today's, and each has
/// nanoseconds. Those below `times` have theirs.
pub(super) fn spread(root: &Path) -> Result<()> {
    let mut number = 0;
    walk(root, &mut |node| {
        number += 1;
        let seconds = 1_000_000_000 + number * 7_919 % 500_000_000;
        let nanoseconds = number * 123_456_789 % 1_000_000_000;
        put::time(node.at, node.name, seconds, nanoseconds)
    })?;
    for eras in [MODEST, EXTREME] {
        each(&root.join("times"), eras, keep)?;
    }
    Ok(())
}

/// Gives the nodes of a time their time, if they were planted.
fn keep(path: &Path, seconds: i64, nanoseconds: i64) -> Result<()> {
    if path.is_dir() {
        for kind in ["file", "directory", "symlink", "fifo"] {
            let path = path.join(kind);
            put::time(
                CWD,
                path.as_os_str().as_encoded_bytes(),
                seconds,
                nanoseconds,
            )?;
        }
    }
    Ok(())
}
