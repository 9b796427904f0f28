//! Everything that a tree has, as lines that can be compared.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::digest::Digest;
use rustix::fs::{lgetxattr, llistxattr};

/// One line for each node below `root` and for `root` itself, sorted.
pub(crate) fn of(root: &Path) -> Result<Vec<String>> {
    let mut paths = vec![root.to_owned()];
    collect(root, &mut paths)?;
    paths.sort();
    let mut first_names = HashMap::new();
    paths
        .iter()
        .map(|path| line(root, path, &mut first_names))
        .collect()
}

/// Fails with the lines that differ.
pub(crate) fn compare(one: &Path, two: &Path) -> Result<()> {
    let (one, two) = (of(one)?, of(two)?);
    let only = |these: &[String], those: &[String]| -> String {
        these
            .iter()
            .filter(|line| !those.contains(line))
            .fold(String::new(), |all, line| all + line + "\n")
    };
    let (missing, added) = (only(&one, &two), only(&two, &one));
    anyhow::ensure!(
        missing.is_empty() && added.is_empty(),
        "wanted:\n{missing}found:\n{added}"
    );
    Ok(())
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        paths.push(entry.path());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), paths)?;
        }
    }
    Ok(())
}

fn line(root: &Path, path: &Path, first_names: &mut HashMap<u64, String>) -> Result<String> {
    let is = path.symlink_metadata()?;
    let name = path
        .strip_prefix(root)?
        .as_os_str()
        .as_bytes()
        .escape_ascii()
        .to_string();
    let mut line = format!(
        "{name} {:o} {}:{} {}.{:09} {:x}",
        is.mode(),
        is.uid(),
        is.gid(),
        is.mtime(),
        is.mtime_nsec(),
        is.rdev()
    );
    if is.is_file() {
        write!(line, " {} {}", is.size(), Digest::of(&fs::read(path)?))?;
    }
    if is.is_symlink() {
        write!(line, " -> {}", fs::read_link(path)?.display())?;
    }
    if !is.is_dir() && is.nlink() > 1 {
        let first = first_names.entry(is.ino()).or_insert_with(|| name.clone());
        write!(line, " = {first}")?;
    }
    for (name, value) in xattrs(path)? {
        write!(line, " {name}={}", value.escape_ascii())?;
    }
    Ok(line)
}

fn xattrs(path: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut names = vec![0_u8; 65_536];
    let length = llistxattr(path, &mut names[..])?;
    let mut found = Vec::new();
    for name in names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let mut value = vec![0_u8; 65_536];
        let length = lgetxattr(path, name, &mut value[..])?;
        found.push((
            String::from_utf8_lossy(name).into_owned(),
            value[..length].to_vec(),
        ));
    }
    found.sort();
    Ok(found)
}
