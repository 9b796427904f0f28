//! clevis keeps what it needs to ask a TPM in the protected header of a JWE (RFC 7516), which is
//! base64 of JSON and no secret.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::{CLEVIS, Seal};

/// Shares of shares that are looked into.
const DEEPEST: usize = 4;

/// What a TPM has sealed by this token, if it asks one; what cannot be understood may.
pub(super) fn seal(token: &Value) -> Option<Seal> {
    let header = token.get("jwe").and_then(|jwe| jwe.get("protected"));
    of_header(header.and_then(Value::as_str), DEEPEST)
}

fn of_header(header: Option<&str>, depth: usize) -> Option<Seal> {
    let decoded = header.and_then(decoded);
    let Some(clevis) = decoded.as_ref().and_then(|header| header.get("clevis")) else {
        return Some(Seal::unknown(CLEVIS));
    };
    match clevis.get("pin").and_then(Value::as_str) {
        Some("tpm2") => Some(Seal {
            by: CLEVIS.to_owned(),
            pcrs: pcrs(clevis.get("tpm2")),
        }),
        Some("sss") if depth > 0 => of_shares(clevis.get("sss"), depth - 1),
        Some(pin) if pin != "sss" && !pin.contains("tpm") => None,
        _ => Some(Seal::unknown(CLEVIS)),
    }
}

fn decoded(header: &str) -> Option<Value> {
    let json = URL_SAFE_NO_PAD.decode(header).ok()?;
    serde_json::from_slice(&json).ok()
}

/// `pcr_ids` is a text such as `0,7`, and not there where any boot will do.
fn pcrs(settings: Option<&Value>) -> Option<Vec<u32>> {
    let Some(ids) = settings?.get("pcr_ids") else {
        return Some(Vec::new());
    };
    let ids = ids.as_str()?.split(',').map(str::trim);
    let ids = ids.filter(|id| !id.is_empty());
    ids.map(|id| id.parse().ok()).collect()
}

/// A key in shares hangs on what one of them is bound to.
fn of_shares(settings: Option<&Value>, depth: usize) -> Option<Seal> {
    let shares = settings
        .and_then(|it| it.get("jwe"))
        .and_then(Value::as_array);
    let Some(shares) = shares else {
        return Some(Seal::unknown(CLEVIS));
    };
    let header = |share: &'_ Value| {
        let (header, _) = share.as_str()?.split_once('.')?;
        Some(header.to_owned())
    };
    let seals = shares.iter().map(header);
    let seals = seals.filter_map(|header| of_header(header.as_deref(), depth));
    seals.max_by_key(Seal::is_bound)
}
