//! Weights as tables for people.

use jumpspec::render::WIDTH;
use jumpspec::render::page::{Ink, Page};
use jumpspec::words::shown;
use jumpspec::words::size::Size;

use super::outline::{Extent, Outline};
use super::{Weight, Weights};
use crate::image::packages::Package;

/// Directories with less than this part of everything are folded: a percent.
const PART: u64 = 100;
/// The same among files of no package: a twentieth.
const UNOWNED_PART: u64 = 20;

/// Tables of one image's weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    weights: &'a Weights,
    extent: Extent,
    /// Whether compressed bytes are known: not before a tree is packed.
    compressed: bool,
}

impl<'a> Table<'a> {
    /// Tables of an image: `depth` levels of directories, `top` lines of a kind.
    pub(crate) fn new(weights: &'a Weights, depth: usize, top: usize) -> Self {
        Self {
            weights,
            extent: Extent { depth, top },
            compressed: weights.total().compressed > 0,
        }
    }

    /// All tables.
    pub(crate) fn text(&self) -> Page {
        let mut text = Page::default();
        self.directories(&mut text);
        self.packages(&mut text);
        self.files(&mut text);
        for note in self.weights.ledger.notes() {
            text.blank();
            text.line(format_args!("note: {note}"));
        }
        text
    }

    fn directories(&self, text: &mut Page) {
        self.head(text, "directory");
        let outline = Outline {
            tree: &self.weights.directories,
            extent: self.extent,
            measure: self.weights.measure,
            weight: |directory| directory.total,
            part: PART,
        };
        for (weight, label) in outline.lines("/") {
            self.line(text, weight, &label);
        }
    }

    fn packages(&self, text: &mut Page) {
        let packages = self.weights.ledger.packages();
        let ranked = self.weights.ranked_packages();
        if ranked.is_empty() {
            return;
        }
        self.head(text, "package");
        let (first, rest) = ranked.split_at(self.extent.top.min(ranked.len()));
        let width = column(first.iter().map(|place| packages[*place].name.as_str()));
        for place in first {
            let label = package_label(&packages[*place], width);
            self.line(text, self.weights.packages[*place], &label);
        }
        let mut folded = Weight::default();
        for place in rest {
            folded += self.weights.packages[*place];
        }
        if !rest.is_empty() {
            self.line(text, folded, &format!("… {} more", rest.len()));
        }
        self.unowned(text);
    }

    /// What belongs to no package, and where most of it is.
    fn unowned(&self, text: &mut Page) {
        let outline = Outline {
            tree: &self.weights.directories,
            extent: self.extent,
            measure: self.weights.measure,
            weight: |directory| directory.unowned,
            part: UNOWNED_PART,
        };
        for (weight, label) in outline.lines("files of no package") {
            self.line(text, weight, &label);
        }
    }

    fn files(&self, text: &mut Page) {
        self.head(text, "file");
        for file in self.weights.heaviest.iter().take(self.extent.top) {
            let path = shown::path(&file.path);
            let label = match file.package {
                Some(package) => {
                    let name = &self.weights.ledger.packages()[package].name;
                    format!("{path}  ({name})")
                }
                None => path,
            };
            self.line(text, file.weight, &label);
        }
    }

    fn head(&self, text: &mut Page, what: &str) {
        text.blank();
        let row = self.row("size", "compressed", "share", what);
        text.marked("", Ink::Bold, row, "");
    }

    fn line(&self, text: &mut Page, weight: Weight, label: &str) {
        let (size, compressed) = (Size(weight.size), Size(weight.compressed));
        let share = self.weights.percent(weight);
        text.line(self.row(&size.to_string(), &compressed.to_string(), &share, label));
    }

    fn row(&self, size: &str, compressed: &str, share: &str, label: &str) -> String {
        if self.compressed {
            format!("{size:>10}{compressed:>12}{share:>8}  {label}")
        } else {
            format!("{size:>10}{share:>8}  {label}")
        }
    }
}

/// Characters of the widest of these names, but for those that are wider than a page.
pub(crate) fn column<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    let widths = names.map(|name| name.chars().count());
    widths.filter(|width| *width < WIDTH).max().unwrap_or(0)
}

/// Name and version, the name as wide as the widest.
fn package_label(package: &Package, width: usize) -> String {
    let version = package.version.as_deref().unwrap_or_default();
    let label = format!("{:<width$}  {version}", package.name);
    label.trim_end().to_owned()
}
