//! A fleet: many nodes of one job, and the order in which they go through it. Pure: who has a clock and
//! connections says what has come of what was asked for.

pub mod course;
pub mod entry;
mod sets;
mod shape;
mod stop;

pub use course::{Course, Outcome, State, Turn};
pub use entry::{Entry, Known, Part, Time, What};
pub use sets::Sets;
pub use shape::shape;
pub use stop::{Rule, Stop};
