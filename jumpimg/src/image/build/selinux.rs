//! How a tree uses SELinux.

use anyhow::Context as _;
use jumpspec::node::selinux::{CONFIG, Selinux, file_contexts, parse};

use super::stored::Stored;
use crate::error::Trouble;

/// Larger than any such file.
const CAP: u64 = 1 << 20;

/// What its configuration says; none where it has none.
pub(crate) fn survey(stored: &Stored<'_>) -> Result<Option<Selinux>, Trouble> {
    if !stored.has(CONFIG) {
        return Ok(None);
    }
    let text = stored
        .tree
        .read(CONFIG, CAP)
        .with_context(|| format!("cannot read /{CONFIG}"))?
        .unwrap_or_default();
    let said = parse(&String::from_utf8_lossy(&text));
    Ok(said.map(|(mode, policy)| Selinux {
        mode,
        labels: stored.has("usr/sbin/setfiles") && stored.has(&file_contexts(&policy)),
        policy,
    }))
}
