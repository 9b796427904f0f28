//! The fault matrix, and what the tests of its rows have seen: `cargo xtask faults` prints both.

mod matrix;
mod record;

pub use matrix::{End, ROWS, Row, row_of};
pub use record::{Record, clear, read, write};

/// Names the rows that are tried, with two digits each, by commas; none are all.
pub const ONLY: &str = "JUMP_ROWS";
/// Names a jumpinit that armed nodes get as their jump system's, for `cargo xtask mutants`.
pub const MUTANT: &str = "JUMP_MUTANT";
