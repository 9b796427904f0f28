//! The tree of directories with what is in each.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::Weight;

/// Directories deeper than this count for the one above: no system has such, and an
/// image that was made to hurt could have a million of them in each other.
const DEPTH_CAP: usize = 32;

/// The root's place among the directories.
pub(crate) const ROOT: usize = 0;

/// One directory.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    /// Its name, any bytes; the root's is empty.
    pub(crate) name: Box<[u8]>,
    /// The place of the directory that it is in; its own for the root.
    pub(crate) parent: usize,
    /// The places of the directories in it, in the order in which they came.
    pub(crate) children: Vec<usize>,
    /// Itself and what is in it but in no directory below.
    pub(crate) here: Weight,
    /// Itself and all below it.
    pub(crate) total: Weight,
    /// What of that belongs to no package.
    pub(crate) unowned: Weight,
}

/// The tree of directories, the root first and each after the one that it is in.
#[derive(Debug)]
pub(crate) struct Directories {
    all: Vec<Directory>,
    by_path: HashMap<Box<[u8]>, usize>,
    /// Entries come grouped: the directory that was asked for last, and its place.
    latest: (Vec<u8>, usize),
}

impl Default for Directories {
    fn default() -> Self {
        Self {
            all: vec![Directory::default()],
            by_path: HashMap::new(),
            latest: (Vec::new(), ROOT),
        }
    }
}

impl Directories {
    /// Adds an entry's weight to the directory that it is, or is in.
    pub(super) fn add(&mut self, path: &[u8], directory: bool, weight: Weight, owned: bool) {
        let within = match path.iter().rposition(|byte| *byte == b'/') {
            _ if directory => path,
            Some(slash) => &path[..slash],
            None => b"",
        };
        let place = self.place_or_new(within);
        let found = &mut self.all[place];
        found.here += weight;
        found.total += weight;
        if !owned {
            found.unowned += weight;
        }
    }

    /// Adds every directory to the one that it is in; to be called once, at the end.
    pub(super) fn sum_up(&mut self) {
        for place in (1..self.all.len()).rev() {
            let (total, unowned) = (self.all[place].total, self.all[place].unowned);
            let parent = self.all[place].parent;
            self.all[parent].total += total;
            self.all[parent].unowned += unowned;
        }
    }

    /// The place of a directory that may be new.
    fn place_or_new(&mut self, path: &[u8]) -> usize {
        if self.latest.0 == path {
            return self.latest.1;
        }
        let mut place = ROOT;
        let mut ends = path
            .iter()
            .enumerate()
            .filter_map(|(at, byte)| (*byte == b'/').then_some(at))
            .chain((!path.is_empty()).then_some(path.len()))
            .take(DEPTH_CAP);
        let mut begin = 0;
        for end in &mut ends {
            place = self.child(place, &path[..end], begin);
            begin = end + 1;
        }
        self.latest = (path.to_vec(), place);
        place
    }

    /// The place of the directory `path`, whose name begins at `begin`, in another.
    fn child(&mut self, parent: usize, path: &[u8], begin: usize) -> usize {
        if let Some(place) = self.by_path.get(path) {
            return *place;
        }
        let place = self.all.len();
        self.all.push(Directory {
            name: path[begin..].into(),
            parent,
            ..Directory::default()
        });
        self.all[parent].children.push(place);
        self.by_path.insert(path.into(), place);
        place
    }

    /// The root, with everything.
    pub(crate) fn root(&self) -> &Directory {
        &self.all[ROOT]
    }

    /// The directory at a place.
    pub(crate) fn at(&self, place: usize) -> &Directory {
        &self.all[place]
    }

    /// The directory at a path without a slash in front.
    pub(crate) fn find(&self, path: &[u8]) -> Option<&Directory> {
        self.by_path.get(path).map(|place| &self.all[*place])
    }

