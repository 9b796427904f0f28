//! Names that are hard to write down.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;

/// Each becomes a file, a directory with a file of that name, and a symlink to itself.
const ODD: &[&[u8]] = &[
    b"-rf",
    b"--checkpoint-action=exec=false",
    b"-",
    b"--",
    b" leading space",
    b"trailing space ",
    b" ",
    b"trailing\\",
    b"back\\slash",
    b"\\n",
    b"\\012",
    b"\\",
    b"new\nline",
    b"\n",
    b"trailing newline\n",
    b"tab\t, return\r, bell\x07, escape\x1b[1m, delete\x7f",
    b"not \xff UTF-8",
    b"\x80",
    b"half of a character \xe2\x82",
    "composed é".as_bytes(),
    "decomposed e\u{301}".as_bytes(),
    "🦘".as_bytes(),
    b"...",
    b"..x",
    b".hidden",
    b"~",
    b"*?[a]{b,c}",
    b"$HOME `id` 'single' \"double\"",
    b"host:file",
    b"C:",
    b"a=b",
    b"%41",
    b"#comment",
    b"@archive",
    b"._attributes",
    b"PaxHeaders.0",
    b"GNUSparseFile.0",
    b"@LongLink",
    b".wh.whiteout",
];

/// At the limits of the fields of a header: name 100, prefix 155, with a slash between.
const LENGTHS: [usize; 9] = [98, 99, 100, 101, 154, 155, 156, 254, 255];

pub(super) fn plant(root: &Path) -> Result<()> {
    plant_modest(root)?;
    for length in LENGTHS {
        let name = "l".repeat(length);
        fs::write(root.join(&name), name.as_bytes())?;
        let directory = root.join("d".repeat(length));
        fs::create_dir(&directory)?;
        for length in LENGTHS {
            fs::write(directory.join("f".repeat(length)), b"")?;
        }
    }
    // Not one byte that is ASCII, and the longest.
    odd(root, &[0xff; 255])
}

/// With names that any format can say.
pub(super) fn plant_modest(root: &Path) -> Result<()> {
    for name in ODD {
        odd(root, name)?;
    }
    fs::write(root.join("case"), b"lower")?;
    Ok(fs::write(root.join("CASE"), b"upper")?)
}

fn odd(root: &Path, name: &[u8]) -> Result<()> {
    let name = OsStr::from_bytes(name);
    for kind in ["files", "directories", "symlinks"] {
        fs::create_dir_all(root.join(kind))?;
    }
    fs::write(root.join("files").join(name), name.as_bytes())?;
    fs::create_dir(root.join("directories").join(name))?;
    fs::write(root.join("directories").join(name).join(name), b"")?;
    Ok(symlink(name, root.join("symlinks").join(name))?)
}
