//! The system calls and programs that jump needs, and nothing that knows a plan.
//!
//! Everything here does one effect on one named object and reports a typed error which names that
//! object. What to do, and in which order, is decided elsewhere. `unsafe` lives in this crate only.
//!
//! Sectors are 512 bytes throughout, unless a name says otherwise.

pub mod atomic;
pub mod blkid;
pub mod blockdev;
pub mod bootsector;
pub mod bootwrite;
pub mod cmd;
pub mod console;

pub mod devlinks;
pub mod durable;
pub mod erase;
pub mod error;
pub mod ext4;
pub mod freeze;
pub mod grubenv;
pub mod hostkey;
pub mod journal_slots;
pub mod kexec;
pub mod kmsg;
pub mod lock;
pub mod mkfs;
pub mod module;
pub mod mount;
pub mod mountinfo;
pub mod netlink;
pub mod owners;
pub mod partition;
pub mod partnodes;
pub mod process;
pub mod restart;
pub mod root;
pub mod sealed;
pub mod superblock;
pub mod swap;
pub mod sysfs;
pub mod system;
pub mod usage;
pub mod watchdog;

pub use error::PathError;
