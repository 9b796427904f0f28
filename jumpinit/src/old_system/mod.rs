//! What an admin host orders on the old system, over SSH.

pub(crate) mod arm;
mod open;
pub(crate) mod stage;
pub(crate) mod take_back;
pub(crate) mod watchdog;
