//! The order of entries: that of a walk, [`super::walk`].

use std::cmp::Ordering;

/// Directories depth-first, names by their bytes: as if a slash came before every
/// other byte.
pub(crate) fn of_directories(one: &[u8], two: &[u8]) -> Ordering {
    let parts = |path| <[u8]>::split(path, |byte: &u8| *byte == b'/');
    match (one.is_empty(), two.is_empty()) {
        (false, false) => parts(one).cmp(parts(two)),
        (one, two) => two.cmp(&one),
    }
}

/// What is in one directory together, in the order of the directories.
pub(crate) fn of_members(one: &[u8], two: &[u8]) -> Ordering {
    let ((parent, name), (other_parent, other)) = (split(one), split(two));
    if parent == other_parent {
        return name.cmp(other);
    }
    of_directories(parent, other_parent)
}

/// The path before the last slash and the name after it.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_in_the_order_of_a_walk() {
        let sorted: [&[u8]; 6] = [b"", b"a", b"a/b", b"a/b/c", b"a-b", b"b"];
        assert!(sorted.is_sorted_by(|a, b| of_directories(a, b) == Ordering::Less));
    }

    #[test]
    fn members_of_a_directory_come_together_before_those_below_it() {
        let sorted: [&[u8]; 5] = [b"z", b"a/x", b"a/z", b"a/b/c", b"a-b/c"];
        assert!(sorted.is_sorted_by(|a, b| of_members(a, b) == Ordering::Less));
        assert_eq!(of_members(b"a/x", b"a/x"), Ordering::Equal);
    }
}
