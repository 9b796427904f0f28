//! Numbers that nobody can guess: ids of runs, names, secrets.

use anyhow::Context as _;
use jumpsys::kernel::system::random_bytes;

use crate::error::Trouble;

/// 16 hex digits that nobody can guess.
pub(crate) fn random_hex() -> Result<String, Trouble> {
    Ok(format!("{:016x}", random_bits()?))
}

/// 64 of them.
pub(crate) fn random_bits() -> Result<u64, Trouble> {
    let bytes = random_bytes::<8>().context("cannot make a run id or secret")?;
    Ok(u64::from_be_bytes(bytes))
}
