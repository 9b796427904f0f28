//! Images: their shape, and the ways to take out of them what was found to be right.
//!
//! Reads an image, and a tree to compare it with. Never makes a file, and hands over nothing whose
//! digest it has not checked.

pub(crate) mod chain;
pub(crate) mod compare;
pub(crate) mod content;
pub(crate) mod entries;
pub(crate) mod fetch;
pub(crate) mod format;
pub(crate) mod index;
pub(crate) mod medium;
pub(crate) mod opened;
pub(crate) mod spans;
pub(crate) mod subset;
pub(crate) mod threads;
pub(crate) mod verify;
pub(crate) mod workers;
