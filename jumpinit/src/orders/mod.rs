//! How an order comes in: bytes on standard input, and the mark of who gives it.

pub(crate) mod admin_mark;
pub(crate) mod pace;
pub(crate) mod stdin;