    /// Every directory's path and itself, parents first; the root's path is empty.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Vec<u8>, &Directory)> {
        (0..self.all.len()).map(|place| (self.path(place), &self.all[place]))
    }

    /// The path of the directory at a place.
    pub(crate) fn path(&self, place: usize) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = place;
        while at != ROOT {
            names.push(&*self.all[at].name);
            at = self.all[at].parent;
        }
        names.reverse();
        names.join(&b'/')
    }

    /// How many directories `place` is below the root.
    pub(crate) fn depth(&self, place: usize) -> usize {
        std::iter::successors(Some(place), |at| Some(self.all[*at].parent))
            .take_while(|at| *at != ROOT)
            .count()
    }

    /// The children of the directory at `place`, the heaviest first.
    pub(crate) fn ranked(&self, place: usize, rank: &dyn Fn(&Directory) -> u64) -> Vec<usize> {
        let mut children = self.all[place].children.clone();
        children.sort_by(|one, two| {
            let (one, two) = (&self.all[*one], &self.all[*two]);
            rank(two).cmp(&rank(one)).then(one.name.cmp(&two.name))
        });
        children
    }

    /// The heaviest directories at most `depth` deep, such as are not mere parents of
    /// one another.
    pub(crate) fn heaviest(
        &self,
        depth: usize,
        count: usize,
        rank: &dyn Fn(&Directory) -> u64,
    ) -> Vec<usize> {
        let rank = |place: usize| rank(&self.all[place]);
        let is_mere_parent = |place: usize| {
            let children = &self.all[place].children;
            let most = rank(place) / 10 * 8;
            self.depth(place) < depth && children.iter().any(|child| rank(*child) > most)
        };
        let mut places: Vec<usize> = (1..self.all.len())
            .filter(|place| self.depth(*place) <= depth && rank(*place) > 0)
            .filter(|place| !is_mere_parent(*place))
            .collect();
        places.sort_by_cached_key(|place| (Reverse(rank(*place)), self.path(*place)));
        places.truncate(count);
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(size: u64) -> Weight {
        Weight {
            size,
            compressed: size / 2,
            files: 1,
        }
    }

    #[test]
    fn sizes_add_up_to_the_root_in_any_order() {
        let mut tree = Directories::default();
        tree.add(b"usr/bin/a", false, bytes(10), true);
        tree.add(b"top", false, bytes(1), false);
        tree.add(b"usr", true, Weight::default(), true);
        tree.add(b"usr/lib/x/b", false, bytes(100), false);
        tree.sum_up();
        assert_eq!(tree.root().total.size, 111);
        assert_eq!(tree.root().here.size, 1);
        assert_eq!(tree.root().unowned.size, 101);
        assert_eq!(tree.find(b"usr").unwrap().total.size, 110);
        assert_eq!(tree.find(b"usr/lib").unwrap().total.files, 1);
        assert!(tree.find(b"top").is_none());
        let paths: Vec<Vec<u8>> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths[4], b"usr/lib/x");
    }

    #[test]
    fn a_tree_of_a_million_levels_has_thirty_two() {
        let mut tree = Directories::default();
        let path = b"d/".repeat(1_000_000);
        tree.add(&[&path[..], b"file"].concat(), false, bytes(10), false);
        tree.sum_up();
        assert_eq!(tree.iter().count(), DEPTH_CAP + 1);
        assert_eq!(tree.root().total.size, 10);
    }

    #[test]
    fn a_directory_that_is_mostly_another_is_not_named_beside_it() {
        let mut tree = Directories::default();
        tree.add(b"usr/share/doc/big", false, bytes(1000), true);
        tree.add(b"usr/bin/small", false, bytes(10), true);
        tree.sum_up();
        let heavy = tree.heaviest(4, 20, &|directory| directory.total.size);
        let paths: Vec<Vec<u8>> = heavy.iter().map(|place| tree.path(*place)).collect();
        assert_eq!(paths, [&b"usr/share/doc"[..], b"usr/bin"]);
    }
}
