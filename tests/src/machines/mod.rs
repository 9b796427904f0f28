//! What tests that start machines have in common.

mod case;
pub mod disk;
pub mod sabotage;

pub use case::{Case, run};
