//! Tells the kernel which partitions a disk has, one by one (BLKPG), so that those which stay as
//! they are may stay mounted. It never reads or writes the table on the disk: some kernels cannot
//! read it, and none needs to.
//!
//! Source: linux/blkpg.h, block/ioctl.c.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jumpspec::disk::{Extent, SECTOR, Slot};
use nix::libc::{c_int, c_longlong, c_void};

use crate::disk::blockdev::partition_path;
use crate::error::{At as _, PathError};
use crate::kernel::sysfs::{self, KernelPartition};

/// How long a new partition's node may take to appear.
const NODE_WAIT: Duration = Duration::from_secs(10);
/// How long a partition that is to go may be open. udev looks into all partitions of a disk whose
/// table was just written (udev(7), OPTIONS+="watch"), and lets go when it has looked.
const OPEN_WAIT: Duration = Duration::from_secs(10);
/// How often either is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const BLKPG_ADD_PARTITION: c_int = 1;
const BLKPG_DEL_PARTITION: c_int = 2;
const BLKPG_RESIZE_PARTITION: c_int = 3;

#[repr(C)]
struct BlkpgPartition {
    start: c_longlong,
    length: c_longlong,
    pno: c_int,
    devname: [u8; 64],
    volname: [u8; 64],
}

#[repr(C)]
struct BlkpgIoctlArg {
    op: c_int,
    flags: c_int,
    datalen: c_int,
    data: *mut c_void,
}

mod ioctl {
    nix::ioctl_write_ptr_bad!(
        blkpg,
        nix::request_code_none!(0x12, 105),
        super::BlkpgIoctlArg
    );
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum PartnodesError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// A partition which is to go or to move is mounted, swapped to, or part of something larger.
    #[error("partition {} is in use and cannot be changed", partition.display())]
    Busy {
        /// Its node.
        partition: PathBuf,
    },
    /// The kernel made the partition and no node of it came.
    #[error("{} did not appear within {} s", partition.display(), NODE_WAIT.as_secs())]
    NoNode {
        /// The node that was waited for.
        partition: PathBuf,
    },
}

/// Makes the kernel's partitions of `disk` (a path in /dev) exactly the wanted ones: those which
/// differ or are not wanted are removed, those which lack are added, those which are the same are
/// left alone. Waits a while for one that is to go and is open. Returns when every wanted node is
/// there. Doing it again changes nothing.
pub fn sync_kernel_partitions(disk: &Path, wanted: &[Slot]) -> Result<(), PartnodesError> {
    let known = sysfs::read_disk(Path::new(sysfs::SYS), &kernel_name(disk)?)?.partitions;
    let (remove, add) = difference(&known, wanted);
    let file = File::open(disk).at("open", disk)?;
    let deadline = Instant::now() + OPEN_WAIT;
    for number in remove {
        remove_partition(&file, number, deadline)
            .map_err(|e| refused(disk, "remove partition", number, e))?;
    }
    for Slot { number, extent } in add {
        let made = blkpg(&file, BLKPG_ADD_PARTITION, number, Some(extent));
        made.map_err(|e| refused(disk, "add partition", number, e))?;
    }
    wanted
        .iter()
        .try_for_each(|w| wait_for_node(disk, w.number))
}

/// The partitions of `disk` that the kernel knows.
pub fn kernel_partitions(disk: &Path) -> Result<Vec<Slot>, PartnodesError> {
    let known = sysfs::read_disk(Path::new(sysfs::SYS), &kernel_name(disk)?)?.partitions;
    let slot = |partition: &KernelPartition| Slot {
        number: partition.number,
        extent: partition.extent,
    };
    Ok(known.iter().map(slot).collect())
}

/// Tells the kernel that a partition, which may be in use, now ends elsewhere.
pub fn resize_kernel_partition(disk: &Path, wanted: Slot) -> Result<(), PartnodesError> {
    let file = File::open(disk).at("open", disk)?;
    let Slot { number, extent } = wanted;
    blkpg(&file, BLKPG_RESIZE_PARTITION, number, Some(extent))
        .map_err(|e| refused(disk, "resize partition", number, e))
}

