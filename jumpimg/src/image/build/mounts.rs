//! What is mounted below the root: stored as empty directories, unless the recipe
//! says to cross. What no system boots without is not left out in silence.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Context as _;
use jumparchive::Tree;
use jumpspec::image::recipe;
use jumpsys::files::mountinfo::{Mount, read_mountinfo};

use crate::error::{Exit, Trouble};

/// Without these no system boots or works.
const VITAL: [&str; 5] = ["boot", "boot/efi", "usr", "var", "opt"];

/// What is mounted below the root, and what becomes of it.
#[derive(Debug, Default)]
pub(crate) struct Mounts {
    /// Paths below the root that are stored as empty directories.
    pub(crate) hollow: HashSet<String>,
    /// Device numbers of directories whose content is stored.
    pub(crate) devices: HashSet<u64>,
}

/// Looks for mounts below `root`.
pub(crate) fn find(root: &Path, tree: &Tree, wishes: &recipe::Mounts) -> Result<Mounts, Trouble> {
    let root = root
        .canonicalize()
        .with_context(|| format!("cannot open {}", root.display()))?;
    let mounted = below(&root, &read_mountinfo().map_err(anyhow::Error::new)?);
    let device = |path: &str| tree.stat(path).ok().flatten().map(|stat| stat.st_dev);
    let own = device("");
    let separate = |path: &str| {
        mounted.contains(path) || device(path).is_some_and(|device| Some(device) != own)
    };
    let vital = VITAL.iter().filter(|path| separate(path)).copied();
    if let Some(path) = undecided(vital, wishes) {
        let shown = root.display();
        let message =
            format!("{shown}: /{path} is a separate file system, and no system works without it");
        return Err(Trouble::new(Exit::Refused, "separate-filesystem", message).hint(format!(
            "store it with --cross /{path}, or leave it out with --leave /{path} (in a recipe: [mounts] cross, leave)"
        )));
    }
    let crossed: HashSet<&str> = wishes
        .cross
        .iter()
        .map(|path| path.trim_matches('/'))
        .collect();
    let devices = crossed
        .iter()
        .filter_map(|path| device(path))
        .chain(own)
        .collect();
    let hollow = mounted
        .into_iter()
        .filter(|path| !crossed.contains(path.as_str()))
        .collect();
    Ok(Mounts { hollow, devices })
}

/// The first of the separate vital paths about which the recipe says nothing.
fn undecided<'a>(
    mut separate: impl Iterator<Item = &'a str>,
    wishes: &recipe::Mounts,
) -> Option<&'a str> {
    let named =
        |list: &[String], path: &str| list.iter().any(|name| name.trim_matches('/') == path);
    separate.find(|path| {
        let above_left = wishes.leave.iter().any(|left| {
            path.strip_prefix(left.trim_matches('/'))
                .is_some_and(|rest| rest.starts_with('/'))
        });
        !named(&wishes.cross, path) && !named(&wishes.leave, path) && !above_left
    })
}

/// Mount points below `root`, relative to it.
fn below(root: &Path, mounts: &[Mount]) -> HashSet<String> {
    let relative = |mount: &Mount| {
        let path = mount.mount_point.strip_prefix(root).ok()?;
        Some(path.to_string_lossy().into_owned()).filter(|path| !path.is_empty())
    };
    mounts.iter().filter_map(relative).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpsys::files::mountinfo::parse_mountinfo;

    #[test]
    fn finds_what_is_mounted_below_the_root_only() {
        let mounts = parse_mountinfo(
            b"21 1 8:3 / / rw - ext4 /dev/sda3 rw\n\
             22 21 8:1 / /srv/gold/boot rw - ext4 /dev/sda1 rw\n\
             23 21 8:1 / /srv/golden rw - ext4 /dev/sda1 rw\n",
        );
        let found = below(Path::new("/srv/gold"), &mounts);
        assert_eq!(found, HashSet::from(["boot".to_owned()]));
        assert_eq!(below(Path::new("/"), &mounts).len(), 2);
    }

    #[test]
    fn a_vital_file_system_must_be_crossed_or_left() {
        let separate = ["boot", "boot/efi"];
        let wishes = |cross: &[&str], leave: &[&str]| recipe::Mounts {
            cross: cross.iter().map(ToString::to_string).collect(),
            leave: leave.iter().map(ToString::to_string).collect(),
        };
        let ask = |wishes: &recipe::Mounts| undecided(separate.into_iter(), wishes);
        assert_eq!(ask(&wishes(&[], &[])), Some("boot"));
        assert_eq!(ask(&wishes(&["/boot"], &[])), Some("boot/efi"));
        assert_eq!(ask(&wishes(&[], &["/boot"])), None);
    }
}
