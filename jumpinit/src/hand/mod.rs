//! What people and steps alike do with archives and files.

pub(crate) mod extract;
pub(crate) mod hash;
pub(crate) mod unpack;
