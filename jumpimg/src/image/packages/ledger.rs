//! Which packages there are, and which of them each path belongs to.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::rpm::Header;
use super::{Manager, Package, dpkg};
use jumpspec::words::shown;

/// Packages and the paths that they own.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    packages: Vec<Package>,
    by_name: HashMap<String, usize>,
    /// By a path's fingerprint: a million paths as texts would take ten times the memory.
    /// Should two paths ever have the same, one file counts for a wrong package.
    owners: HashMap<u64, u32>,
    /// Symlinks to directories and what they stand for: packages list `/bin/sh` where
    /// the image has `usr/bin/sh`.
    aliases: Vec<(Vec<u8>, Vec<u8>)>,
    notes: Vec<String>,
}

impl Ledger {
    /// The packages, each known by its place here.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// What could not be read, for the admin to know.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The place of the package that `path` belongs to.
    pub(crate) fn owner(&self, path: &[u8]) -> Option<usize> {
        if self.owners.is_empty() {
            return None;
        }
        let known = |path: &[u8]| self.owners.get(&fingerprint(path)).copied();
        let owner = known(path).or_else(|| {
            self.aliases.iter().find_map(|(link, target)| {
                let rest = path.strip_prefix(target.as_slice())?;
                rest.starts_with(b"/")
                    .then(|| known(&[link, rest].concat()))?
            })
        });
        owner.map(|owner| owner as usize)
    }

    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Takes in dpkg's list of packages.
    pub(crate) fn dpkg_status(&mut self, status: &[u8]) {
        for paragraph in dpkg::paragraphs(status) {
            let name = shown::name(paragraph.package);
            let architecture = shown::name(paragraph.architecture);
            // Lists of packages that can be there for several architectures name it.
            let full = format!("{name}:{architecture}");
            let place = self.by_name.get(&full).or_else(|| self.by_name.get(&name));
            let place = place.copied();
            let version = paragraph.installed.then(|| shown::name(paragraph.version));
            let package = Package {
                manager: Manager::Dpkg,
                name,
                version,
                architecture,
            };
            match place {
                Some(place) => self.packages[place] = package,
                None if paragraph.installed => {
                    self.by_name.insert(full, self.packages.len());
                    self.packages.push(package);
                }
                None => {}
            }
        }
    }

    /// Takes in the list of files of the package that dpkg names so, with or without its
    /// architecture. Lists are taken in before the status.
    pub(crate) fn dpkg_list(&mut self, full: &str, list: &[u8]) {
        let (name, architecture) = full.split_once(':').unwrap_or((full, ""));
        let place = self.packages.len();
        self.packages.push(Package {
            manager: Manager::Dpkg,
            name: shown::name(name.as_bytes()),
            version: None,
            architecture: shown::name(architecture.as_bytes()),
        });
        self.by_name.insert(shown::name(full.as_bytes()), place);
        for path in dpkg::paths(list) {
            self.own(path, place);
        }
    }

    /// Takes in a header of rpm's database; `false` if it cannot be read.
    pub(super) fn rpm_header(&mut self, blob: &[u8]) -> bool {
        let Some(header) = Header::new(blob) else {
            return false;
        };
        let Some(name) = header.name() else {
            return false;
        };
        let place = self.packages.len();
        self.packages.push(Package {
            manager: Manager::Rpm,
            name: shown::name(name),
            version: Some(shown::name(&header.version())),
            architecture: shown::name(header.architecture()),
        });
        for path in header.paths() {
            self.own(&path, place);
        }
        true
    }

    /// Takes in a symlink of the tree.
    pub(crate) fn link(&mut self, path: &[u8], target: &[u8]) {
        if let Some(target) = resolve(path, target) {
            self.aliases.push((path.to_vec(), target));
        }
    }

    /// The first package that lists a path has it.
    fn own(&mut self, path: &[u8], place: usize) {
        if let Ok(place) = u32::try_from(place) {
            self.owners.entry(fingerprint(path)).or_insert(place);
        }
    }
}

fn fingerprint(path: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

/// Where a symlink at `path` leads, below the root; `None` for the root itself and above.
fn resolve(path: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    parts.pop();
    if target.starts_with(b"/") {
        parts.clear();
    }
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join(&b'/')).filter(|target| !target.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debian() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.dpkg_list(
            "dash",
            b"/.\n/bin\n/bin/sh\n/usr/share/doc/dash/copyright\n",
        );
        ledger.dpkg_list("libc6:amd64", b"/lib/x86_64-linux-gnu/libc.so.6\n");
        ledger.dpkg_list("gone", b"/etc/gone.conf\n");
        ledger.dpkg_status(
            b"Package: dash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.5\n\n\
              Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36\n\n\
              Package: meta\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n\
              Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 3\n\n\
              Package: purged\nStatus: purge ok not-installed\nArchitecture: all\n",
        );
        ledger
    }

    #[test]
    fn lists_and_status_of_a_package_are_one() {
        let ledger = debian();
        let packages: Vec<(&str, Option<&str>)> = ledger
            .packages()
            .iter()
            .map(|package| (package.name.as_str(), package.version.as_deref()))
            .collect();
        let wanted = [
            ("dash", Some("0.5")),
            ("libc6", Some("2.36")),
            ("gone", None),
            ("meta", Some("1")),
        ];
        assert_eq!(packages, wanted);
    }

    #[test]
    fn a_path_is_found_behind_merged_directories() {
        let mut ledger = debian();
        assert_eq!(ledger.owner(b"usr/bin/sh"), None);
        ledger.link(b"bin", b"usr/bin");
        ledger.link(b"lib", b"/usr/lib/");
        assert_eq!(ledger.owner(b"usr/bin/sh"), Some(0));
        assert_eq!(ledger.owner(b"usr/lib/x86_64-linux-gnu/libc.so.6"), Some(1));
        assert_eq!(ledger.owner(b"usr/binsh"), None);
        assert_eq!(ledger.owner(b"etc/passwd"), None);
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        assert_eq!(resolve(b"var/run", b"../run"), Some(b"run".to_vec()));
        assert_eq!(resolve(b"a/b", b"../../../etc"), Some(b"etc".to_vec()));
        assert_eq!(resolve(b"here", b"."), None);
    }
}
