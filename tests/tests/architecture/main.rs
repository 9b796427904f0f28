//! The arrows of the design: binaries → jumpsys, jumparchive → jumpspec; nothing back,
//! and no binary imports another. Inside a crate no files lead to each other in a circle, and no
//! arrow runs up between rooms.

mod files;
mod paths;
mod rooms;

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Who may depend on which members of the workspace.
const ALLOWED: &[(&str, &[&str])] = &[
    ("jumpspec", &[]),
    ("jumparchive", &["jumpspec"]),
    ("jumpsys", &["jumpspec"]),
    ("jumpimg", &["jumpspec", "jumparchive", "jumpsys"]),
    ("jumpinit", &["jumpspec", "jumparchive", "jumpsys"]),
    ("jumplab", &["jumpspec", "jumpsys"]),
    ("xtask", &["jumplab"]),
    ("jump-tests", &["jumpspec", "jumplab"]),
];

fn members() -> BTreeMap<String, Vec<String>> {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let names: Vec<String> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let inside = |package: &cargo_metadata::Package| {
        let ordinary = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development);
        ordinary
            .map(|dependency| dependency.name.clone())
            .filter(|name| names.contains(name))
            .collect()
    };
    metadata
        .packages
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
fn the_pure_crate_depends_on_nothing_that_acts() {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let jumpspec = metadata
        .packages
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
