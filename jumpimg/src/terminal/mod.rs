//! The admin's terminal: what is printed there, asked there, and pressed there.
//!
//! Nothing foreign reaches it but through [`jumpspec::words::shown`]; nothing else of this program writes
//! to stdout or stderr.

pub(crate) mod ask;
pub(crate) mod interrupt;
pub(crate) mod meter;
pub(crate) mod print;
pub(crate) mod screen;
