//! The accounts of a tree, without their secrets, and the shells that they could have.

use anyhow::Context as _;
use jumpspec::node::accounts::PublicAccounts;

use super::stored::Stored;
use crate::error::Trouble;

/// Larger account files than any real one are not taken along.
const CAP: u64 = 4 << 20;
/// Programs that accounts have as their shell, besides those of `/etc/shells`.
const SHELLS: [&str; 12] = [
    "sh", "bash", "dash", "zsh", "ksh", "mksh", "tcsh", "csh", "fish", "rbash", "nologin", "false",
];

/// Accounts and groups; none where there are none.
pub(crate) fn survey(stored: &Stored<'_>) -> Result<Option<PublicAccounts>, Trouble> {
    let (passwd, group) = (text(stored, "etc/passwd")?, text(stored, "etc/group")?);
    let public = |passwd: String| PublicAccounts::of(&passwd, &group.unwrap_or_default());
    Ok(passwd.map(public))
}

/// Shells that are there, by all the absolute paths that lead to them.
pub(crate) fn shells(stored: &Stored<'_>) -> Result<Vec<String>, Trouble> {
    let usual = SHELLS.iter().flat_map(|name| stored.program_paths(name));
    let listed = text(stored, "etc/shells")?.unwrap_or_default();
    let listed = listed
        .lines()
        .filter_map(|line| line.trim().strip_prefix('/'))
        .filter(|path| stored.has(path))
        .map(str::to_owned);
    let mut shells: Vec<String> = usual.chain(listed).map(|path| format!("/{path}")).collect();
    shells.sort();
    shells.dedup();
    Ok(shells)
}

fn text(stored: &Stored<'_>, path: &str) -> Result<Option<String>, Trouble> {
    if !stored.has(path) {
        return Ok(None);
    }
    let bytes = stored
        .tree
        .read(path, CAP)
        .with_context(|| format!("cannot read /{path}"))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
