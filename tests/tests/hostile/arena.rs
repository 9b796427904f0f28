//! A root to extract into, with a canary beside it that must not notice.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tempfile::TempDir;

use crate::canary;
use crate::measured::{self, Outcome};

/// `root`, `outside` and, once there was one, `archive`, in a directory of their own.
pub(crate) struct Arena {
    scratch: TempDir,
}

impl Arena {
    pub(crate) fn new() -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        fs::create_dir(scratch.path().join("root"))?;
        canary::plant(&scratch.path().join("outside"))?;
        Ok(Self { scratch })
    }

    /// Where archives go.
    pub(crate) fn root(&self) -> PathBuf {
        self.scratch.path().join("root")
    }

    /// The canary's directory.
    pub(crate) fn outside(&self) -> PathBuf {
        self.scratch.path().join("outside")
    }

    /// The archive's path.
    pub(crate) fn archive(&self) -> PathBuf {
        self.scratch.path().join("archive")
    }

    /// The absolute path of something of the canary's, for archives to want.
    pub(crate) fn beyond(&self, path: &str) -> String {
        self.outside().join(path).display().to_string()
    }

    /// Extracts an archive of these bytes.
    pub(crate) fn extract(&self, archive: &[u8]) -> Result<Outcome> {
        fs::write(self.archive(), archive)?;
        self.extract_file(&self.archive())
    }

    /// Extracts what is at this path.
    pub(crate) fn extract_file(&self, path: &Path) -> Result<Outcome> {
        let arguments = [
            "extract".into(),
            path.as_os_str().to_owned(),
            self.root().into_os_string(),
        ];
        self.watched(&jump_tests::bin("jumpinit"), &arguments)
    }

    /// Runs a program, and fails if anything outside the root changed meanwhile.
    pub(crate) fn watched(&self, program: &Path, arguments: &[OsString]) -> Result<Outcome> {
        let before = canary::lines(self.scratch.path())?;
        let outcome = measured::run(program, arguments)?;
        canary::compare(&before, &canary::lines(self.scratch.path())?)?;
        let code = outcome.code;
        ensure!(code.is_some() && code != Some(101), "it died: {outcome:?}");
        Ok(outcome)
    }

    /// What is below the root, sorted: a letter for the type as `ls` has it, the path,
    /// and content, target or device number.
    pub(crate) fn tree(&self) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        collect(&self.root(), &self.root(), &mut lines)?;
        lines.sort_by(|one, two| one[2..].cmp(&two[2..]));
        Ok(lines)
    }

    /// Fails unless the root holds just this; see [`Arena::tree`].
    pub(crate) fn holds(&self, wanted: &[&str]) -> Result<()> {
        let tree = self.tree()?;
        ensure!(tree == wanted, "the tree is {tree:#?}, not {wanted:#?}");
        Ok(())
    }
}

/// The archive that `make` makes is refused; its error names `entry` and one of `why`.
pub(crate) fn refused(
    make: impl FnOnce(&Arena) -> Vec<u8>,
    entry: &str,
    why: &[&str],
) -> Result<()> {
    let arena = Arena::new()?;
    arena.extract(&make(&arena))?.refused(entry, why)
}

/// The archive that `make` makes is accepted and gives this tree.
pub(crate) fn accepted(make: impl FnOnce(&Arena) -> Vec<u8>, tree: &[&str]) -> Result<()> {
    let arena = Arena::new()?;
    arena.extract(&make(&arena))?.accepted()?;
    arena.holds(tree)
}

/// The archive that `make` makes is either refused, its error naming `entry`, or gives
/// this tree: both keep the outside as it is.
pub(crate) fn confined(
    make: impl FnOnce(&Arena) -> Vec<u8>,
    entry: &str,
    tree: &[&str],
) -> Result<()> {
    let arena = Arena::new()?;
    let outcome = arena.extract(&make(&arena))?;
    if outcome.code == Some(0) {
        return arena.holds(tree);
    }
    outcome.refused(entry, &[""])
}

fn collect(root: &Path, directory: &Path, lines: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        lines.push(line(root, &path)?);
        if path.symlink_metadata()?.is_dir() {
            collect(root, &path, lines)?;
        }
    }
    Ok(())
}

fn line(root: &Path, path: &Path) -> Result<String> {
    let is = path.symlink_metadata()?;
    let name = path
        .strip_prefix(root)?
        .as_os_str()
        .as_bytes()
        .escape_ascii();
    let kind = is.file_type();
    let number = is.rdev();
    Ok(if kind.is_dir() {
        format!("d {name}")
    } else if kind.is_symlink() {
        format!("l {name} -> {}", fs::read_link(path)?.display())
    } else if kind.is_fifo() {
        format!("p {name}")
    } else if kind.is_char_device() {
        format!("c {name} {number:x}")
    } else if kind.is_block_device() {
        format!("b {name} {number:x}")
    } else if is.size() > 100 {
        format!("- {name} {} bytes", is.size())
    } else {
        format!("- {name} {}", fs::read(path)?.escape_ascii())
    })
}
