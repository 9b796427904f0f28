//! What stands in an image where a directory is needed: for a step that writes there, or for a file
//! system that is mounted there. Found when the image is built; after the commit it would be too late.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::image::kind::Kind;
use crate::places;
use crate::words::relpath::RelPath;

/// What is no directory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Obstacle {
    /// A symlink to a directory of the image.
    Link,
    /// A symlink to nothing that the image holds.
    Dangling,
    /// Anything else, e.g. a file or a symlink to one.
    File,
}

/// An image's obstacles by their path: those of its first levels, and all that lie on the way to a
/// directory that a step needs.
pub type Obstacles = BTreeMap<RelPath, Obstacle>;

/// Directories that the steps need in an image: what is mounted there, and what they write below.
/// One that is missing is made; those that other parts of a plan name are asked by the planner.
pub fn needed(kind: Kind) -> Vec<&'static str> {
    let machine = places::MACHINE.into_iter().chain(["tmp"]);
    let written: &[&str] = match kind {
        Kind::Jump => &[
            "etc/ssh/sshd_config.d",
            "etc/systemd/system/sysinit.target.wants",
            "root/.ssh",
            places::JUMP,
        ],
        Kind::Target => &[
            "boot",
            "etc/ssh",
            "root",
            places::NEW_LIB,
            places::NEW_LOG,
            parent(places::NEW_WANTS),
            parent(places::NEW_DEADLINE_WANTS),
            parent(places::NEW_MANAGER),
            parent(places::NEW_GRUB_SETTINGS),
            parent(places::NEW_RESUME),
        ],
    };
    machine.chain(written.iter().copied()).collect()
}

/// What keeps `directory` from being one, or from being made.
pub fn blocking<'a>(obstacles: &'a Obstacles, directory: &str) -> Option<(&'a RelPath, Obstacle)> {
    on_the_way(obstacles, directory).find(|(_, obstacle)| *obstacle != Obstacle::Link)
}

/// What of an image would be unpacked over a file system that is mounted at `directory`, or over the
/// directories above it, without being a directory itself.
pub fn covered<'a>(obstacles: &'a Obstacles, directory: &str) -> Option<(&'a RelPath, Obstacle)> {
    on_the_way(obstacles, directory).next()
}

fn on_the_way<'a>(
    obstacles: &'a Obstacles,
    directory: &str,
) -> impl Iterator<Item = (&'a RelPath, Obstacle)> {
    with_parents(directory).filter_map(move |path| {
        let (path, obstacle) = obstacles.get_key_value(&path.parse().ok()?)?;
        Some((path, *obstacle))
    })
}

/// Each directory on the way to `directory`, itself last.
pub fn with_parents(directory: &str) -> impl Iterator<Item = &str> {
    let directory = directory.trim_start_matches('/');
    let parents = directory.match_indices('/').map(|(at, _)| &directory[..at]);
    parents.chain([directory])
}

/// The directory that a path lies in.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obstacles() -> Obstacles {
        [
            ("var/run", Obstacle::Link),
            ("srv", Obstacle::Dangling),
            ("data/old", Obstacle::File),
        ]
        .map(|(path, obstacle)| (path.parse().unwrap(), obstacle))
        .into()
    }

    #[test]
    fn whatever_is_no_directory_blocks_all_below_it() {
        let obstacles = obstacles();
        let blocked = |directory| blocking(&obstacles, directory).map(|(path, _)| path.as_str());
        assert_eq!(blocked("/srv"), Some("srv"));
        assert_eq!(blocked("/srv/www/html"), Some("srv"));
        assert_eq!(blocked("data/old/x"), Some("data/old"));
        for free in ["/srv2", "/data", "/data/older", "/var/run/x", "/"] {
            assert_eq!(blocked(free), None, "{free}");
        }
    }

    #[test]
    fn a_link_cannot_be_unpacked_over_a_file_system() {
        let obstacles = obstacles();
        let found = |directory| covered(&obstacles, directory).map(|(_, obstacle)| obstacle);
        assert_eq!(found("/var/run/x"), Some(Obstacle::Link));
        assert_eq!(found("/srv"), Some(Obstacle::Dangling));
        assert_eq!(found("/var"), None);
    }

    #[test]
    fn what_the_steps_need_is_named_without_a_slash() {
        for directory in [Kind::Jump, Kind::Target].map(needed).concat() {
            assert!(directory.parse::<RelPath>().is_ok(), "{directory}");
            assert!(!directory.starts_with('/'), "{directory}");
        }
    }
}
