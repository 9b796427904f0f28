//! The jump system: its whole unattended life, and the orders that it takes over SSH.

pub(crate) mod attempt;
pub(crate) mod failed_boot;
pub(crate) mod main;
pub(crate) mod resume;
pub(crate) mod stay;
pub(crate) mod vigil;
pub(crate) mod watchdogs;
