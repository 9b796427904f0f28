//! Images: what they are built by, what their manifest says, and what they have to have for their job.

pub mod driver;
pub mod fitness;
pub mod kind;
pub mod loader;
pub mod manifest;
pub mod obstacle;
pub mod recipe;
