//! Values that have one way of being written and are read by that alone; and what others wrote, as it
//! can be shown. Nothing here knows of disks, nodes or plans.

pub mod abspath;
pub mod digest;
pub mod hostname;
pub mod relpath;
pub mod run_id;
pub mod shown;
pub mod size;
