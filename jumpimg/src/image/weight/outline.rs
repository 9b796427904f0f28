//! The tree of directories as an outline of some lines, small ones folded.

use super::directories::{Directories, Directory, ROOT};
use super::{Measure, Weight};
use jumpspec::words::shown;

/// How much of a tree is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Levels below the root.
    pub(crate) depth: usize,
    /// Directories named in each directory.
    pub(crate) top: usize,
}

/// One line of an outline.
pub(super) type Line = (Weight, String);

/// What an outline is of.
pub(super) struct Outline<'a> {
    pub(super) tree: &'a Directories,
    pub(super) extent: Extent,
    pub(super) measure: Measure,
    /// Which of a directory's weights counts.
    pub(super) weight: fn(&Directory) -> Weight,
    /// Directories with less than this part of everything are folded: 100 is a percent.
    pub(super) part: u64,
}

impl Outline<'_> {
    /// The outline under a line `title`: each directory's heaviest first, the rest folded
    /// into one line.
    pub(super) fn lines(&self, title: &str) -> Vec<Line> {
        let total = (self.weight)(self.tree.root());
        let mut lines = Lines {
            outline: self,
            least: self.measure.of(total).div_ceil(self.part).max(1),
            done: vec![(total, title.to_owned())],
        };
        lines.descend(ROOT, 1, "");
        lines.done
    }
}

struct Lines<'a> {
    outline: &'a Outline<'a>,
    least: u64,
    done: Vec<Line>,
}

impl Lines<'_> {
    fn weight(&self, place: usize) -> Weight {
        (self.outline.weight)(self.outline.tree.at(place))
    }

    fn name(&self, place: usize) -> String {
        shown::name(&self.outline.tree.at(place).name)
    }

    fn descend(&mut self, place: usize, depth: usize, indent: &str) {
        let Outline {
            tree,
            extent,
            measure,
            weight,
            ..
        } = *self.outline;
        if depth > extent.depth {
            return;
        }
        let children = tree.ranked(place, &|directory| measure.of(weight(directory)));
        let heavy = children
            .iter()
            .take(extent.top)
            .take_while(|child| measure.of(self.weight(**child)) >= self.least)
            .count();
        let (heavy, light) = children.split_at(heavy);
        let rest = self.sum(light);
        for (number, child) in heavy.iter().enumerate() {
            let last = number + 1 == heavy.len() && rest.size == 0;
            let (branch, below) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let label = format!("{indent}{branch}{}", self.name(*child));
            self.done.push((self.weight(*child), label));
            self.descend(*child, depth + 1, &format!("{indent}{below}"));
        }
        if rest.size > 0 {
            let what = match light {
                // The line is no longer with its name.
                [only] => self.name(*only),
                several => format!("… {} smaller", several.len()),
            };
            self.done.push((rest, format!("{indent}└─ {what}")));
        }
    }

    fn sum(&self, places: &[usize]) -> Weight {
        let mut sum = Weight::default();
        for place in places {
            sum += self.weight(*place);
        }
        sum
    }
}
