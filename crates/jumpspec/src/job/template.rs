//! Files of the new system that are made for each node from one text.

use serde::{Deserialize, Serialize};

use crate::words::relpath::RelPath;

/// The most templates of a job.
pub const MOST_TEMPLATES: usize = 32;
/// Bytes of the longest template, and of what it becomes.
pub const LARGEST_TEMPLATE: usize = 64 << 10;

/// A file that is made for each node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateWish {
    /// The file on the admin host, relative to the job file.
    pub from: String,
    /// The file in the new system.
    pub to: RelPath,
    /// Its permission bits; root owns it.
    #[serde(default)]
    pub mode: FileMode,
}

/// Permission bits, written in octal: `0644`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileMode(pub u32);

impl Default for FileMode {
    fn default() -> Self {
        Self(0o644)
    }
}

impl TryFrom<String> for FileMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bits = u32::from_str_radix(&text, 8).ok();
        let bits = bits.filter(|bits| *bits <= 0o777 && !text.starts_with('+'));
        bits.map(Self)
            .ok_or_else(|| format!("{text:?} are no permission bits; write for example 0644"))
    }
}

impl From<FileMode> for String {
    fn from(mode: FileMode) -> Self {
        format!("{:04o}", mode.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_permission_bits_in_octal() {
        for (text, bits) in [("0644", 0o644), ("600", 0o600), ("0", 0)] {
            assert_eq!(FileMode::try_from(text.to_owned()), Ok(FileMode(bits)));
        }
        for text in ["4755", "0888", "", "-1", "+7", "rw"] {
            assert!(FileMode::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(String::from(FileMode(0o644)), "0644");
    }
}
