//! What was read around a disk's boot sector, and where that leads.

use serde::{Deserialize, Serialize};

use super::Extent;

/// What was read where a BIOS loader is and could be: the sectors between the boot sector and the
/// first partition (MBR), or the BIOS boot partition (GPT).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootArea {
    /// The boot sector's code.
    pub code: BootCode,
    /// Sectors that the core image in use takes, of GRUB 2.
    pub core: Vec<Extent>,
    /// The whole area.
    pub area: Option<Extent>,
    /// Runs of the area that hold nothing.
    pub free: Vec<Extent>,
}

/// Whose code a boot sector holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum BootCode {
    /// GRUB 2's.
    Grub {
        /// The sector that it loads, the first of a core image.
        kernel_sector: u64,
    },
    /// GRUB legacy's, or that of a GRUB 2 before 1.97.
    GrubLegacy {
        /// The sector that it loads: the first of stage 1.5, behind it, or of stage 2, in a file system.
        stage_sector: u32,
    },
    /// None that is known.
    Other,
}

/// Where a boot sector leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadsTo {
    /// To the place where grub-install puts a system's own core image, or to GRUB legacy.
    Own,
    /// To a selector of ours: a core image behind that place.
    Selector,
    /// Nobody knows.
    Unknown,
}

impl BootArea {
    /// Whether the boot sector is a GRUB's, of whatever age.
    pub fn is_grub(&self) -> bool {
        self.code != BootCode::Other
    }

    /// Where the boot sector leads.
    pub fn leads_to(&self) -> LeadsTo {
        match (self.code, self.area) {
            (BootCode::Grub { kernel_sector }, Some(area)) if kernel_sector > area.start => {
                LeadsTo::Selector
            }
            (BootCode::Grub { .. }, Some(_)) | (BootCode::GrubLegacy { .. }, _) => LeadsTo::Own,
            _ => LeadsTo::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(start: u64, sectors: u64) -> Extent {
        Extent { start, sectors }
    }

    #[test]
    fn where_a_boot_sector_leads() {
        let grub = |kernel_sector| BootCode::Grub { kernel_sector };
        let gap = Some(extent(1, 2047));
        let partition = Some(extent(34, 2014));
        let cases = [
            // Debian's installer, on either table.
            (grub(1), gap, LeadsTo::Own),
            (grub(34), partition, LeadsTo::Own),
            // Armed: behind the place of the system's own core image, wherever in the room.
            (grub(1407), gap, LeadsTo::Selector),
            (grub(2), gap, LeadsTo::Selector),
            (grub(1407), partition, LeadsTo::Selector),
            // A blocklist in a file system is beyond the gap; it is not the system's usual place.
            (grub(9000), gap, LeadsTo::Selector),
            // A core image before the BIOS boot partition is none of ours.
            (grub(1), partition, LeadsTo::Own),
            (grub(0), gap, LeadsTo::Own),
            // Without a room there is no place to compare with.
            (grub(1), None, LeadsTo::Unknown),
            (grub(1407), None, LeadsTo::Unknown),
            // No selector of ours is GRUB legacy's, wherever that has its stages.
            (BootCode::GrubLegacy { stage_sector: 1 }, gap, LeadsTo::Own),
            (
                BootCode::GrubLegacy { stage_sector: 9000 },
                gap,
                LeadsTo::Own,
            ),
            (BootCode::GrubLegacy { stage_sector: 1 }, None, LeadsTo::Own),
            (BootCode::Other, gap, LeadsTo::Unknown),
            (BootCode::Other, partition, LeadsTo::Unknown),
            (BootCode::Other, None, LeadsTo::Unknown),
        ];
        for (code, area, leads_to) in cases {
            let read = BootArea {
                code,
                core: Vec::new(),
                area,
                free: Vec::new(),
            };
            assert_eq!(read.leads_to(), leads_to, "{code:?} in {area:?}");
        }
    }
}
