//! Lookups by name and by number: a node may have tens of thousands of accounts, and may lie.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Names in their order, each found at once.
#[derive(Debug, Default)]
pub(super) struct Names {
    order: Vec<String>,
    known: HashSet<String>,
}

impl Names {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    pub(super) fn into_vec(self) -> Vec<String> {
        self.order
    }
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        let order: Vec<String> = names.into_iter().collect();
        let known = order.iter().cloned().collect();
        Self { order, known }
    }
}

/// Where the first of `items` with each key is.
pub(super) fn first_by<'a, T, K: Eq + Hash>(
    items: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> HashMap<K, usize> {
    let mut places = HashMap::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        places.entry(key(item)).or_insert(place);
    }
    places
}
