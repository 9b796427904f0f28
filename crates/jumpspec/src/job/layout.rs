//! What the disk becomes: partitions by number.

use serde::{Deserialize, Serialize};

use crate::disk::Filesystem;
use crate::words::size::Size;

/// What the disk becomes. Partitions that no entry names stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The disk: `root` for the one that carries the old root, or a device such as `/dev/sda`.
    #[serde(default = "root_disk")]
    pub disk: String,
    /// Partitions, by number.
    #[serde(rename = "partition")]
    pub partitions: Vec<PartitionWish>,
}

impl Layout {
    /// What is wanted of partition `number`, if it is named.
    pub fn action(&self, number: u32) -> Option<Action> {
        let mut partitions = self.partitions.iter();
        let wish = partitions.find(|wish| wish.number == number);
        wish.map(|wish| wish.action)
    }
}

fn root_disk() -> String {
    "root".to_owned()
}

/// What becomes of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartitionWish {
    /// Its number in the table.
    pub number: u32,
    /// What to do with it.
    pub action: Action,
    /// Where the new system mounts it.
    #[serde(default)]
    pub mount: Option<String>,
    /// Its new file system, for `format` and `create`.
    #[serde(default)]
    pub fs: Option<Filesystem>,
    /// Its new label.
    #[serde(default)]
    pub label: Option<String>,
    /// Its length, for `create`.
    #[serde(default)]
    pub size: Option<Length>,
    /// Mount options; `defaults` if not given, and for `keep` those of the old fstab.
    #[serde(default)]
    pub options: Option<String>,
}

/// What to do with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Its place and its content stay.
    Keep,
    /// Its place stays, its content goes.
    Format,
    /// It is made anew, at a place with room for `size`; one of that number goes.
    Create,
    /// It goes.
    Delete,
}

/// The length of a partition to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", untagged)]
pub enum Length {
    /// All of the largest free run.
    Rest(Rest),
    /// This many bytes, rounded up to whole MiB.
    Size(Size),
}

/// The word `rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rest {
    /// `rest`.
    Rest,
}
