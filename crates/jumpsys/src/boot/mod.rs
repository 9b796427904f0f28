//! What a machine boots by: the BIOS loader's sectors, UEFI's variables, and GRUB's environment block.
//!
//! Writes what the caller gives, where the caller says, and reads it back. Never chooses a sector
//! that it was not told of, never touches a partition table, never renames what GRUB reads.

pub mod bootsector;
pub mod bootwrite;
pub mod efivars;
pub mod grubenv;
