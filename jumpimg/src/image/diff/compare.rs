//! Reads two images' indexes and package databases, and compares them.

use std::path::Path;

use jumparchive::{Image, Result};

use super::directories::{self, Delta, DirectoryChange, delta};
use super::entries::{EntryChange, OldEntries};
use super::packages::{self, PackageChange};
use crate::error::Trouble;
use crate::image::packages::{Ledger, Package, from_image};
use crate::image::weight::{Measure, Scales, Weights, each_item};

/// All that differs between two images.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) old: Weights,
    pub(super) new: Weights,
    pub(super) packages: Vec<PackageChange>,
    /// Sorted by their paths.
    pub(super) entries: Vec<EntryChange>,
    pub(super) directories: Vec<DirectoryChange>,
    /// Entries of which only the time differs.
    pub(super) touched: u64,
}

impl Comparison {
    /// Whether there is anything to tell.
    pub(super) fn differs(&self) -> bool {
        !self.packages.is_empty() || !self.entries.is_empty()
    }

    /// What became of all bytes.
    pub(super) fn total(&self) -> Delta {
        delta(self.old.total(), self.new.total())
    }

    /// The package of a changed entry: the new one, or the old one of what is gone.
    pub(super) fn package(&self, change: &EntryChange) -> Option<&Package> {
        let weights = if change.new.is_some() {
            &self.new
        } else {
            &self.old
        };
        Some(&weights.ledger.packages()[change.package?])
    }
}

/// Compares the images in these files, directories at most `depth` deep.
pub(super) fn compare(
    (old_path, old): (&Path, &Image),
    (new_path, new): (&Path, &Image),
    depth: usize,
) -> Result<Comparison, Trouble> {
    let in_old = |error| crate::image::open::trouble(old_path, error);
    let in_new = |error| crate::image::open::trouble(new_path, error);
    let count = usize::try_from(old.entry_count()).unwrap_or_default();
    let mut known = OldEntries::with_capacity(count);
    let old_weights = weigh(old, &mut |entry, _| known.add(entry)).map_err(in_old)?;
    known.sort();
    let mut entries = Vec::new();
    let new_weights = weigh(new, &mut |entry, ledger| {
        entries.extend(known.compare(entry, ledger.owner(&entry.path)));
    })
    .map_err(in_new)?;
    if known.has_gone() {
        for entry in old.entries().map_err(in_old)? {
            let entry = entry.map_err(in_old)?;
            entries.extend(known.gone(&entry, old_weights.ledger.owner(&entry.path)));
        }
    }
    entries.sort_unstable_by(|one, two| one.path.cmp(&two.path));
    Ok(Comparison {
        packages: packages::changes(old_weights.ledger.packages(), new_weights.ledger.packages()),
        directories: directories::changes(
            &old_weights.directories,
            &new_weights.directories,
            depth,
        ),
        old: old_weights,
        new: new_weights,
        entries,
        touched: known.touched,
    })
}

/// Weighs an image and shows each of its entries to `each`.
fn weigh(
    image: &Image,
    each: &mut dyn FnMut(&jumparchive::IndexEntry, &Ledger),
) -> Result<Weights> {
    let mut scales = Scales::new(from_image(image)?, Measure::Size);
    each_item(image, &mut |entry, item| {
        each(entry, scales.ledger());
        scales.add(item);
    })?;
    Ok(scales.finish())
}
