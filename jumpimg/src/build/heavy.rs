//! Where the bytes are, for whoever has too many of them.

use std::collections::HashMap;
use std::fmt::Write as _;

use jumparchive::Tree;
use jumpspec::size::Size;

use super::census::Census;

/// How many directories and packages are named.
const COUNT: usize = 20;
/// dpkg's lists of files are far smaller.
const LIST_CAP: u64 = 64 << 20;
/// Where dpkg keeps each package's list of files.
const DPKG: &str = "var/lib/dpkg/info";
/// What most systems can do without.
const DISPENSABLE: [&str; 6] = [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/icons",
    "usr/src",
];

/// The heaviest directories and packages.
pub(crate) fn table(tree: &Tree, census: &Census) -> String {
    let mut text = String::from("heaviest directories:\n");
    for (path, size) in census.heaviest(COUNT) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {:>12}  /{path}", Size(size).to_string());
    }
    let packages = packages(tree);
    if !packages.is_empty() {
        text.push_str("heaviest packages:\n");
    }
    for (name, size) in packages.iter().take(COUNT) {
        let _ = writeln!(text, "  {:>12}  {name}", Size(*size).to_string());
    }
    text
}

/// What to leave out first.
pub(crate) fn hint(census: &Census) -> String {
    let mut names: Vec<(&str, u64)> = DISPENSABLE
        .iter()
        .filter_map(|path| census.directories.get(*path).map(|size| (*path, *size)))
        .filter(|(_, size)| *size > 0)
        .collect();
    names.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    if names.is_empty() {
        return "remove the packages that it can do without, or raise the budget".to_owned();
    }
    let flags: Vec<String> = names
        .iter()
        .take(3)
        .map(|(path, size)| format!("--exclude /{path} ({})", Size(*size)))
        .collect();
    format!("{}; remove packages, or raise the budget", flags.join(", "))
}

/// Packages by the size of their files, the heaviest first.
fn packages(tree: &Tree) -> Vec<(String, u64)> {
    let lists = tree.list(DPKG).unwrap_or_default();
    let mut sizes: HashMap<String, u64> = HashMap::new();
    for list in lists.iter().filter_map(|name| name.strip_suffix(".list")) {
        let path = format!("{DPKG}/{list}.list");
        let Ok(Some(bytes)) = tree.read(&path, LIST_CAP) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        sizes.insert(
            list.to_owned(),
            text.lines().map(|file| size(tree, file)).sum(),
        );
    }
    let mut packages: Vec<(String, u64)> = sizes.into_iter().collect();
    packages.sort_by(|one, two| two.1.cmp(&one.1).then(one.0.cmp(&two.0)));
    packages
}

fn size(tree: &Tree, path: &str) -> u64 {
    // S_IFMT and S_IFREG, inode(7).
    let regular = |mode: u32| mode & 0o170_000 == 0o100_000;
    match tree.lstat(path) {
        Ok(Some(is)) if regular(is.st_mode) => u64::try_from(is.st_size).unwrap_or_default(),
        _ => 0,
    }
}
