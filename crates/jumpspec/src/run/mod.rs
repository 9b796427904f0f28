//! What travels and is kept while a plan is carried out: tasks, events, failure codes, exits, the
//! journal and reports. No words for people: those are made in [`crate::render`].

pub mod arm;
pub mod bundle;
pub mod environment;
pub mod event;
pub mod exit;
pub mod failure;
pub mod journal;
pub mod report;
pub mod status;
pub mod task;
pub mod timeline;
