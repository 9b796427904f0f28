//! A tree as its image will hold it, and what starts in it.

use std::collections::BTreeSet;

use jumparchive::Tree;
use jumpspec::image::manifest::Init;

use super::exclude::Rules;

/// Where systemd looks for what is enabled.
pub(super) const UNIT_DIRECTORIES: [&str; 3] = [
    "etc/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];
/// Where programs are, from the most to the least usual for those looked for here.
const PROGRAM_DIRECTORIES: [&str; 4] = ["usr/sbin", "usr/bin", "sbin", "bin"];
/// Larger than any program looked at here.
pub(super) const PROGRAM_CAP: u64 = 256 << 20;
/// path_resolution(7): the kernel follows no more.
const LINKS: usize = 40;

/// A tree as far as its image will hold it.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) rules: &'a Rules,
}

impl Stored<'_> {
    /// Whether the image will hold a file at `path` or at where its symlinks lead.
    pub(crate) fn has(&self, path: &str) -> bool {
        !self.rules.leaves_out(path) && self.tree.is_file(path)
    }

    /// Where a path leads, all its symlinks followed; none if that is too far.
    pub(crate) fn real(&self, path: &str) -> Option<String> {
        trace(self.tree, path, &mut BTreeSet::new())
    }

    /// Names in a directory, as far as the image will hold them.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        let names = self.tree.list(directory).unwrap_or_default();
        let stored = |name: &String| !self.rules.leaves_out(&format!("{directory}/{name}"));
        names.into_iter().filter(stored).collect()
    }

    /// Where a program is.
    pub(crate) fn program(&self, name: &str) -> Option<String> {
        self.program_paths(name).into_iter().next()
    }

    /// All the paths that lead to a program.
    pub(crate) fn program_paths(&self, name: &str) -> Vec<String> {
        let paths = PROGRAM_DIRECTORIES
            .iter()
            .map(|directory| format!("{directory}/{name}"));
        paths.filter(|path| self.has(path)).collect()
    }

    /// A program's or library's content.
    pub(crate) fn program_bytes(&self, path: &str) -> Option<Vec<u8>> {
        self.tree.read(path, PROGRAM_CAP).ok().flatten()
    }
}

/// Follows `path` to where it leads, which need not be there; adds every symlink on the way.
pub(super) fn trace(tree: &Tree, path: &str, paths: &mut BTreeSet<String>) -> Option<String> {
    let mut waiting: Vec<String> = components(path).collect();
    let (mut done, mut links): (Vec<String>, usize) = (Vec::new(), 0);
    while let Some(part) = waiting.pop() {
        if part == ".." {
            done.pop();
            continue;
        }
        done.push(part);
        let so_far = done.join("/");
        if let Ok(Some(target)) = tree.read_link(&so_far) {
            links += 1;
            if links > LINKS {
                return None;
            }
            let target = String::from_utf8(target).ok()?;
            if target.starts_with('/') {
                done.clear();
            } else {
                done.pop();
            }
            waiting.extend(components(&target));
            paths.insert(so_far);
        }
    }
    Some(done.join("/"))
}

/// Components, the last first.
fn components(path: &str) -> impl Iterator<Item = String> {
    path.split('/')
        .rev()
        .filter(|part| !part.is_empty() && *part != ".")
        .map(str::to_owned)
}

/// What the kernel would start.
pub(crate) fn init(tree: &Tree) -> Option<Init> {
    let target = tree.read_link("sbin/init").ok().flatten();
    match target.map(|target| String::from_utf8_lossy(&target).into_owned()) {
        Some(target) if target.ends_with("systemd") => Some(Init::Systemd),
        _ if tree.is_file("sbin/init") && tree.is_file("etc/inittab") => Some(Init::Sysvinit),
        _ => None,
    }
}

/// Whether some unit wants it. Its own aliases and sockets are of no interest.
pub(super) fn is_enabled(stored: &Stored<'_>, unit: &str) -> bool {
    UNIT_DIRECTORIES.iter().any(|directory| {
        let names = stored.names(directory);
        let mut wants = names.iter().filter(|name| name.ends_with(".target.wants"));
        wants.any(|wants| {
            stored
                .names(&format!("{directory}/{wants}"))
                .iter()
                .any(|name| name == unit)
        })
    })
}
