//! The two kinds of images, and what each is for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::places;

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The small system that runs from the landing partition.
    Jump,
    /// The new system.
    Target,
}

impl Kind {
    /// What the steps run in an image of this kind, by the very paths that they run it by, besides
    /// mkfs and what [`crate::image::loader::Loader`] names.
    pub fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Jump => &[],
            Self::Target => &[places::SSHD, places::SSH_KEYGEN, places::SYSTEMCTL],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jump => "jump",
            Self::Target => "target",
        })
    }
}
