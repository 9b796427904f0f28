//! The phases of a push, as values: [`survey::Surveyed`] → [`agree::Agreed`] → [`stage::Staged`] →
//! [`jump::Jumped`] → [`follow::Followed`], each made from the one before by one call.
//!
//! Any number of them can be held at once. Each says what has been changed on its node by then, and
//! what it means to drop it; none asks anybody, but [`agree::Agreement`] once for all.

pub(crate) mod agree;
pub(crate) mod bundle;
pub(crate) mod follow;
pub(crate) mod jump;
pub(crate) mod key;
mod report;
pub(crate) mod run;
pub(crate) mod stage;
pub(crate) mod survey;
mod upload;
