//! The pure half of jump: what images, nodes, jobs and plans *are*, and how a
//! plan follows from the others.
//!
//! Nothing here reads a file, runs a program, looks at a clock or draws a random
//! number (see `clippy.toml`), so every decision can be tested without a disk.

pub mod answers;
pub mod boot;
pub mod conversion;
pub mod disk;
pub mod fleet;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod hook;
pub mod image;
pub mod job;
pub mod nextrel;
pub mod node;
pub mod places;
pub mod plan;
pub mod planner;
pub mod render;
pub mod run;
pub mod selector;
pub mod step;
pub mod words;
