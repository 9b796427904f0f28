//! The arrows of the design: binaries → jumpsys, jumparchive → jumpspec; tests → jumplab ← xtask;
//! nothing back, and no binary imports another. Inside a crate no files lead to each other in a circle, and no
//! arrow runs up between rooms.

mod files;
mod paths;
mod rooms;

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Who may depend on which members of the workspace.
const ALLOWED: &[(&str, &[&str])] = &[
    ("jumpspec", &[]),
    ("jumparchive", &["jumpspec"]),
    ("jumpsys", &["jumpspec"]),
    ("jumpimg", &["jumpspec", "jumparchive", "jumpsys"]),
    ("jumpinit", &["jumpspec", "jumparchive", "jumpsys"]),
    ("jumplab", &["jumpspec", "jumparchive", "jumpsys"]),
    ("xtask", &["jumplab"]),
    ("jump-tests", &["jumpspec", "jumplab"]),
];

fn packages() -> Vec<Package> {
    let metadata = MetadataCommand::new().no_deps().exec();
    metadata.expect("cargo metadata").packages
}

fn members() -> BTreeMap<String, Vec<String>> {
    let packages = packages();
    let names: Vec<String> = packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let inside = |package: &Package| {
        let ordinary = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development);
        ordinary
            .map(|dependency| dependency.name.clone())
            .filter(|name| names.contains(name))
            .collect()
    };
    packages
        .iter()
        .map(|package| (package.name.to_string(), inside(package)))
        .collect()
}

#[test]
fn arrows_only_point_down() {
    let members = members();
    for (name, dependencies) in &members {
        let allowed = ALLOWED.iter().find(|(allowed, _)| allowed == name);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{name} is not in the design"));
        for dependency in dependencies {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
    assert_eq!(members.len(), ALLOWED.len());
}

#[test]
fn tasks_and_tests_meet_in_the_lab_alone() {
    for package in packages() {
        let above = package
            .dependencies
            .iter()
            .find(|dependency| ["xtask", "jump-tests"].contains(&dependency.name.as_str()));
        assert!(
            above.is_none(),
            "{} must not depend on {}, for its tests neither",
            package.name,
            above.map_or("", |dependency| &dependency.name)
        );
    }
}

#[test]
fn the_pure_crate_depends_on_nothing_that_acts() {
    let packages = packages();
    let jumpspec = packages
        .iter()
        .find(|package| package.name.as_str() == "jumpspec")
        .expect("jumpspec");
    let acting = ["nix", "rustix", "libc", "tempfile", "walkdir", "zstd"];
    let ordinary = jumpspec
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development);
    for dependency in ordinary {
        assert!(
            !acting.contains(&dependency.name.as_str()),
            "jumpspec must not depend on {}",
            dependency.name
        );
    }
}
