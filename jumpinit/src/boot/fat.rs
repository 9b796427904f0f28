//! Names taken off a FAT, which keeps no journal: a power cut may leave clusters without a name, and never
//! a name without clusters, at which the kernel writes no more to the file system. So nothing lets go of
//! its clusters before its name is gone from the disk. Other file systems take no harm by that.

use std::fs::File;
use std::io::ErrorKind;

use anyhow::{Context as _, Result};
use jumpsys::files::root::Root;

/// Removes a directory with all that is in it, if it is there.
pub(crate) fn remove_tree(root: &Root, directory: &str) -> Result<()> {
    remove_below(root, directory, "")?;
    remove(root, directory)
}

/// Removes what is below a directory, but for the file `last`.
pub(super) fn remove_below(root: &Root, directory: &str, last: &str) -> Result<()> {
    if !root.is_there(directory) {
        return Ok(());
    }
    let names = root.list(directory)?.into_iter();
    let paths = names.map(|name| format!("{directory}/{name}"));
    for path in paths.filter(|path| path != last) {
        if root.path().join(&path).is_dir() {
            remove_below(root, &path, last)?;
        }
        remove(root, &path)?;
    }
    Ok(())
}

/// Removes a file or an empty directory, if it is there.
pub(super) fn remove(root: &Root, path: &str) -> Result<()> {
    let whole = root.path().join(path);
    // What is open keeps its clusters.
    let held = match File::open(&whole) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.with_context(|| format!("cannot open {}", whole.display()))?,
    };
    if whole.is_dir() {
        root.remove_dir(path)?;
    } else {
        root.remove(path)?;
    }
    let directory = whole.parent().context("a file has a directory")?;
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.with_context(|| format!("cannot sync {}", directory.display()))?;
    drop(held);
    Ok(())
}

pub(super) fn remove_if_empty(root: &Root, directory: &str) -> Result<()> {
    if root.is_there(directory) && root.list(directory)?.is_empty() {
        remove(root, directory)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_goes_with_all_that_is_in_it_and_may_be_gone() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        std::fs::create_dir_all(at("EFI/jump/landing/jump/log")).unwrap();
        std::fs::write(at("EFI/jump/landing/journal"), "x").unwrap();
        std::fs::write(at("EFI/jump/grub.cfg"), "x").unwrap();
        let root = Root::open(scratch.path()).unwrap();
        for _ in 0..2 {
            remove_tree(&root, "EFI/jump/landing").unwrap();
            assert_eq!(root.list("EFI/jump").unwrap(), ["grub.cfg"]);
        }
    }
}
