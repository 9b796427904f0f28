//! A recipe: how one image is built from a golden root. TOML, one file an image.

use serde::{Deserialize, Serialize};

use crate::image::kind::Kind;
use crate::image::manifest::Budget;

/// `images/NAME/recipe.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The image's name, as it stands in its manifest.
    pub name: String,
    /// What the image is for.
    pub kind: Kind,
    /// What stays out, besides what every image leaves out. A leading `/` anchors
    /// the pattern at the root and takes everything below; otherwise it is a glob
    /// on the file name.
    #[serde(default)]
    pub excludes: Vec<String>,
    /// Upper limits, checked at the end of a build.
    #[serde(default)]
    pub budget: Budget,
    /// How hard to compress.
    #[serde(default)]
    pub compression: Compression,
    /// What to do about file systems mounted below the root.
    #[serde(default)]
    pub mounts: Mounts,
    /// How `cargo xtask golden` makes the root; of no interest to a build.
    #[serde(default)]
    pub golden: Option<toml::Table>,
}

/// How hard to compress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compression {
    /// zstd level, 1–19.
    pub level: i32,
}

impl Default for Compression {
    fn default() -> Self {
        Self { level: 3 }
    }
}

/// Decisions about separate file systems, by mount point (`/boot`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mounts {
    /// Entered, their files stored.
    #[serde(default)]
    pub cross: Vec<String>,
    /// Stored as empty directories, on purpose.
    #[serde(default)]
    pub leave: Vec<String>,
}
