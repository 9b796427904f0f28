//! Where an image's bytes are: by directory, by package, the heaviest files.
//!
//! Pure but for `measure`, which reads: entries go into a [`Scales`] one by one, so that
//! a million of them need no more memory than their directories do.

mod directories;
mod heaviest;
mod measure;
mod outline;
mod share;
mod table;

use std::ops::{AddAssign, Sub};

use serde::Serialize;

pub(crate) use directories::{Directories, Directory, ROOT};
use heaviest::Heaviest;
pub(crate) use heaviest::HeavyFile;
pub(crate) use measure::{each_item, of_image, size};
use share::Shares;
pub(crate) use table::{Table, column};

use crate::image::packages::Ledger;

/// What something weighs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Weight {
    /// Bytes of content.
    pub(crate) size: u64,
    /// Its part of the image's compressed bytes, headers included.
    pub(crate) compressed: u64,
    /// Entries that are no directories.
    pub(crate) files: u64,
}

/// An index may give a sparse file any size, so a sum ends at the largest number.
impl AddAssign for Weight {
    fn add_assign(&mut self, other: Self) {
        self.size = self.size.saturating_add(other.size);
        self.compressed = self.compressed.saturating_add(other.compressed);
        self.files = self.files.saturating_add(other.files);
    }
}

impl Sub for Weight {
    type Output = Self;

    /// What is left; nothing rather than less.
    fn sub(self, part: Self) -> Self {
        Self {
            size: self.size.saturating_sub(part.size),
            compressed: self.compressed.saturating_sub(part.compressed),
            files: self.files.saturating_sub(part.files),
        }
    }
}

/// What makes one thing heavier than another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Measure {
    /// Bytes in the image file.
    #[default]
    Compressed,
    /// Bytes of content.
    Size,
}

impl Measure {
    /// That measure of a weight.
    pub(crate) fn of(self, weight: Weight) -> u64 {
        match self {
            Self::Compressed => weight.compressed,
            Self::Size => weight.size,
        }
    }
}

/// One entry to be weighed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    /// Below the root; empty for the root itself.
    pub(crate) path: &'a [u8],
    pub(crate) directory: bool,
    pub(crate) size: u64,
    pub(crate) compressed: u64,
}

/// Weighs entries as they come.
#[derive(Debug)]
pub(crate) struct Scales {
    ledger: Ledger,
    directories: Directories,
    packages: Vec<Weight>,
    heaviest: Heaviest,
    measure: Measure,
}

/// Where the bytes are.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) measure: Measure,
    pub(crate) ledger: Ledger,
    pub(crate) directories: Directories,
    /// Of each package of the ledger.
    pub(crate) packages: Vec<Weight>,
    /// The heaviest first.
    pub(crate) heaviest: Vec<HeavyFile>,
}

impl Scales {
    /// Scales for a tree with these packages; `measure` decides which files are heavy.
    pub(crate) fn new(ledger: Ledger, measure: Measure) -> Self {
        Self {
            directories: Directories::default(),
            packages: vec![Weight::default(); ledger.packages().len()],
            heaviest: Heaviest::default(),
            ledger,
            measure,
        }
    }

    /// The packages of the tree that is weighed.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes in an entry.
    pub(crate) fn add(&mut self, item: Item<'_>) {
        // Most packages list `/usr`; none of them has it.
        let owner = if item.directory {
            None
        } else {
            self.ledger.owner(item.path)
        };
        let weight = Weight {
            size: item.size,
            compressed: item.compressed,
            files: u64::from(!item.directory),
        };
        self.directories
            .add(item.path, item.directory, weight, owner.is_some());
        if let Some(owner) = owner {
            self.packages[owner] += weight;
        }
        if !item.directory {
            let rank = self.measure.of(weight);
            self.heaviest.offer(rank, item.path, weight, owner);
        }
    }

    /// All that was taken in.
    pub(crate) fn finish(mut self) -> Weights {
        self.directories.sum_up();
        Weights {
            measure: self.measure,
            ledger: self.ledger,
            directories: self.directories,
            packages: self.packages,
            heaviest: self.heaviest.finish(),
        }
    }
}

impl Weights {
    /// Of everything.
    pub(crate) fn total(&self) -> Weight {
        self.directories.root().total
    }

    /// Of what belongs to no package.
    pub(crate) fn unowned(&self) -> Weight {
        self.directories.root().unowned
    }

    /// The part of everything by the measure that counts here, such as `12.3 %`.
    pub(crate) fn percent(&self, weight: Weight) -> String {
        let total = u128::from(self.measure.of(self.total()).max(1));
        let mille = (u128::from(self.measure.of(weight)) * 1000 + total / 2) / total;
        format!("{}.{} %", mille / 10, mille % 10)
    }

    /// The places of packages that have files, the heaviest first.
    pub(crate) fn ranked_packages(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.packages.len())
            .filter(|place| self.packages[*place].files > 0)
            .collect();
        let packages = self.ledger.packages();
        places.sort_by(|one, two| {
            let rank = |place: &usize| self.measure.of(self.packages[*place]);
            let name = |place: &usize| (&packages[*place].name, &packages[*place].architecture);
            rank(two).cmp(&rank(one)).then(name(one).cmp(&name(two)))
        });
        places
    }
}

#[cfg(test)]
mod tests;
