//! Numbers that nobody can guess: ids of runs, names, secrets.

use anyhow::Context as _;
use jumpsys::kernel::system::random_bytes;

use crate::error::Trouble;

/// 16 hex digits that nobody can guess.
pub(crate) fn random_hex() -> Result<String, Trouble> {
    Ok(format!("{:016x}", random_bits()?))
}

/// A number from 0 to 1, for what must not happen to all at once.
pub(crate) fn random_part() -> f64 {
    // Without chance the middle is as good.
    let byte = random_bytes::<1>().map_or(127, |[byte]| byte);
    f64::from(byte) / f64::from(u8::MAX)
}

/// 64 bits that nobody can guess.
pub(crate) fn random_bits() -> Result<u64, Trouble> {
    let bytes = random_bytes::<8>().context("cannot make a run id or secret")?;
    Ok(u64::from_be_bytes(bytes))
}
