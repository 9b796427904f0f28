//! Words of which one must be in an error, for each reason to refuse.

/// A name that leaves the root.
pub(crate) const ESCAPES: &[&str] = &["leaves the root", "outside the root", "absolute"];
/// A second entry of one name, or something that was there before.
pub(crate) const EXISTS: &[&str] = &["exists", "already", "twice", "second"];
/// A link that cannot be made.
pub(crate) const LINK: &[&str] = &["link"];
/// A number that is none, or too large, or not possible here.
pub(crate) const NUMBER: &[&str] = &[
    "number",
    "range",
    "large",
    "overflow",
    "malformed",
    "invalid",
    "understood",
    "size",
    "mtime",
    "uid",
    "gid",
    "device",
];
/// A file that ends before it should.
pub(crate) const CUT: &[&str] = &["cut short", "truncated", "ends", "missing"];
/// A record of an extended header.
pub(crate) const PAX: &[&str] = &["pax"];
/// A map of a sparse file.
pub(crate) const SPARSE: &[&str] = &["sparse"];
/// Something on the way that is no directory.
pub(crate) const PARENT: &[&str] = &["director", "loop", "symlink", "levels", "parent"];
/// A name or path that is longer than the system takes.
pub(crate) const LENGTH: &[&str] = &["long", "large", "too big"];
/// A type that is not known.
pub(crate) const TYPE: &[&str] = &["type"];
/// Content where there can be none.
pub(crate) const CONTENT: &[&str] = &["content", "size"];
