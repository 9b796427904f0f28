//! A fleet: many nodes of one job, and the order in which they go through it. Pure: who has a clock and
//! connections says what has come of what was asked for.

pub mod course;
pub mod entry;
pub mod lanes;
mod sets;
mod shape;
pub mod slowest;
mod state;
mod stop;

pub use course::{Course, Outcome, Turn};
pub use entry::{Entry, Known, Part, Time, What};
pub use sets::Sets;
pub use shape::shape;
pub use state::State;
pub use stop::{Rule, Stop};
