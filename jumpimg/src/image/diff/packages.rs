//! Which packages came, went or have another version. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::image::packages::{Manager, Package};

/// What became of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fate {
    Added,
    Removed,
    Changed,
}

/// A package that is not the same in both images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct PackageChange {
    pub(super) fate: Fate,
    pub(super) manager: Manager,
    pub(super) name: String,
    pub(super) architecture: String,
    /// Versions that only the old image has: several, as of kernels, are possible.
    pub(super) old: Vec<String>,
    /// Versions that only the new image has.
    pub(super) new: Vec<String>,
}

/// What names a package, whatever its version.
pub(super) type Key<'a> = (Manager, &'a str, &'a str);

/// What names `package`.
pub(super) fn key(package: &Package) -> Key<'_> {
    (package.manager, &package.name, &package.architecture)
}

type Versions<'a> = BTreeMap<Key<'a>, BTreeSet<&'a str>>;

/// The changes, sorted by name. What is not installed does not count.
pub(super) fn changes(old: &[Package], new: &[Package]) -> Vec<PackageChange> {
    let (old, new) = (versions(old), versions(new));
    let keys: BTreeSet<Key<'_>> = old.keys().chain(new.keys()).copied().collect();
    let none = BTreeSet::new();
    let mut changes: Vec<PackageChange> = keys
        .into_iter()
        .filter_map(|key| {
            let (old, new) = (
                old.get(&key).unwrap_or(&none),
                new.get(&key).unwrap_or(&none),
            );
            change(key, old, new)
        })
        .collect();
    changes.sort_by(|one, two| one.name.cmp(&two.name));
    changes
}

fn change(
    (manager, name, architecture): Key<'_>,
    old: &BTreeSet<&str>,
    new: &BTreeSet<&str>,
) -> Option<PackageChange> {
    let only = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| -> Vec<String> {
        one.difference(other)
            .map(|version| (*version).to_owned())
            .collect()
    };
    let (gone, came) = (only(old, new), only(new, old));
    let fate = match (gone.is_empty(), came.is_empty()) {
        (true, true) => return None,
        (true, false) => Fate::Added,
        (false, true) => Fate::Removed,
        (false, false) => Fate::Changed,
    };
    Some(PackageChange {
        fate,
        manager,
        name: name.to_owned(),
        architecture: architecture.to_owned(),
        old: gone,
        new: came,
    })
}

fn versions(packages: &[Package]) -> Versions<'_> {
    let mut versions = Versions::new();
    for package in packages {
        if let Some(version) = &package.version {
            versions.entry(key(package)).or_default().insert(version);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package {
            manager: Manager::Rpm,
            name: name.to_owned(),
            version: Some(version.to_owned()).filter(|version| !version.is_empty()),
            architecture: "x86_64".to_owned(),
        }
    }

    #[test]
    fn packages_come_go_and_change() {
        let old = [
            package("bash", "1"),
            package("same", "1"),
            package("gone", "1"),
            package("conf", ""),
        ];
        let new = [
            package("bash", "2"),
            package("same", "1"),
            package("came", "3"),
        ];
        let found = changes(&old, &new);
        let told: Vec<(&str, Fate)> = found
            .iter()
            .map(|change| (change.name.as_str(), change.fate))
            .collect();
        let wanted = [
            ("bash", Fate::Changed),
            ("came", Fate::Added),
            ("gone", Fate::Removed),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn of_several_versions_only_those_that_differ_are_told() {
        let old = [package("kernel", "1"), package("kernel", "2")];
        let new = [package("kernel", "2"), package("kernel", "3")];
        let found = changes(&old, &new);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0].old[..], &found[0].new[..]),
            (&["1".into()][..], &["3".into()][..])
        );
    }
}
