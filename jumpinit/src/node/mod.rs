//! What this node is, and what it keeps of a run. Only reads, but for the journal and the lock.

pub(crate) mod borrowed;
pub(crate) mod bundle;
pub(crate) mod cause;
pub(crate) mod disk;
pub(crate) mod facts;
pub(crate) mod host_keys;
pub(crate) mod journal;
pub(crate) mod keeper;
pub(crate) mod landing;
pub(crate) mod lock;
pub(crate) mod mounted;
pub(crate) mod records;
pub(crate) mod status;
pub(crate) mod view;
