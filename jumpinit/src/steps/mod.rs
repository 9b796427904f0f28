//! One effect each. They decide nothing: the plan has.

pub(crate) mod accounts;
pub(crate) mod added;
pub(crate) mod configure;
pub(crate) mod copy;
pub(crate) mod erasure;
pub(crate) mod finish;
pub(crate) mod first_boot;
pub(crate) mod health;
pub(crate) mod hook;
pub(crate) mod host_keys;
pub(crate) mod identity;
pub(crate) mod in_memory;
pub(crate) mod labels;
pub(crate) mod landing;
pub(crate) mod loader_settings;
pub(crate) mod made_landing;
pub(crate) mod prove;
pub(crate) mod reachable;
pub(crate) mod replace;
pub(crate) mod report;
pub(crate) mod restore;
pub(crate) mod seal;
pub(crate) mod sshd;
pub(crate) mod stage;
