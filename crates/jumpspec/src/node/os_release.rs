//! What a system says of itself in `/etc/os-release`. Source: os-release(5).

use serde::{Deserialize, Serialize};

/// The fields of `os-release(5)` that jump uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsRelease {
    /// `ID`, e.g. `debian`.
    pub id: String,
    /// `VERSION_ID`, e.g. `13`; empty for rolling releases.
    pub version_id: String,
    /// `PRETTY_NAME`.
    pub pretty_name: String,
}

impl OsRelease {
    /// Reads the `KEY=value` lines of an `os-release` file; unknown keys and broken
    /// lines are passed over, as os-release(5) asks.
    pub fn parse(text: &str) -> Self {
        let mut os = Self::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            match key.trim() {
                "ID" => os.id = value,
                "VERSION_ID" => os.version_id = value,
                "PRETTY_NAME" => os.pretty_name = value,
                _ => {}
            }
        }
        os
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_os_release_with_and_without_quotes() {
        let os =
            OsRelease::parse("ID=debian\nVERSION_ID=\"13\"\nbroken\nPRETTY_NAME='Debian 13'\n");
        assert_eq!((os.id.as_str(), os.version_id.as_str()), ("debian", "13"));
        assert_eq!(os.pretty_name, "Debian 13");
    }
}
