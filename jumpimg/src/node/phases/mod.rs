//! The phases of a push: a node is looked at, staged, rebooted, and followed to the end.

pub(crate) mod follow;
mod jump;
pub(crate) mod key;
mod report;
pub(crate) mod run;
pub(crate) mod stage;
pub(crate) mod survey;
mod upload;
