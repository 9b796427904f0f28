//! The system calls and programs that jump needs, and nothing that knows a plan.
//!
//! Everything here does one effect on one named object and reports a typed error which names that
//! object. What to do, and in which order, is decided elsewhere. `unsafe` lives in this crate only.
//!
//! An arrow between the rooms runs down: [`boot`] → [`files`] → [`disk`] → [`kernel`] | [`network`]
//! → [`cmd`] → [`error`]. [`lock`] and [`journal_slots`] stand above them.
//!
//! Sectors are 512 bytes throughout, unless a name says otherwise.

pub mod boot;
pub mod cmd;
pub mod disk;
pub mod error;
pub mod files;
pub mod journal_slots;
pub mod kernel;
pub mod lock;
pub mod network;

pub use error::PathError;
