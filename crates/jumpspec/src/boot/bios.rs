//! A BIOS boots by sectors: where there is room for a loader's, and where a plan puts its own.

use serde::{Deserialize, Serialize};

use super::environment::{self, State};
use crate::disk::table::GPT_BIOS_BOOT;
use crate::disk::{Extent, Partition, TableKind};

/// The first MiB of a disk, in sectors: as far as the gap before the first partition of an MBR is ours
/// to use, and where partitioning tools begin.
pub const GAP_END: u64 = 2048;

/// GRUB's diskboot loads no larger core image, in sectors: the memory between 0x8200 and the boot
/// sector's copy (`GRUB_DISK_KERNEL_RESERVED` apart: include/grub/offsets.h, `MEMORY_MACHINE`).
pub const LARGEST_CORE: u64 = 0x780;

/// Bytes of an environment block: GRUB writes no other size (GRUB manual, "The GRUB environment
/// block").
pub const ENV_BLOCK: usize = 1024;

/// Filler that puts [`environment::END`] beyond the block's first 512 bytes, so that a block cut
/// at a sector is not taken for a whole one. All of it is one letter: when a value in
/// front changes its length and only one of the two sectors is written, nothing but
/// the filler's length differs.
const FILL: usize = 560;

/// The variables of an environment block on a BIOS: with a run's id the whole takes less than 700 of
/// its bytes, and what matters stands within the first sector.
pub fn env_block(state: State, run: &str) -> Vec<(String, String)> {
    let (end, sealed) = environment::END;
    let fill = [("jump_fill", "x".repeat(FILL)), (end, sealed.to_owned())];
    let variables = environment::variables(state, run).into_iter().chain(fill);
    variables
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// The room for loaders on a disk with these partitions, extended ones among them: on an MBR these end
/// the gap as any other does, for their first sector names the logical ones.
pub fn area(kind: TableKind, partitions: &[Partition]) -> Option<Extent> {
    match kind {
        TableKind::Mbr => {
            let starts = partitions.iter().map(|partition| partition.start);
            let first = starts.min().unwrap_or(GAP_END).min(GAP_END);
            (first > 1).then(|| Extent {
                start: 1,
                sectors: first - 1,
            })
        }
        TableKind::Gpt => {
            let mut partitions = partitions.iter();
            let room = partitions.find(|partition| partition.type_code == GPT_BIOS_BOOT);
            room.map(Partition::extent)
        }
    }
}

/// Where the selector and the loaders go on a BIOS, in sectors of the planned disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BiosBoot {
    /// Room for the selector's core image.
    pub core: Extent,
    /// The sector that keeps a raw copy of the old boot sector.
    pub old_boot_sector: u64,
    /// Room for the new system's core image, at the standard place.
    pub new_core: Extent,
}

impl BiosBoot {
    /// The raw copy of a boot sector.
    pub fn raw_copy(&self) -> Extent {
        Extent {
            start: self.old_boot_sector,
            sectors: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(start: u64, sectors: u64) -> Extent {
        Extent { start, sectors }
    }

    fn partitions(starts: &[(u64, &str)]) -> Vec<Partition> {
        let partition = |(start, type_code): &(u64, &str)| Partition {
            number: 1,
            start: *start,
            sectors: 1 << 20,
            type_code: (*type_code).to_owned(),
            partuuid: None,
            name: None,
            bootable: false,
        };
        starts.iter().map(partition).collect()
    }

    #[test]
    fn the_first_partition_ends_the_gap_also_an_extended_one() {
        let gap = |starts: &[(u64, &str)]| area(TableKind::Mbr, &partitions(starts));
        let extended = [(400, "0x05"), (2048, "0x83")];
        assert_eq!(gap(&extended), Some(extent(1, 399)));
        assert_eq!(gap(&[]).map(Extent::end), Some(GAP_END));
        assert_eq!(gap(&[(1, "0x83")]), None);
    }

    #[test]
    fn on_a_gpt_only_a_bios_boot_partition_is_room() {
        let room = |starts: &[(u64, &str)]| area(TableKind::Gpt, &partitions(starts));
        assert_eq!(room(&[(4096, "linux")]), None);
        assert_eq!(room(&[(34, GPT_BIOS_BOOT)]).map(|it| it.start), Some(34));
    }

    #[test]
    fn what_matters_lies_in_the_first_sector_and_the_seal_in_the_second() {
        let header = "# GRUB Environment Block\n".len();
        for (state, run) in [(State::Old, ""), (State::Try(3), &*"r".repeat(64))] {
            let lines: Vec<String> = env_block(state, run)
                .iter()
                .map(|(name, value)| format!("{name}={value}\n"))
                .collect();
            let length = |lines: &[String]| header + lines.iter().map(String::len).sum::<usize>();
            assert!(length(&lines[..3]) < 256);
            assert!(
                length(&lines[..4]) > 512 + 16,
                "the filler spans the border"
            );
            assert!(length(&lines) < ENV_BLOCK - 64);
        }
    }

    #[test]
    fn states_are_read_back_as_written() {
        for state in [
            State::Old,
            State::Once,
            State::Jump,
            State::Try(3),
            State::Try(0),
        ] {
            let env = env_block(state, "r1");
            let get = |name: &str| {
                let pair = env.iter().find(|(key, _)| key == name)?;
                Some(pair.1.as_str())
            };
            assert_eq!(State::read(get), Some(state));
            let unsealed = |name: &str| get(name).filter(|_| name != "jump_end");
            assert_eq!(State::read(unsealed), None);
        }
    }
}
