//! What every step works with: the plan, the journal, where to tell, and the two file systems.

pub(crate) mod busy;
pub(crate) mod context;
pub(crate) mod failure;
pub(crate) mod kept;
pub(crate) mod landing;
pub(crate) mod new_root;
pub(crate) mod reporter;
pub(crate) mod reset;
