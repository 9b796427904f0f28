//! Compares two nodes, and tells what they do not have in common.

use std::fmt::Debug;

use jumpspec::words::digest::Digest;

use super::Node;
use super::compare::{Aspect, Lost};

/// The longest that a value is shown, in characters.
const SHOWN: usize = 300;

/// Adds a line for each thing that two nodes do not have in common.
pub(super) fn differ(lost: &Lost<'_>, wanted: &Node, found: &Node, lines: &mut Vec<String>) {
    let mut pair = Pair {
        lost,
        wanted,
        found,
        lines,
    };
    pair.compare("type", |node| node.kind);
    pair.compare("target", |node| shown(&node.target));
    pair.compare("content", |node| {
        node.content.as_ref().map(|is| (is.size, is.digest))
    });
    pair.compare("attributes", |node| xattrs(lost, node));
    pair.unless(Aspect::Mode, "mode", |node| format!("{:o}", node.mode));
    pair.unless(Aspect::Owner, "owner", |node| node.owner);
    pair.compare("device", |node| node.device);
    pair.unless(Aspect::Links, "links", |node| {
        let (first, names) = node.links.as_ref()?;
        Some(format!("one of {names} of {}", shown(first)))
    });
    pair.unless(Aspect::Holes, "data at", |node| {
        node.content.as_ref().map(|is| is.extents.clone())
    });
    if !is_near(lost, wanted.mtime, found.mtime) {
        pair.unless(Aspect::Time, "time", |node| node.mtime);
    }
}

struct Pair<'a> {
    lost: &'a Lost<'a>,
    wanted: &'a Node,
    found: &'a Node,
    lines: &'a mut Vec<String>,
}

impl Pair<'_> {
    fn unless<T: PartialEq + Debug>(&mut self, lost: Aspect, what: &str, of: impl Fn(&Node) -> T) {
        if !self.lost.has(lost) {
            self.compare(what, of);
        }
    }

    fn compare<T: PartialEq + Debug>(&mut self, what: &str, of: impl Fn(&Node) -> T) {
        let (wanted, found) = (of(self.wanted), of(self.found));
        if wanted != found {
            let path = short(self.lost.path);
            let (wanted, found) = (cut(format!("{wanted:?}")), cut(format!("{found:?}")));
            self.lines
                .push(format!("{path}: {what}: wanted {wanted}, found {found}"));
        }
    }
}

/// Whether two times are the same as far as they were kept.
fn is_near(lost: &Lost<'_>, wanted: (i64, u64), found: (i64, u64)) -> bool {
    let nanoseconds = |time: (i64, u64)| i128::from(time.0) * 1_000_000_000 + i128::from(time.1);
    let apart = nanoseconds(wanted) - nanoseconds(found);
    (lost.has(Aspect::Microsecond) && apart.abs() < 2_000)
        || (lost.has(Aspect::Fraction) && found == (wanted.0, 0))
}

/// The attributes that are not lost; a digest instead of a long value.
fn xattrs(lost: &Lost<'_>, node: &Node) -> Vec<String> {
    let kept = node.xattrs.iter().filter(|(name, _)| !lost.has_xattr(name));
    kept.map(|(name, value)| {
        let value = match value.len() {
            0..=64 => shown(value),
            length => format!("{length} bytes {}", Digest::of(value)),
        };
        format!("{}={value}", shown(name))
    })
    .collect()
}

/// Bytes as people can read them.
pub(super) fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// The beginning of a path and its end.
pub(super) fn short(path: &[u8]) -> String {
    let path = shown(path);
    let last = path.rfind('/').unwrap_or(0);
    match path.char_indices().nth(100) {
        Some((at, _)) if at < last => format!("{}…{}", &path[..at], &path[last..]),
        _ => path,
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}… of {} bytes", &text[..at], text.len()),
        None => text,
    }
}
