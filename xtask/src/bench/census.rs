//! What a tree holds, counted: to say what the input is, and that nobody left anything out.

use std::collections::HashSet;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use walkdir::WalkDir;

/// The number of things in a tree, the root itself not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Census {
    /// Names of regular files.
    pub(super) files: u64,
    /// Directories.
    pub(super) directories: u64,
    /// Symbolic links.
    pub(super) symlinks: u64,
    /// Devices, FIFOs and sockets.
    pub(super) others: u64,
    /// Bytes of regular files; one with several names counts once.
    pub(super) bytes: u64,
}

impl Census {
    /// Counts the tree below `root`.
    pub(super) fn take(root: &Path) -> Result<Self> {
        let (mut census, mut seen) = (Self::default(), HashSet::new());
        for entry in WalkDir::new(root).min_depth(1) {
            let entry = entry.with_context(|| format!("cannot count {}", root.display()))?;
            let kind = entry.file_type();
            if kind.is_dir() {
                census.directories += 1;
            } else if kind.is_symlink() {
                census.symlinks += 1;
            } else if kind.is_file() {
                census.files += 1;
                let metadata = entry.metadata()?;
                if metadata.nlink() < 2 || seen.insert((metadata.dev(), metadata.ino())) {
                    census.bytes += metadata.len();
                }
            } else {
                census.others += 1;
            }
        }
        Ok(census)
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            files,
            directories,
            symlinks,
            others,
            bytes,
        } = self;
        write!(
            f,
            "{files} files, {directories} directories, {symlinks} symlinks"
        )?;
        if *others > 0 {
            write!(f, ", {others} others")?;
        }
        write!(
            f,
            ", {}.{:03} GB",
            bytes / 1_000_000_000,
            bytes / 1_000_000 % 1000
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Census;

    #[test]
    fn bytes_are_shown_in_thousandths_of_a_gigabyte() {
        let census = Census {
            files: 46_293,
            directories: 4_552,
            symlinks: 3_553,
            others: 0,
            bytes: 1_507_012_345,
        };
        assert_eq!(
            census.to_string(),
            "46293 files, 4552 directories, 3553 symlinks, 1.507 GB"
        );
    }
}
