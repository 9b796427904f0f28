//! Development tasks of this workspace, as a library for the `tests` crate and the `xtask` program.

pub mod dist;
pub mod elf;
pub mod packages;
pub mod run;
pub mod workspace;
