//! The torture tree: everything that Linux can put in a tree and an archive can hold, in a
//! directory for each concern. Needs root, and a file system that takes it all.

mod acls;
mod attributes;
mod content;
mod depths;
mod kinds;
mod links;
mod names;
mod put;
mod sparse;
mod system;
mod times;

use std::path::Path;

use anyhow::{Context as _, Result};

pub(crate) use content::noise;

/// Plants a part of the tree below a directory of its own.
type Part = (&'static str, fn(&Path) -> Result<()>);

/// Parts of all trees' root, but for `system`, which is spread over the root.
const PARTS: &[Part] = &[
    ("acls", acls::plant),
    ("attributes", attributes::plant),
    ("content", content::plant),
    ("deep", depths::plant_deep),
    ("empty", depths::plant_empty),
    ("far", depths::plant_far),
    ("kinds", kinds::plant),
    ("links", links::plant),
    ("names", names::plant),
    ("sparse", sparse::plant),
    ("times", times::plant),
    ("wide", depths::plant_wide),
];

/// Parts that archives of others are made of: few and small enough to do that often.
const PORTABLE: &[Part] = &[
    ("acls", acls::plant),
    ("attributes", attributes::plant),
    ("content", content::plant_few),
    ("deep", depths::plant_deep),
    ("empty", depths::plant_empty),
    ("far", depths::plant_far),
    ("kinds", kinds::plant),
    ("links", links::plant),
    ("names", names::plant),
    ("sparse", sparse::plant),
    ("times", times::plant),
];

/// Parts of which a tree is made that the format of 1988 can hold.
const MODEST: &[Part] = &[
    ("content", content::plant_few),
    ("empty", depths::plant_empty),
    ("kinds", kinds::plant_modest),
    ("links", links::plant_modest),
    ("names", names::plant_modest),
    ("times", times::plant_modest),
];

/// Plants an operating system and nothing else.
pub(crate) fn plant_system(root: &Path) -> Result<()> {
    plant_parts(root, &[])
}

/// Plants what any format can hold, but for fractions of a second.
pub(crate) fn plant_modest(root: &Path) -> Result<()> {
    plant_parts(root, MODEST)
}

/// Plants the part of that which cp(1) can copy: it gives the kernel whole paths.
pub(crate) fn plant_copyable(root: &Path) -> Result<()> {
    let mut parts = PORTABLE.to_vec();
    parts.retain(|(name, _)| *name != "far");
    plant_parts(root, &parts)
}

/// Plants what is neither many nor large below `root`, an empty directory.
pub(crate) fn plant_portable(root: &Path) -> Result<()> {
    plant_parts(root, PORTABLE)
}

/// Plants all but sparse giants below `root`, an empty directory.
pub(crate) fn plant(root: &Path) -> Result<()> {
    plant_parts(root, PARTS)
}

/// Plants sparse files of up to 1 TiB below `root`, an empty directory.
pub(crate) fn plant_giants(root: &Path) -> Result<()> {
    plant_parts(root, &[("sparse", sparse::plant_giants)])
}

/// Plants an operating system with `parts`, all of it with times of long ago.
fn plant_parts(root: &Path, parts: &[Part]) -> Result<()> {
    system::plant(root)?;
    for (name, plant) in parts {
        let part = root.join(name);
        std::fs::create_dir(&part)?;
        plant(&part).with_context(|| format!("cannot plant {name}"))?;
    }
    times::spread(root)
}
