//! Block devices: tables, what is on a partition, what is made there.
//!
//! Touches the device that it is given, or a file in its place. Never chooses a disk, never looks
//! at files through a mount; what would destroy a file system opens its device for itself alone, as
//! the mkfs programs do.

pub mod blkid;
pub mod blockdev;
pub mod devlinks;
pub mod durable;
pub mod erase;
pub mod ext4;
pub mod luks;
pub mod mkfs;
pub mod partition;
pub mod partnodes;
pub mod superblock;
pub mod swap;
