//! Where the bytes are, for whoever has too many of them: the tables of `inspect`, of a
//! tree before it is packed and of the image after.

use std::fs::File;

use anyhow::Context as _;
use jumparchive::Image;
use jumpspec::render::page::Page;
use jumpspec::words::size::Size;

use super::census::Census;
use crate::error::Trouble;
use crate::image::weight::{self, Measure, Table, Weights};

/// Levels of directories that are named.
const DEPTH: usize = 3;
/// How many packages and files, and directories in a directory, are named.
const TOP: usize = 10;
/// What most systems can do without.
const DISPENSABLE: [&str; 6] = [
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "usr/share/icons",
    "usr/src",
];

/// The heaviest directories, packages and files.
pub(crate) fn table(weights: &Weights) -> Page {
    Table::new(weights, DEPTH, TOP).text()
}

/// Where the bytes of an image are that was just written.
pub(crate) fn weigh(image: &File) -> Result<Weights, Trouble> {
    let copy = image.try_clone().context("cannot read the image")?;
    let opened = Image::open(copy).map_err(anyhow::Error::new)?;
    let weights = weight::of_image(&opened, Measure::Compressed);
    Ok(weights.map_err(anyhow::Error::new)?)
}

/// What to leave out first, by its size before compression.
pub(crate) fn hint(census: &Census) -> String {
    let directories = &census.weights.directories;
    let mut names: Vec<(&str, u64)> = DISPENSABLE
        .iter()
        .filter_map(|path| Some((*path, directories.find(path.as_bytes())?.total.size)))
        .filter(|(_, size)| *size > 0)
        .collect();
    names.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    if names.is_empty() {
        return "remove the packages that it can do without, or raise the budget".to_owned();
    }
    let flags: Vec<String> = names
        .iter()
        .take(3)
        .map(|(path, size)| format!("--exclude /{path} ({})", Size(*size)))
        .collect();
    format!("{}; remove packages, or raise the budget", flags.join(", "))
}
