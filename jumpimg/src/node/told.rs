//! What was told already. A node may say anything, as often as it likes: only so much is kept.

use std::collections::HashSet;

use jumpspec::digest::Digest;

/// Bytes of all that is told of one run. The progress of a replacement that takes a day has half.
const ALL: usize = 64 << 20;

/// What was told already.
#[derive(Debug, Default)]
pub(crate) struct Told {
    digests: HashSet<Digest>,
    bytes: usize,
}

/// Whether something is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is.
    New,
    /// It is, and is the last.
    Last,
    /// It was told before.
    Old,
    /// More was told than anybody reads.
    TooMuch,
}

impl Told {
    /// Notes that `text` is told.
    pub(crate) fn insert(&mut self, text: &str) -> News {
        if self.bytes > ALL {
            return News::TooMuch;
        }
        if !self.digests.insert(Digest::of(text.as_bytes())) {
            return News::Old;
        }
        // A digest and its place in the set take room, too.
        self.bytes += text.len() + 2 * size_of::<Digest>();
        if self.bytes > ALL {
            News::Last
        } else {
            News::New
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_told_once_until_it_is_too_much() {
        let mut told = Told::default();
        assert_eq!(told.insert("a"), News::New);
        assert_eq!(told.insert("a"), News::Old);
        let long = "x".repeat(ALL);
        assert_eq!(told.insert(&long), News::Last);
        assert_eq!(told.insert("b"), News::TooMuch);
    }
}
