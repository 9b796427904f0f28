//! The running kernel and its init: what they say of the machine, and how they are asked to end it.
//!
//! Reads sysfs, procfs and the kernel's log. Changes nothing on a disk; what it asks of the kernel
//! (a module, a watchdog, a reboot) holds until the next boot at most.

pub mod console;
pub mod kexec;
pub mod kmsg;
pub mod module;
pub mod process;
pub mod restart;
pub mod sysfs;
pub mod system;
pub mod watchdog;
