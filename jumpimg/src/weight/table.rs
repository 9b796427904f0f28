//! Weights as tables for people.

use std::fmt::Write as _;

use jumpspec::size::Size;

use super::outline::{Extent, Outline};
use super::{Weight, Weights};
use crate::packages::Package;
use jumpspec::shown;

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
    pub(crate) fn text(&self) -> String {
        let parts = [self.directories(), self.packages(), self.files()];
        let mut text = parts.concat();
        for note in self.weights.ledger.notes() {
            let _ = writeln!(text, "\nnote: {note}");
        }
        text
    }

    fn directories(&self) -> String {
        let mut text = self.head("directory");
        let outline = Outline {
            tree: &self.weights.directories,
            extent: self.extent,
            measure: self.weights.measure,
            weight: |directory| directory.total,
            part: PART,
        };
        for (weight, label) in outline.lines("/") {
            self.line(&mut text, weight, &label);
        }
        text
    }

    fn packages(&self) -> String {
        let packages = self.weights.ledger.packages();
        let ranked = self.weights.ranked_packages();
        if ranked.is_empty() {
            return String::new();
        }
        let mut text = self.head("package");
        let (first, rest) = ranked.split_at(self.extent.top.min(ranked.len()));
        let names = first.iter().map(|place| &packages[*place].name);
        let width = names.map(|name| name.chars().count()).max();
        for place in first {
            let label = package_label(&packages[*place], width.unwrap_or_default());
            self.line(&mut text, self.weights.packages[*place], &label);
        }
        let mut folded = Weight::default();
        for place in rest {
            folded += self.weights.packages[*place];
        }
        if !rest.is_empty() {
            self.line(&mut text, folded, &format!("… {} more", rest.len()));
        }
        self.unowned(&mut text);
        text
    }

    /// What belongs to no package, and where most of it is.
    fn unowned(&self, text: &mut String) {
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

    fn files(&self) -> String {
        let mut text = self.head("file");
        for file in self.weights.heaviest.iter().take(self.extent.top) {
            let mut label = shown::path(&file.path);
            if let Some(package) = file.package {
                let name = &self.weights.ledger.packages()[package].name;
                let _ = write!(label, "  ({name})");
            }
            self.line(&mut text, file.weight, &label);
        }
        text
    }

    // Writing to a String cannot fail.
    fn head(&self, what: &str) -> String {
        let mut text = String::from("\n\x1b[1m");
        let _ = write!(text, "{:>10}", "size");
        if self.compressed {
            let _ = write!(text, "{:>12}", "compressed");
        }
        let _ = writeln!(text, "{:>8}  {what}\x1b[0m", "share");
        text
    }

    fn line(&self, text: &mut String, weight: Weight, label: &str) {
        let _ = write!(text, "{:>10}", Size(weight.size).to_string());
        if self.compressed {
            let _ = write!(text, "{:>12}", Size(weight.compressed).to_string());
        }
        let _ = writeln!(text, "{:>8}  {label}", self.weights.percent(weight));
    }
}

/// Name and version, the name as wide as the widest.
fn package_label(package: &Package, width: usize) -> String {
    let name = &package.name;
    let version = package.version.as_deref().unwrap_or_default();
    let space = width.saturating_sub(name.chars().count());
    let label = format!("{name}{:space$}  {version}", "");
    label.trim_end().to_owned()
}
