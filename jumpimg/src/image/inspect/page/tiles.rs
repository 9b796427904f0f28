//! What the treemap shows: heavy directories, packages and files; the rest is folded, so
//! that the page stays small whatever the image.

use std::collections::HashMap;

use serde::Serialize;

use crate::image::weight::{Directory, HeavyFile, Measure, ROOT, Weight, Weights};
use jumpspec::words::shown;

/// What is lighter than this part of everything, by both measures, is folded: on a large
/// screen that is a tile of some twenty pixels each way.
const PART: u64 = 4000;

/// The page's data; the script knows the short names.
#[derive(Serialize)]
pub(super) struct Tiles {
    measure: &'static str,
    directories: Tile,
    packages: Option<Tile>,
}

#[derive(Clone, Copy, Serialize)]
enum Kind {
    #[serde(rename = "d")]
    Directory,
    #[serde(rename = "f")]
    File,
    #[serde(rename = "p")]
    Package,
    #[serde(rename = "r")]
    Rest,
}

/// One rectangle.
#[derive(Serialize)]
struct Tile {
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "k")]
    kind: Kind,
    #[serde(rename = "s")]
    size: u64,
    #[serde(rename = "c")]
    compressed: u64,
    #[serde(rename = "f")]
    files: u64,
    #[serde(rename = "v", skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(rename = "p", skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    #[serde(rename = "b", skip_serializing_if = "Vec::is_empty")]
    below: Vec<Tile>,
}

impl Tile {
    fn new(name: String, kind: Kind, weight: Weight) -> Self {
        Self {
            name,
            kind,
            size: weight.size,
            compressed: weight.compressed,
            files: weight.files,
            version: None,
            package: None,
            below: Vec::new(),
        }
    }

    fn weight(&self) -> Weight {
        Weight {
            size: self.size,
            compressed: self.compressed,
            files: self.files,
        }
    }

    /// Adds what of this is in none of the tiles below it, if there are any.
    fn with_rest(mut self) -> Self {
        let mut shown = Weight::default();
        for tile in &self.below {
            shown += tile.weight();
        }
        let rest = self.weight() - shown;
        if !self.below.is_empty() && (rest.size > 0 || rest.compressed > 0) {
            let name = "smaller ones".to_owned();
            self.below.push(Self::new(name, Kind::Rest, rest));
        }
        self
    }
}

impl Tiles {
    /// The tiles of an image.
    pub(super) fn new(weights: &Weights) -> Self {
        let all = |directory: &Directory| directory.total;
        let maker = Maker::new(weights, all, |_| true);
        let has_packages = !weights.ledger.packages().is_empty();
        Self {
            measure: match weights.measure {
                Measure::Compressed => "compressed",
                Measure::Size => "size",
            },
            directories: maker.directory(ROOT, "/".to_owned()),
            packages: has_packages.then(|| packages(weights)),
        }
    }
}

/// Packages, and beside them the directories with what belongs to none.
fn packages(weights: &Weights) -> Tile {
    let mut root = Tile::new("packages".to_owned(), Kind::Package, weights.total());
    let mut files: HashMap<usize, Vec<&HeavyFile>> = HashMap::new();
    for file in &weights.heaviest {
        if let Some(package) = file.package {
            files.entry(package).or_default().push(file);
        }
    }
    for place in weights.ranked_packages() {
        let weight = weights.packages[place];
        if !is_worth_a_tile(weights, weight) {
            continue;
        }
        let package = &weights.ledger.packages()[place];
        let mut tile = Tile::new(package.name.clone(), Kind::Package, weight);
        tile.version.clone_from(&package.version);
        let files = files.remove(&place).unwrap_or_default();
        let heavy = files
            .iter()
            .filter(|file| is_worth_a_tile(weights, file.weight));
        tile.below = heavy
            .map(|found| file(weights, found, shown::path(&found.path)))
            .collect();
        root.below.push(tile.with_rest());
    }
    let unowned = |directory: &Directory| directory.unowned;
    let maker = Maker::new(weights, unowned, |file| file.package.is_none());
    let title = "files of no package".to_owned();
    root.below.push(maker.directory(ROOT, title));
    root.with_rest()
}

fn file(weights: &Weights, file: &HeavyFile, name: String) -> Tile {
    let mut tile = Tile::new(name, Kind::File, file.weight);
    let packages = weights.ledger.packages();
    tile.package = file.package.map(|place| packages[place].name.clone());
    tile
}

/// Whether it would be seen by either measure.
fn is_worth_a_tile(weights: &Weights, weight: Weight) -> bool {
    [Measure::Size, Measure::Compressed].iter().any(|measure| {
        let least = measure.of(weights.total()).div_ceil(PART).max(1);
        measure.of(weight) >= least
    })
}

/// Makes the tiles of directories.
struct Maker<'a> {
    weights: &'a Weights,
    weight: fn(&Directory) -> Weight,
    /// Heavy files by the path of the directory that they are in.
    files: HashMap<&'a [u8], Vec<&'a HeavyFile>>,
}

impl<'a> Maker<'a> {
    fn new(
        weights: &'a Weights,
        weight: fn(&Directory) -> Weight,
        wanted: fn(&HeavyFile) -> bool,
    ) -> Self {
        let mut files: HashMap<&[u8], Vec<&HeavyFile>> = HashMap::new();
        for file in weights.heaviest.iter().filter(|file| wanted(file)) {
            let (directory, _) = split(&file.path);
            files.entry(directory).or_default().push(file);
        }
        Self {
            weights,
            weight,
            files,
        }
    }

    /// The tile of the directory at `place`; trees are as deep as `Directories` lets them.
    fn directory(&self, place: usize, name: String) -> Tile {
        let tree = &self.weights.directories;
        let directory = tree.at(place);
        let mut tile = Tile::new(name, Kind::Directory, (self.weight)(directory));
        for child in &directory.children {
            let below = tree.at(*child);
            if is_worth_a_tile(self.weights, (self.weight)(below)) {
                let name = shown::name(&below.name);
                tile.below.push(self.directory(*child, name));
            }
        }
        let path = tree.path(place);
        for found in self.files.get(path.as_slice()).into_iter().flatten() {
            if is_worth_a_tile(self.weights, found.weight) {
                let name = shown::name(split(&found.path).1);
                tile.below.push(file(self.weights, found, name));
            }
        }
        tile.with_rest()
    }
}

/// A path's directory and name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}
