//! Entries as tar archives have them: read under strict rules, written for every reader.
//!
//! Works on bytes in memory. Never opens a file, and never guesses what readers could take for
//! different things.

pub(crate) mod acl;
pub(crate) mod block;
pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod entry;
pub(crate) mod mtime;
pub(crate) mod numbers;
pub(crate) mod pax;
pub(crate) mod pax_attributes;
pub(crate) mod received;
pub(crate) mod records;
pub(crate) mod sparse;
pub(crate) mod stream;
