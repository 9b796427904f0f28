//! Sizes in bytes as admins write them: `290MiB`, `8G`, `512 MiB`.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes. Text such as `290MiB` is read by the `bytesize` crate
/// (`MiB` = 2^20, `MB` = 10^6); printed in binary units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "SizeText", into = "u64")]
pub struct Size(pub u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum SizeText {
    Bytes(u64),
    Text(String),
}

/// A text that is not a size.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a size; write for example 290MiB or 8GiB")]
pub struct SizeError(String);

impl Size {
    /// `n` mebibytes.
    pub const fn mib(n: u64) -> Self {
        Self(n << 20)
    }

    /// The number of bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

/// A sum ends at the largest size: nodes and images that lie may name any.
impl Sum for Size {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        Self(sizes.fold(0, |sum, size| sum.saturating_add(size.0)))
    }
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let parsed: Result<bytesize::ByteSize, _> = text.trim().parse();
        parsed
            .map(|size| Self(size.0))
            .map_err(|_| SizeError(text.to_owned()))
    }
}

impl TryFrom<SizeText> for Size {
    type Error = SizeError;

    fn try_from(value: SizeText) -> Result<Self, SizeError> {
        match value {
            SizeText::Bytes(bytes) => Ok(Self(bytes)),
            SizeText::Text(text) => text.parse(),
        }
    }
}

impl From<Size> for u64 {
    fn from(size: Size) -> Self {
        size.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", bytesize::ByteSize(self.0).display().iec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_binary_and_decimal_units() {
        assert_eq!("290MiB".parse(), Ok(Size::mib(290)));
        assert_eq!("1 MB".parse(), Ok(Size(1_000_000)));
        assert!("much".parse::<Size>().is_err());
    }

    #[test]
    fn prints_binary_units() {
        assert_eq!(Size::mib(512).to_string(), "512.0 MiB");
        assert_eq!(Size(u64::MAX).to_string(), "16.0 EiB");
    }

    #[test]
    fn what_is_more_than_any_size_is_the_largest() {
        let largest = Size(u64::MAX);
        assert_eq!(
            [Size(1), largest, Size(1)].into_iter().sum::<Size>(),
            largest
        );
    }
}
