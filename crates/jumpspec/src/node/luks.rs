//! LUKS volumes, and whether a TPM opens them: it hands a key out that is bound to PCRs only where the
//! machine was booted as when the key was sealed, and the selector is not what booted it then.
//!
//! Sources: the LUKS2 on-disk format specification, section 3 (tokens); systemd's
//! `src/shared/tpm2-util.c` for `systemd-tpm2`; clevis-luks-bind(1) and clevis-encrypt-tpm2(1);
//! secboot's `internal/luksview` for `ubuntu-fde`.

mod clevis;
pub mod crypttab;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A LUKS volume of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LuksVolume {
    /// `/dev/vda3`, `/dev/dm-1`; what `/etc/crypttab` says where it is none that was found.
    pub device: String,
    /// Whether it is open now.
    pub is_open: bool,
    /// Whether `/etc/crypttab` has it opened at boot.
    pub at_boot: bool,
    /// What a TPM has sealed of it.
    pub seals: Vec<Seal>,
}

impl LuksVolume {
    /// What binds it to the way that the node boots now, if that is needed to come up.
    pub fn bound(&self) -> Option<&Seal> {
        let is_needed = self.is_open || self.at_boot;
        self.seals.iter().find(|seal| is_needed && seal.is_bound())
    }
}

/// A key that a TPM keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// Who has sealed it: the type of a token, or [`CRYPTTAB`]; [`UNREADABLE`] is not known.
    pub by: String,
    /// The registers that have to be as they were; none where they are not known.
    pub pcrs: Option<Vec<u32>>,
}

/// [`Seal::by`] of a key that lies beside the volume, as crypttab(5) has it with `tpm2-device=`.
pub const CRYPTTAB: &str = "crypttab";
/// [`Seal::by`] of a volume whose header cannot be read: it may have any.
pub const UNREADABLE: &str = "unreadable";
/// Tokens of systemd-cryptenroll(1).
const SYSTEMD: &str = "systemd-tpm2";
/// Tokens of clevis, by which a TPM opens a volume, or a server.
const CLEVIS: &str = "clevis";
/// Tokens of Ubuntu's encryption by TPM; a recovery key has one of another type.
const UBUNTU: &str = "ubuntu-fde";

impl Seal {
    /// One whose registers are not known.
    pub fn unknown(by: &str) -> Self {
        Self {
            by: by.to_owned(),
            pcrs: None,
        }
    }

    /// Whether any register has to be as it was. Which of them stay the same by way of the selector is
    /// not reckoned with.
    pub fn is_bound(&self) -> bool {
        self.pcrs.as_ref().is_none_or(|pcrs| !pcrs.is_empty())
    }
}

/// What TPMs have sealed by the JSON area of a LUKS2 header; what cannot be understood is counted.
pub fn seals(json: &str) -> Vec<Seal> {
    let header: Option<Value> = serde_json::from_str(json).ok();
    let tokens = header.as_ref().map(|header| header.get("tokens"));
    match tokens {
        Some(None) => Vec::new(),
        Some(Some(Value::Object(tokens))) => tokens.values().filter_map(seal).collect(),
        Some(Some(_)) | None => vec![Seal::unknown(UNREADABLE)],
    }
}

fn seal(token: &Value) -> Option<Seal> {
    let Some(kind) = token.get("type").and_then(Value::as_str) else {
        return Some(Seal::unknown(UNREADABLE));
    };
    let pcrs = match kind {
        SYSTEMD => systemd(token),
        CLEVIS => return clevis::seal(token),
        UBUNTU => None,
        other if other.to_ascii_lowercase().contains("tpm") => None,
        _ => return None,
    };
    Some(Seal {
        by: kind.chars().take(LONGEST_NAME).collect(),
        pcrs,
    })
}

/// Characters that are told of a token's type.
const LONGEST_NAME: usize = 64;

/// Registers by their values, by a signature, and by a policy in the TPM's own memory
/// (systemd-pcrlock(8)), whose registers are not in the token.
fn systemd(token: &Value) -> Option<Vec<u32>> {
    let is_locked = token.get("tpm2_pcrlock").and_then(Value::as_bool);
    let mut found = numbers(token.get("tpm2-pcrs")?)?;
    if let Some(signed) = token.get("tpm2_pubkey_pcrs") {
        found.extend(numbers(signed)?);
    }
    (is_locked != Some(true)).then_some(found)
}

fn numbers(list: &Value) -> Option<Vec<u32>> {
    let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
    list.as_array()?.iter().map(number).collect()
}

#[cfg(test)]
mod tests;
