//! Images as files of this host: made, adopted, verified, looked into, compared. Never talks to a
//! node.

pub(crate) mod adopt;
pub(crate) mod build;
pub(crate) mod diff;
mod elf;
pub(crate) mod homes;
pub(crate) mod in_memory;
pub(crate) mod inspect;
pub(crate) mod open;
pub(crate) mod output;
mod packages;
pub(crate) mod programs;
pub(crate) mod verify;
mod weight;
