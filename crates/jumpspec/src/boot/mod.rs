//! What a machine boots by.

use serde::{Deserialize, Serialize};

use crate::disk::Extent;

/// Where a BIOS loader is and could be: the sectors between the boot sector and the
/// first partition (MBR), or the BIOS boot partition (GPT).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoaderArea {
    /// Whether the boot sector is GRUB's.
    pub grub: bool,
    /// The sector that the boot sector loads, if it is GRUB's.
    pub kernel_sector: Option<u64>,
    /// Sectors that the core image in use takes.
    pub core: Vec<Extent>,
    /// The whole area.
    pub area: Option<Extent>,
    /// Runs of the area that hold nothing (or only an earlier selector of ours).
    pub free: Vec<Extent>,
}
