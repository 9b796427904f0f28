//! Nodes that are acted, by the thousand: an `ssh` that is no ssh, and a file for each node that keeps
//! how far it has come. No sshd, no shell, no second machine: each call of `ssh` reads the script that
//! jumpimg sends, and answers as the node would at this moment.
//!
//! What a node does by itself is worked out from the clock whenever somebody looks: no process stands
//! for it. A script that is not known here is an error that the world's log keeps, never an answer.

mod answer;
mod connection;
mod log;
mod node;
pub mod sample;
mod script;
mod settings;
mod stand_in;
mod story;
mod world;

pub use log::{Change, Moment, SshCalls};
pub use node::State;
pub use settings::{Fault, Rate, Settings, Times};
pub use stand_in::act_if_called;
pub use world::{ENVIRONMENT, World};
