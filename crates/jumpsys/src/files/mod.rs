//! Files and the trees that they are in: what is mounted, how much room there is, ways to write.
//!
//! Touches the paths and descriptors that it is given. Never a block device's bytes but by way of
//! [`crate::disk`], and never a file outside of a [`root::Root`] through a link inside it.

pub mod atomic;
pub mod freeze;
pub mod mount;
pub mod mountinfo;
pub mod owners;
pub mod root;
pub mod sealed;
pub mod usage;
