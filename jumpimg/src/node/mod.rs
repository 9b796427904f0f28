//! What is done to nodes, over SSH: the commands above, then the phases of a push, and below them
//! the ways to a node and what this host keeps of its runs.
//!
//! A node is believed nothing: what it says is read by [`jumpspec::answers`] alone, and kept bounded.

pub(crate) mod abort;
mod agent;
pub(crate) mod args;
pub(crate) mod check;
mod fleet;
pub(crate) mod fleets;
mod heard;
mod image_files;
mod job_file;
pub(crate) mod logs;
mod lookout;
mod nodes;
mod phases;
pub(crate) mod push;
mod random;
mod recorder;
pub(crate) mod resume;
pub(crate) mod run_dir;
pub(crate) mod several;
pub(crate) mod ssh;
pub(crate) mod status;
mod supplies;
pub(crate) mod tell;
mod tools;
