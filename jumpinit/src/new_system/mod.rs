//! The new system: confirmed, or back to the jump system.

pub(crate) mod deadline;
pub(crate) mod evidence;
pub(crate) mod give_up;
pub(crate) mod main;
