//! Development tasks of this workspace, as a library for the `tests` crate and the `xtask` program.

pub mod bench;
pub mod cache;
pub mod cli;
pub mod demo;
pub mod dist;
pub mod elf;
pub mod fuzz;
pub mod golden;
pub mod images;
pub mod journey;
pub mod packages;
pub mod random;
pub mod run;
pub mod test;
pub mod timeline;
pub mod vm;
pub mod workspace;
