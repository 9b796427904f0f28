//! The lab: virtual machines and what they boot, journeys of nodes, and experiments on them. For
//! `cargo xtask` and for the `tests` crate: never knows either, and no program that is shipped knows
//! it. What takes long to make is kept below `target/` and found again there.

pub mod acted;
pub mod cache;
pub mod dist;
pub mod experiments;
pub mod golden;
pub mod images;
pub mod interrupt;
pub mod journey;
pub mod legacy;
mod mirror;
pub mod packages;
pub mod process;
pub mod random;
pub mod run;
pub mod small;
pub mod statistics;
pub mod table;
pub mod vm;
pub mod workspace;
