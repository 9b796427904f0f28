//! Trees to copy from one partition to another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::words::abspath::AbsPath;

/// A tree to copy, before what it lies on is formatted or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CopyWish {
    /// A directory of the old system.
    pub from: AbsPath,
    /// Where it goes.
    pub to: CopyTo,
}

/// A directory of a partition, written `4:/srv`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CopyTo {
    /// The partition's number in the new layout.
    pub number: u32,
    /// From the top of its file system.
    pub directory: AbsPath,
}

impl FromStr for CopyTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once(':').and_then(|(number, directory)| {
            Some(Self {
                number: number.parse().ok()?,
                directory: directory.parse().ok()?,
            })
        });
        let wrong =
            || format!("{text:?} is not a directory of a partition; write for example \"4:/home\"");
        parts.ok_or_else(wrong)
    }
}

impl TryFrom<String> for CopyTo {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CopyTo> for String {
    fn from(to: CopyTo) -> Self {
        to.to_string()
    }
}

impl fmt::Display for CopyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_number_and_a_directory() {
        let to: CopyTo = "4:/srv/".parse().unwrap();
        assert_eq!((to.number, to.to_string()), (4, "4:/srv".to_owned()));
        for text in ["4", "/srv", "4:srv", "x:/srv", "4:/../srv", "-1:/"] {
            assert!(text.parse::<CopyTo>().is_err(), "{text}");
        }
    }
}
