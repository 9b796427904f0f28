//! Questions to and orders for a whole block device: size, sector size, caches, and nodes in /dev.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::libc;

use crate::error::{At as _, PathError};

mod ioctl {
    //! linux/fs.h
    nix::ioctl_read!(blkgetsize64, 0x12, 114, u64);
    nix::ioctl_read_bad!(
        blksszget,
        nix::request_code_none!(0x12, 104),
        nix::libc::c_int
    );
    nix::ioctl_none!(blkflsbuf, 0x12, 97);
    nix::ioctl_none!(blkrrpart, 0x12, 95);
}

/// What can be wrong with a block device.
#[derive(Debug, thiserror::Error)]
pub enum BlockdevError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// The disk's logical sectors are not 512 bytes; nothing here writes to such a disk.
    #[error("{} has logical sectors of {bytes} bytes, not 512", device.display())]
    UnsupportedSectorSize {
        /// The disk.
        device: PathBuf,
        /// Its sector size in bytes.
        bytes: u32,
    },
}

/// Size of an open block device, or of an image in a file, in bytes. `path` is for the error.
pub fn size_bytes(file: &File, path: &Path) -> Result<u64, PathError> {
    let metadata = file.metadata().at("look at", path)?;
    if !metadata.file_type().is_block_device() {
        return Ok(metadata.len());
    }
    let mut size = 0;
    // SAFETY: BLKGETSIZE64 writes one u64 to the pointer, which is valid for it.
    unsafe { ioctl::blkgetsize64(file.as_raw_fd(), &raw mut size) }.at("get the size of", path)?;
    Ok(size)
}

/// Logical sector size in bytes; 512 for an image in a file.
pub fn sector_size(file: &File, path: &Path) -> Result<u32, PathError> {
    let metadata = file.metadata().at("look at", path)?;
    if !metadata.file_type().is_block_device() {
        return Ok(512);
    }
    let mut size: libc::c_int = 0;
    // SAFETY: BLKSSZGET writes one int to the pointer, which is valid for it.
    unsafe { ioctl::blksszget(file.as_raw_fd(), &raw mut size) }
        .at("get the sector size of", path)?;
    Ok(size.unsigned_abs())
}

/// Fails unless the disk's logical sectors are 512 bytes.
pub fn require_512(file: &File, path: &Path) -> Result<(), BlockdevError> {
    match sector_size(file, path)? {
        512 => Ok(()),
        bytes => Err(BlockdevError::UnsupportedSectorSize {
            device: path.to_owned(),
            bytes,
        }),
    }
}

/// Writes out and forgets what the kernel has cached of the device, so that the next read comes
/// from the device itself. On an image in a file it only syncs.
pub fn flush(file: &File, path: &Path) -> Result<(), PathError> {
    file.sync_all().at("sync", path)?;
    if file
        .metadata()
        .at("look at", path)?
        .file_type()
        .is_block_device()
    {
        // SAFETY: BLKFLSBUF takes no argument; the descriptor is open.
        unsafe { ioctl::blkflsbuf(file.as_raw_fd()) }.at("flush", path)?;
    }
    Ok(())
}

/// Makes the kernel read the partition table again. Fails with `EBUSY` if any partition is in use;
/// see [`crate::disk::partnodes`] for the way that spares those.
pub fn reread_table(device: &Path) -> Result<(), PathError> {
    let file = File::open(device).at("open", device)?;
    // SAFETY: BLKRRPART takes no argument; the descriptor is open.
    unsafe { ioctl::blkrrpart(file.as_raw_fd()) }.at("re-read the partition table of", device)?;
    Ok(())
}

/// Opens a device to read and write. Of a block device that is mounted, swapped to or part of
/// something larger, `EBUSY` (open(2), `O_EXCL` on block devices).
pub fn open_exclusive(device: &Path) -> Result<File, PathError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_EXCL)
        .open(device)
        .at("open for itself alone", device)
}

/// The node of a partition: `/dev/vda` and 3 give `/dev/vda3`; a disk whose name ends in a digit
/// gets a `p` between (`/dev/nvme0n1p3`). block/partitions/core.c, disk_name.
pub fn partition_path(disk: &Path, number: u32) -> PathBuf {
    let mut path = disk.as_os_str().to_owned();
    let last = path.as_encoded_bytes().last();
    if last.is_some_and(u8::is_ascii_digit) {
        path.push("p");
    }
    path.push(number.to_string());
    path.into()
}

#[cfg(test)]
mod tests {
    use super::{partition_path, require_512, size_bytes};
    use std::path::Path;

    #[test]
    fn names_partitions_as_the_kernel_does() {
        let name = |disk, n| partition_path(Path::new(disk), n);
        assert_eq!(name("/dev/vda", 3), Path::new("/dev/vda3"));
        assert_eq!(name("/dev/nvme0n1", 12), Path::new("/dev/nvme0n1p12"));
        assert_eq!(name("/dev/loop0", 1), Path::new("/dev/loop0p1"));
    }

    #[test]
    fn takes_an_image_in_a_file_for_a_disk() {
        let image = tempfile::NamedTempFile::new().unwrap();
        image.as_file().set_len(4096).unwrap();
        assert_eq!(size_bytes(image.as_file(), image.path()).unwrap(), 4096);
        require_512(image.as_file(), image.path()).unwrap();
    }
}
