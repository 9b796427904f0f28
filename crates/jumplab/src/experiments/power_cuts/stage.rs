//! The stages of a jump as the fault matrix names them, and how a node may end whose power was cut in
//! one. Pure.

use clap::ValueEnum;
use serde::Serialize;

/// A stage of the fault matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[value(rename_all = "UPPER")]
pub enum Stage {
    /// The old system fills the landing partition.
    S0,
    /// The old system writes the selector and arms it.
    S1,
    /// The jump system boots and proves itself.
    S2,
    /// The first commit: jump is the default.
    S3,
    /// Partition table and file systems.
    S4,
    /// The new system is unpacked, and files are restored.
    S5,
    /// The new system's loader.
    S6,
    /// The second commit; the new system boots and proves itself.
    S7,
    /// The new system is confirmed.
    S8,
    /// What was borrowed is given back.
    S9,
}

impl Stage {
    /// All, in their order.
    pub(super) const ALL: [Self; 10] = [
        Self::S0,
        Self::S1,
        Self::S2,
        Self::S3,
        Self::S4,
        Self::S5,
        Self::S6,
        Self::S7,
        Self::S8,
        Self::S9,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        self.words().split(' ').next().unwrap_or_default()
    }

    /// Its name with what happens in it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::S0 => "S0 stage",
            Self::S1 => "S1 arm",
            Self::S2 => "S2 jump proves itself",
            Self::S3 => "S3 first commit",
            Self::S4 => "S4 partition, mkfs",
            Self::S5 => "S5 extract, restore",
            Self::S6 => "S6 new loader",
            Self::S7 => "S7 second commit, try",
            Self::S8 => "S8 confirm",
            Self::S9 => "S9 wipe, mkswap",
        }
    }

    /// Whether a node may end so whose power was cut once in this stage. A jump system that boots goes
    /// on by itself, so its O or J may have become N by the time that it is asked.
    pub(super) fn allows(self, end: End) -> bool {
        match self {
            Self::S0 | Self::S2 => end == End::Old,
            Self::S1 | Self::S3 => matches!(end, End::Old | End::New),
            Self::S4 | Self::S5 | Self::S6 | Self::S8 | Self::S9 => end == End::New,
            Self::S7 => matches!(end, End::Jump | End::New),
        }
    }
}

/// Where a node has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    /// In its old system, which the loader will boot again.
    Old,
    /// In the jump system, idle and reachable.
    Jump,
    /// In the new system, confirmed, with its swap back.
    New,
}

impl End {
    /// The fault matrix's letter.
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Old => "O",
            Self::Jump => "J",
            Self::New => "N",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Stage};

    #[test]
    fn before_the_first_commit_only_the_old_system_is_right_and_after_the_second_only_the_new() {
        for end in [End::Jump, End::New] {
            assert!(!Stage::S0.allows(end) && !Stage::S2.allows(end), "{end:?}");
        }
        for end in [End::Old, End::Jump] {
            assert!(!Stage::S8.allows(end) && !Stage::S9.allows(end), "{end:?}");
        }
    }

    #[test]
    fn the_old_system_is_wrong_once_anything_was_destroyed() {
        let after = [Stage::S4, Stage::S5, Stage::S6, Stage::S7];
        assert!(after.iter().all(|stage| !stage.allows(End::Old)));
    }
}
