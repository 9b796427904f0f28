//! Where the jump system goes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `[landing]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LandingWish {
    /// Which partition.
    #[serde(default)]
    pub partition: LandingChoice,
}

/// The partition that the jump system runs from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LandingChoice {
    /// The node's swap partition; where none can be borrowed, one in free room; where there is none,
    /// memory, with what keeps the files on this firmware.
    #[default]
    Auto,
    /// The node's swap partition.
    Swap,
    /// A partition that is made for the run, in room that belongs to none, and removed at its end.
    Free,
    /// Memory: the EFI system partition keeps what a boot of the jump system begins from.
    Esp,
    /// Memory, on a node that boots by a BIOS: the partition of `/boot` keeps it.
    Boot,
    /// This device, such as `/dev/sda2`.
    Device(String),
}

/// What is no landing partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither auto, swap, free, esp, boot nor a device such as /dev/sda2")]
pub struct NoLanding(String);

impl FromStr for LandingChoice {
    type Err = NoLanding;

    fn from_str(text: &str) -> Result<Self, NoLanding> {
        match text {
            "auto" => Ok(Self::Auto),
            "swap" => Ok(Self::Swap),
            "free" => Ok(Self::Free),
            "esp" => Ok(Self::Esp),
            "boot" => Ok(Self::Boot),
            device if device.starts_with("/dev/") => Ok(Self::Device(device.to_owned())),
            other => Err(NoLanding(other.to_owned())),
        }
    }
}

impl TryFrom<String> for LandingChoice {
    type Error = NoLanding;

    fn try_from(text: String) -> Result<Self, NoLanding> {
        text.parse()
    }
}

impl From<LandingChoice> for String {
    fn from(choice: LandingChoice) -> Self {
        choice.to_string()
    }
}

impl fmt::Display for LandingChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Swap => "swap",
            Self::Free => "free",
            Self::Esp => "esp",
            Self::Boot => "boot",
            Self::Device(device) => device,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "auto",
            "swap",
            "free",
            "esp",
            "boot",
            "/dev/sda2",
            "/dev/disk/by-id/x",
        ] {
            let choice: LandingChoice = text.parse().unwrap();
            assert_eq!(choice.to_string(), text);
        }
        for text in ["", "Swap", "sda2", "ESP"] {
            assert!(text.parse::<LandingChoice>().is_err(), "{text}");
        }
    }
}
