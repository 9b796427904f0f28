//! What tests that start machines have in common.

mod case;
pub mod disk;
mod push;
pub mod sabotage;

pub use case::{Case, run};
pub use push::Push;
