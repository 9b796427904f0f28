//! Whether the new system's tree has room for what a plan mounts and writes: a directory, or nothing
//! that keeps one from being made.

use std::collections::BTreeMap;

use super::Input;
use crate::image::obstacle::{self, Obstacle};
use crate::node::fstab;
use crate::plan::Plan;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::relpath::RelPath;

/// What stands in the way of the plan's mount points and network files.
pub(super) fn refusals(input: &Input<'_>, plan: &Plan) -> Vec<Refusal> {
    let manifest = &input.target.manifest;
    let mut refusals = BTreeMap::new();
    for place in places(plan) {
        let in_the_way = if place.is_made {
            obstacle::covered(&manifest.obstacles, &place.directory)
        } else {
            obstacle::blocking(&manifest.obstacles, &place.directory)
        };
        let Some((path, obstacle)) = in_the_way else {
            continue;
        };
        let refusal = || refusal(&manifest.name, &place.purpose, path, obstacle);
        refusals.entry(path).or_insert_with(refusal);
    }
    refusals.into_values().collect()
}

/// A directory that is needed.
struct Place {
    directory: String,
    /// Whether the image is unpacked into a file system that is mounted there.
    is_made: bool,
    purpose: String,
}

fn places(plan: &Plan) -> Vec<Place> {
    let filesystems = plan.filesystems.iter().map(|it| Place {
        directory: it.mount.clone(),
        is_made: !it.kept,
        purpose: format!("a file system is mounted at {}", it.mount),
    });
    let lines = fstab::mount_points(&plan.fstab);
    let lines = lines.into_iter().map(|mount| Place {
        directory: mount.absolute(),
        is_made: false,
        purpose: format!("fstab mounts something at /{mount}"),
    });
    let files = plan.network.iter().flat_map(|it| &it.target_files);
    let files = files.map(|file| &file.path);
    let rendered = plan.files.iter().map(|file| &file.path);
    let files = files.chain(rendered).map(|path| Place {
        directory: obstacle::parent(path.as_str()).to_owned(),
        is_made: false,
        purpose: format!("/{path} is written"),
    });
    let copies = plan.copied_into_new().into_iter().map(|directory| Place {
        purpose: format!("a tree is copied to {directory}"),
        directory: directory.to_string(),
        is_made: true,
    });
    let loader = Place {
        directory: plan.loader.grub.directory.to_string(),
        is_made: false,
        purpose: "GRUB is installed".to_owned(),
    };
    filesystems
        .chain(lines)
        .chain(files)
        .chain(copies)
        .chain([loader])
        .collect()
}

fn refusal(image: &str, purpose: &str, path: &RelPath, obstacle: Obstacle) -> Refusal {
    let what = match obstacle {
        Obstacle::Link => "a symbolic link",
        Obstacle::Dangling => "a symbolic link that leads nowhere",
        Obstacle::File => "no directory",
    };
    Refusal::new(
        RefusalCode::ImageUnfit,
        format!("{purpose}, and /{path} of the target image {image} is {what}"),
        "mount it elsewhere, or put a directory there in the golden root and build the image again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::sample::{Sample, facts, job};

    /// What is said when `/path` of the target is `obstacle`, by code.
    fn refused(path: &str, obstacle: Obstacle) -> Vec<String> {
        let mut sample = Sample::of(&facts(), &job());
        let obstacles = &mut sample.target.manifest.obstacles;
        obstacles.insert(path.parse().unwrap(), obstacle);
        let refusals = sample.planned().err().unwrap_or_default();
        let is_unfit = |it: &Refusal| it.code == RefusalCode::ImageUnfit;
        assert!(refusals.iter().all(is_unfit), "{refusals:?}");
        refusals.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn refuses_a_link_where_a_file_system_is_made() {
        let told = refused("boot", Obstacle::Link);
        assert_eq!(told.len(), 1);
        insta::assert_snapshot!(told[0], @"a file system is mounted at /boot, and /boot of the target image node-debian13 is a symbolic link");
    }

    #[test]
    fn a_kept_file_system_may_be_mounted_behind_a_link_that_leads_to_a_directory() {
        assert_eq!(refused("data", Obstacle::Link), Vec::<String>::new());
        let told = refused("data", Obstacle::Dangling);
        assert_eq!(told.len(), 1);
        insta::assert_snapshot!(told[0], @"a file system is mounted at /data, and /data of the target image node-debian13 is a symbolic link that leads nowhere");
    }

    #[test]
    fn network_files_need_their_directory() {
        let told = refused("etc/systemd/network", Obstacle::Dangling);
        assert_eq!(told.len(), 1);
        insta::assert_snapshot!(told[0], @"/etc/systemd/network/10-carried-0-525400000001.link is written, and /etc/systemd/network of the target image node-debian13 is a symbolic link that leads nowhere");
    }

    #[test]
    fn grub_needs_the_directory_that_was_found() {
        let told = refused("boot/grub", Obstacle::Dangling);
        assert_eq!(told.len(), 1);
        insta::assert_snapshot!(told[0], @"GRUB is installed, and /boot/grub of the target image node-debian13 is a symbolic link that leads nowhere");
    }

    #[test]
    fn what_is_in_nobodys_way_may_stay() {
        for path in ["srv", "etc/mtab", "data2"] {
            assert_eq!(refused(path, Obstacle::File), Vec::<String>::new());
        }
    }
}
