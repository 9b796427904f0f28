//! A comparison as one JSON object.

use jumparchive::Image;
use serde::{Serialize, Serializer};

use super::compare::Comparison;
use super::directories::{Delta, DirectoryChange, delta};
use super::entries::{Aspect, EntryChange, Side};
use super::packages::{Fate, PackageChange};
use super::text::{fate, kind_name, summary};
use crate::image::weight::Weight;
use jumpspec::words::shown;

/// What is told of two images.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    old: Described<'a>,
    new: Described<'a>,
    differs: bool,
    summary: String,
    change: Delta,
    packages: &'a [PackageChange],
    files: Files<'a>,
    directories: Vec<Directory>,
    /// Entries of which only the time differs.
    touched: u64,
}

#[derive(Serialize)]
struct Described<'a> {
    name: Option<&'a str>,
    /// Of the image file.
    image_size: u64,
    #[serde(flatten)]
    weight: Weight,
    notes: &'a [String],
}

impl<'a> Report<'a> {
    /// A report on all that differs.
    pub(super) fn new(comparison: &'a Comparison, old: &'a Image, new: &'a Image) -> Self {
        let describe = |image: &'a Image, weights: &'a crate::image::weight::Weights| Described {
            name: image.manifest().map(|manifest| manifest.name.as_str()),
            image_size: image.size(),
            weight: weights.total(),
            notes: weights.ledger.notes(),
        };
        Self {
            old: describe(old, &comparison.old),
            new: describe(new, &comparison.new),
            differs: comparison.differs(),
            summary: summary(comparison),
            change: comparison.total(),
            packages: &comparison.packages,
            files: Files(comparison),
            directories: comparison.directories.iter().map(Directory::new).collect(),
            touched: comparison.touched,
        }
    }
}

/// Entries, directories among them, in the order of their paths.
struct Files<'a>(&'a Comparison);

impl Serialize for Files<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = self.0.entries.iter();
        serializer.collect_seq(lines.map(|change| Line::new(self.0, change)))
    }
}

#[derive(Serialize)]
struct Line<'a> {
    path: String,
    fate: Fate,
    differs_in: &'a [Aspect],
    package: Option<&'a str>,
    old: Option<LineSide>,
    new: Option<LineSide>,
}

#[derive(Serialize)]
struct LineSide {
    r#type: &'static str,
    size: u64,
    mode: u32,
    uid: u32,
    gid: u32,
}

impl<'a> Line<'a> {
    fn new(comparison: &'a Comparison, change: &'a EntryChange) -> Self {
        let package = comparison.package(change);
        Self {
            path: shown::path(&change.path),
            fate: fate(change),
            differs_in: &change.aspects,
            package: package.map(|package| package.name.as_str()),
            old: change.old.map(LineSide::new),
            new: change.new.map(LineSide::new),
        }
    }
}

impl LineSide {
    fn new(side: Side) -> Self {
        Self {
            r#type: kind_name(side.kind),
            size: side.size,
            mode: side.mode,
            uid: side.uid,
            gid: side.gid,
        }
    }
}

#[derive(Serialize)]
struct Directory {
    path: String,
    old: Weight,
    new: Weight,
    change: Delta,
}

impl Directory {
    fn new(change: &DirectoryChange) -> Self {
        Self {
            path: shown::path(&change.path),
            old: change.old,
            new: change.new,
            change: delta(change.old, change.new),
        }
    }
}