/// Which to remove and which to add, in this order.
fn difference(known: &[KernelPartition], wanted: &[Slot]) -> (Vec<u32>, Vec<Slot>) {
    let same = |k: &KernelPartition, w: &Slot| (k.number, k.extent) == (w.number, w.extent);
    let stale = known.iter().filter(|k| !wanted.iter().any(|w| same(k, w)));
    let fresh = wanted.iter().filter(|w| !known.iter().any(|k| same(k, w)));
    (stale.map(|k| k.number).collect(), fresh.copied().collect())
}

fn remove_partition(disk: &File, number: u32, deadline: Instant) -> io::Result<()> {
    loop {
        match blkpg(disk, BLKPG_DEL_PARTITION, number, None) {
            Err(e) if e.kind() == io::ErrorKind::ResourceBusy && Instant::now() < deadline => {
                thread::sleep(LOOK_EVERY);
            }
            done => return done,
        }
    }
}

fn blkpg(disk: &File, op: c_int, number: u32, extent: Option<Extent>) -> io::Result<()> {
    let extent = extent.unwrap_or(Extent {
        start: 0,
        sectors: 0,
    });
    let bytes = |sectors: u64| {
        let bytes = sectors.checked_mul(SECTOR);
        bytes
            .and_then(|b| c_longlong::try_from(b).ok())
            .ok_or(io::ErrorKind::InvalidInput)
    };
    let mut partition = BlkpgPartition {
        start: bytes(extent.start)?,
        length: bytes(extent.sectors)?,
        pno: c_int::try_from(number).map_err(|_| io::ErrorKind::InvalidInput)?,
        devname: [0; 64],
        volname: [0; 64],
    };
    let arg = BlkpgIoctlArg {
        op,
        flags: 0,
        datalen: c_int::try_from(size_of::<BlkpgPartition>()).map_err(io::Error::other)?,
        data: (&raw mut partition).cast(),
    };
    // SAFETY: BLKPG reads the argument and, through its pointer, `datalen` bytes of the partition;
    // both live until the call returns and have the layout of linux/blkpg.h.
    unsafe { ioctl::blkpg(disk.as_raw_fd(), &raw const arg) }?;
    Ok(())
}

fn refused(disk: &Path, action: &'static str, number: u32, error: io::Error) -> PartnodesError {
    let partition = partition_path(disk, number);
    if error.kind() == io::ErrorKind::ResourceBusy {
        return PartnodesError::Busy { partition };
    }
    PathError::new(action, &partition, error).into()
}

/// devtmpfs makes the node at once; without it (an old /dev) this is what fails.
fn wait_for_node(disk: &Path, number: u32) -> Result<(), PartnodesError> {
    let partition = partition_path(disk, number);
    let deadline = Instant::now() + NODE_WAIT;
    while !partition.exists() {
        if Instant::now() > deadline {
            return Err(PartnodesError::NoNode { partition });
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// The name in /sys/block: symbolic links followed, and slashes below /dev turned into `!`.
fn kernel_name(disk: &Path) -> Result<String, PathError> {
    let real = fs::canonicalize(disk).at("find", disk)?;
    let name = real.strip_prefix("/dev").unwrap_or(&real);
    Ok(name.to_string_lossy().replace('/', "!"))
}

#[cfg(test)]
mod tests {
    use super::{Slot, difference};
    use crate::kernel::sysfs::KernelPartition;
    use jumpspec::disk::Extent;

    fn known(number: u32, start: u64, sectors: u64) -> KernelPartition {
        KernelPartition {
            name: format!("vda{number}"),
            number,
            device: (254, number),
            extent: Extent { start, sectors },
            holders: Vec::new(),
        }
    }

    fn wanted(number: u32, start: u64, sectors: u64) -> Slot {
        let extent = Extent { start, sectors };
        Slot { number, extent }
    }

    #[test]
    fn leaves_identical_partitions_alone() {
        let known = [known(1, 2048, 100), known(2, 4096, 100), known(5, 9000, 1)];
        let wanted = [
            wanted(1, 2048, 100),
            wanted(2, 4096, 200),
            wanted(3, 8192, 8),
        ];
        let (remove, add) = difference(&known, &wanted);
        assert_eq!(remove, [2, 5]);
        assert_eq!(add, [wanted[1], wanted[2]]);
    }
}
