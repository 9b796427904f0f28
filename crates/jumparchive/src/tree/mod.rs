//! The tree below one directory descriptor: walked in order, looked into, its attributes read.
//!
//! Only reads. Never leaves the directory, whatever the symlinks in it say, and never takes a whole
//! tree into memory.

pub(crate) mod below;
pub(crate) mod extents;
pub(crate) mod look;
pub(crate) mod members;
pub(crate) mod order;
pub(crate) mod root;
pub(crate) mod walk;
pub(crate) mod xattrs;
