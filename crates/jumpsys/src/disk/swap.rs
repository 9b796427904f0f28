//! Makes a swap area, as mkswap would, without running it. Never touches a device in use.
//!
//! Source: the kernel's include/linux/swap.h (`union swap_header`), util-linux mkswap.c.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};

use jumpspec::disk::filesystem;
use jumpspec::disk::filesystem::LabelError;
use uuid::Uuid;

use crate::disk::blockdev;
use crate::disk::durable::{self, DurableError};
use crate::error::{At as _, PathError};

/// Bytes of a page on every machine this runs on.
const PAGE: usize = 4096;
/// How much is zeroed at both ends: btrfs keeps its superblock at 64 KiB, md 0.90 its own within
/// the last 128 KiB.
const WIPED: u64 = 128 * 1024;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Writing or reading back failed.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The identifier is not a UUID.
    #[error("`{0}` is not a UUID, which swap needs")]
    BadUuid(String),
    /// Not a label that swap can have.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// The device is smaller than what is wiped at both its ends.
    #[error("{} is too small for swap: {bytes} bytes", device.display())]
    TooSmall {
        /// The device.
        device: PathBuf,
        /// Its size in bytes.
        bytes: u64,
    },
}

/// Makes a version 1 swap area of the whole of `device` (or a file), with this UUID and label.
/// What was there before is wiped as far as any program would recognise it. `EBUSY` if the device
/// is mounted, swapped to or part of something larger. Doing it again gives the same.
pub fn make_swap(device: &Path, uuid: &str, label: Option<&str>) -> Result<(), SwapError> {
    let file = blockdev::open_exclusive(device)?;
    let size = blockdev::size_bytes(&file, device)?;
    if size < 2 * WIPED {
        return Err(SwapError::TooSmall {
            device: device.to_owned(),
            bytes: size,
        });
    }
    let header = header(size, uuid, label.unwrap_or_default())?;
    wipe(&file, device, size)?;
    // The sector with the signature is part of one 4 KiB write: a header cut in half has none.
    durable::write_open(&file, device, 0, &header)?;
    Ok(())
}

/// Zeroes every place where a superblock known to [`crate::disk::superblock`] can be, and syncs. A device
/// smaller than 256 KiB is zeroed whole.
pub fn wipe_signatures(device: &Path) -> Result<(), PathError> {
    let file = blockdev::open_exclusive(device)?;
    let size = blockdev::size_bytes(&file, device)?;
    wipe(&file, device, size)
}

fn wipe(file: &File, device: &Path, size: u64) -> Result<(), PathError> {
    let ends = size.min(WIPED);
    let zeros = vec![0; usize::try_from(ends).unwrap_or_default()];
    file.write_all_at(&zeros, 0).at("wipe", device)?;
    file.write_all_at(&zeros, size - ends)
        .at("wipe the end of", device)?;
    let metadata = file.metadata().at("look at", device)?;
    if metadata.file_type().is_block_device() {
        // Before the header: a power cut must not leave old and new signatures together.
        return blockdev::flush(file, device);
    }
    file.sync_all().at("sync", device)
}

fn header(size: u64, uuid: &str, label: &str) -> Result<[u8; PAGE], SwapError> {
    let parsed = Uuid::try_parse(uuid).map_err(|_| SwapError::BadUuid(uuid.to_owned()))?;
    filesystem::label("swap", label)?;
    let last_page = (size / PAGE as u64).saturating_sub(1);
    // 16 TiB are all that the header can tell of.
    let last_page = u32::try_from(last_page).unwrap_or(u32::MAX);
    let mut page = [0; PAGE];
    page[1024..1028].copy_from_slice(&1u32.to_le_bytes());
    page[1028..1032].copy_from_slice(&last_page.to_le_bytes());
    page[1036..1052].copy_from_slice(parsed.as_bytes());
    page[1052..1052 + label.len()].copy_from_slice(label.as_bytes());
    page[PAGE - 10..].copy_from_slice(b"SWAPSPACE2");
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::{SwapError, make_swap};
    use crate::disk::superblock::{Kind, probe};
    use std::fs;
    use std::process::Command;

    const UUID: &str = "0f9fbc02-7e4b-4b5f-8d4a-2c9d1d6f0a11";

    #[test]
    fn makes_what_swaplabel_and_our_own_probe_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swap");
        fs::write(&path, vec![0xaa; 1 << 20]).unwrap();
        make_swap(&path, UUID, Some("swap0")).unwrap();
        let found = probe(&path).unwrap().unwrap();
        assert_eq!(found.kind, Kind::Swap);
        assert_eq!(found.uuid.as_deref(), Some(UUID));
        assert_eq!(found.label.as_deref(), Some("swap0"));
        let Ok(out) = Command::new("/usr/sbin/swaplabel").arg(&path).output() else {
            println!("skipped: swaplabel's opinion: no swaplabel");
            return;
        };
        let text = String::from_utf8(out.stdout).unwrap();
        assert_eq!(text, format!("LABEL: swap0\nUUID:  {UUID}\n"));
    }

    #[test]
    fn refuses_before_it_writes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("swap");
        fs::write(&path, vec![7; 1 << 20]).unwrap();
        let bad = make_swap(&path, "ABCD-1234", None);
        assert!(matches!(bad, Err(SwapError::BadUuid(_))));
        let long = make_swap(&path, UUID, Some("seventeen letters"));
        assert!(matches!(long, Err(SwapError::Label(_))));
        assert!(fs::read(&path).unwrap().iter().all(|&b| b == 7));
    }
}
