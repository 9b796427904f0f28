//! A fleet: many nodes that one command takes through the phases of a push, each step of which
//! [`jumpspec::fleet`] decides. It can be stopped, left, and taken up again.

pub(crate) mod again;
pub(crate) mod begin;
mod board;
mod conduct;
mod crew;
pub(crate) mod dir;
mod drain;
mod end;
mod groups;
mod means;
mod member;
mod metrics;
mod pace;
pub(crate) mod page;
mod usual;
