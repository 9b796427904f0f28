//! Development tasks of this workspace, as a library for the `tests` crate and the `xtask` program.

pub mod bench;
pub mod cache;
pub mod cli;
pub mod demo;
pub mod dist;
pub mod elf;
pub mod faults;
pub mod fuzz;
pub mod golden;
pub mod images;
mod interrupt;
pub mod journey;
mod mirror;
pub mod mutants;
pub mod packages;
pub mod power_cuts;
mod process;
pub mod random;
pub mod run;
mod statistics;
mod table;
pub mod test;
pub mod timeline;
pub mod vm;
pub mod workspace;
pub mod write_order;
