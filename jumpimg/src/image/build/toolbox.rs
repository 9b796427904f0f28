//! The files that an image's mkfs programs need to run in a root of nothing else.

use std::collections::BTreeSet;

use jumparchive::Tree;
use jumpspec::words::relpath::RelPath;

use super::stored::{Stored, trace};
use crate::image::elf;

/// What programs read that no header names: how mke2fs makes ext4, and where the
/// dynamic loader finds libraries in places that are not its own.
const READ: [&str; 2] = ["etc/mke2fs.conf", "etc/ld.so.cache"];
/// Where the dynamic loader looks, ld.so(8), with Debian's multiarch directories.
const LIBRARIES: [&str; 8] = [
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib64",
    "usr/lib64",
    "lib",
    "usr/lib",
];

/// The mkfs programs of these file systems and all that they need, symlinks on the way
/// to each included.
pub(crate) fn closure(stored: &Stored<'_>, filesystems: &[String]) -> Vec<RelPath> {
    let mut paths = BTreeSet::new();
    // By each path that leads there: with a merged `/usr`, callers may know `/sbin`.
    let mut waiting: Vec<String> = filesystems
        .iter()
        .flat_map(|name| stored.program_paths(&format!("mkfs.{name}")))
        .collect();
    if waiting.is_empty() {
        return Vec::new();
    }
    let mut programs = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        let Some(real) = add(stored.tree, &path, &mut paths) else {
            continue;
        };
        if !programs.insert(real.clone()) {
            continue;
        }
        let needs = stored
            .program_bytes(&real)
            .and_then(|bytes| elf::needs(&bytes))
            .unwrap_or_default();
        waiting.extend(needs.interpreter);
        waiting.extend(
            needs
                .libraries
                .iter()
                .filter_map(|name| library(stored, name)),
        );
    }
    for path in READ.iter().filter(|path| stored.has(path)) {
        add(stored.tree, path, &mut paths);
    }
    paths.iter().filter_map(|path| path.parse().ok()).collect()
}

/// Adds the file that `path` is, and every symlink on the way.
fn add(tree: &Tree, path: &str, paths: &mut BTreeSet<String>) -> Option<String> {
    let real = trace(tree, path, paths)?;
    if !tree.is_file(&real) {
        return None;
    }
    paths.insert(real.clone());
    Some(real)
}

fn library(stored: &Stored<'_>, name: &str) -> Option<String> {
    let paths = LIBRARIES
        .iter()
        .map(|directory| format!("{directory}/{name}"));
    paths.into_iter().find(|path| stored.tree.is_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn symlinks_on_the_way_are_part_of_it() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(scratch.path().join("usr/lib/arch")).unwrap();
        std::fs::write(scratch.path().join("usr/lib/arch/ld-2.so"), "").unwrap();
        symlink("usr/lib", scratch.path().join("lib")).unwrap();
        symlink("/lib/arch/ld-2.so", scratch.path().join("usr/lib/ld.so")).unwrap();
        let tree = Tree::open(scratch.path()).unwrap();
        let mut paths = BTreeSet::new();
        let real = add(&tree, "lib/ld.so", &mut paths);
        assert_eq!(real.as_deref(), Some("usr/lib/arch/ld-2.so"));
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        assert_eq!(paths, ["lib", "usr/lib/arch/ld-2.so", "usr/lib/ld.so"]);
    }

    #[test]
    fn a_loop_of_symlinks_ends() {
        let scratch = tempfile::tempdir().unwrap();
        symlink("b", scratch.path().join("a")).unwrap();
        symlink("a", scratch.path().join("b")).unwrap();
        let tree = Tree::open(scratch.path()).unwrap();
        assert_eq!(trace(&tree, "a", &mut BTreeSet::new()), None);
    }
}
