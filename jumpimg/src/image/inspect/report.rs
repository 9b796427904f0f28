//! Everything that `inspect` knows, as one JSON object. Directories are a flat list, so
//! that neither writing nor reading it has to follow a tree's depth.

use jumparchive::Image;
use jumpspec::image::manifest::Manifest;
use serde::{Serialize, Serializer};

use crate::image::packages::Package;
use crate::image::weight::{Weight, Weights};
use jumpspec::words::shown;

/// Heaviest files that are told unless the admin wants more or fewer.
const FILES: usize = 20;

/// What is told of an image.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    manifest: Option<&'a Manifest>,
    /// Of the image file, in bytes.
    size: u64,
    /// Of the tar stream.
    raw_length: u64,
    entries: u64,
    frames: usize,
    bytes: Bytes<'a>,
    notes: &'a [String],
}

/// Where the bytes are.
#[derive(Serialize)]
struct Bytes<'a> {
    total: Weight,
    directories: DirectoryList<'a>,
    packages: PackageList<'a>,
    no_package: Weight,
    heaviest: FileList<'a>,
}

impl<'a> Report<'a> {
    /// A report on directories at most `depth` deep and the `top` heaviest packages and
    /// files; all directories and packages where they are not given.
    pub(super) fn new(
        image: &'a Image,
        weights: &'a Weights,
        depth: Option<usize>,
        top: Option<usize>,
    ) -> Self {
        Self {
            manifest: image.manifest(),
            size: image.size(),
            raw_length: image.raw_length(),
            entries: image.entry_count(),
            frames: image.frames().len(),
            bytes: Bytes {
                total: weights.total(),
                directories: DirectoryList {
                    weights,
                    depth: depth.unwrap_or(usize::MAX),
                },
                packages: PackageList {
                    weights,
                    top: top.unwrap_or(usize::MAX),
                },
                no_package: weights.unowned(),
                heaviest: FileList {
                    weights,
                    top: top.unwrap_or(FILES),
                },
            },
            notes: weights.ledger.notes(),
        }
    }
}

struct DirectoryList<'a> {
    weights: &'a Weights,
    depth: usize,
}

#[derive(Serialize)]
struct DirectoryLine {
    path: String,
    #[serde(flatten)]
    weight: Weight,
    no_package: Weight,
}

impl Serialize for DirectoryList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tree = &self.weights.directories;
        let near = tree.iter().enumerate();
        let near = near.filter(|(place, _)| tree.depth(*place) <= self.depth);
        serializer.collect_seq(near.map(|(_, (path, directory))| DirectoryLine {
            path: shown::path(&path),
            weight: directory.total,
            no_package: directory.unowned,
        }))
    }
}

struct PackageList<'a> {
    weights: &'a Weights,
    top: usize,
}

#[derive(Serialize)]
struct PackageLine<'a> {
    #[serde(flatten)]
    package: &'a Package,
    #[serde(flatten)]
    weight: Weight,
}

impl Serialize for PackageList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ranked = self.weights.ranked_packages();
        let packages = self.weights.ledger.packages();
        serializer.collect_seq(ranked.iter().take(self.top).map(|place| PackageLine {
            package: &packages[*place],
            weight: self.weights.packages[*place],
        }))
    }
}

struct FileList<'a> {
    weights: &'a Weights,
    top: usize,
}

#[derive(Serialize)]
struct FileLine<'a> {
    path: String,
    size: u64,
    compressed: u64,
    package: Option<&'a str>,
}

impl Serialize for FileList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let packages = self.weights.ledger.packages();
        let files = self.weights.heaviest.iter().take(self.top);
        serializer.collect_seq(files.map(|file| FileLine {
            path: shown::path(&file.path),
            size: file.weight.size,
            compressed: file.weight.compressed,
            package: file.package.map(|place| packages[place].name.as_str()),
        }))
    }
}
