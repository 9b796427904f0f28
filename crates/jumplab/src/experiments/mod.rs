//! What is done to nodes to see that none is lost, and what came of it.

pub mod faults;
pub mod fleet;
pub mod machine_stops;
pub mod power_cuts;
pub mod write_order;
