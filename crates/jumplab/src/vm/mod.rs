//! Virtual machines and the disks that they boot. Never knows of a job or a push.
//!
//! [`Victim`] makes the disk of a Debian 12 node once and hands out copies; [`Machine`] runs one in
//! QEMU, [`Uml`] one as a process, without firmware and loader. [`crate::small`] has smaller nodes for
//! the latter, also half way through a jump. Everything is below `target/vm/`.
//!
//! ```no_run
//! use std::time::Duration;
//! use jumplab::vm::{Guest as _, Hardware, Machine, Table, Victim};
//!
//! # fn main() -> anyhow::Result<()> {
//! let victim = Victim::prepare(Table::Mbr)?; // cached
//! let node = victim.copy("my-test")?; // a folder with a disk of its own
//! let mut machine = Machine::start(&node, &Hardware::default())?;
//! machine.wait_for_ssh(Duration::from_secs(300))?;
//! assert_eq!(machine.ssh("hostname")?.trim(), "node07");
//! machine.kill()?; // the disk, node.disk, can now be changed and started again
//! # Ok(())
//! # }
//! ```

mod accel;
mod board;
mod boot_manager;
mod content;
mod files;
mod firmware;
mod first_boot;
mod freeze;
mod guest;
mod identity;
mod install;
mod layout;
pub mod loader;
mod log;
mod loopdev;
mod machine;
mod netns;
mod node;
mod port;
mod qemu;
mod seat;
mod stand_in;
mod uml;
mod uml_kernel;
mod variables;
pub(crate) mod victim;
mod wait;

pub use accel::Accelerator;
pub use board::Board;
pub use content::DATA_FILES;
pub use firmware::Firmware;
pub use freeze::Frozen;
pub use guest::Guest;
pub use identity::Identity;
pub use layout::{BOOT_UUID, DATA_UUID, ESP_UUID, ROOT_UUID, SWAP_UUID};
pub use layout::{Partition, Role, Table};
pub use loopdev::{LoopDevice, Mount, keep_mounts_private, with_own_mounts};
pub use machine::Machine;
pub use netns::Network;
pub use node::{Node, copy_sparse};
pub use qemu::{Bus, Hardware};
pub use stand_in::StandIn;
pub use uml::Uml;
pub use uml_kernel::UmlKernel;
pub use variables::Variables;
pub use victim::Victim;
pub use wait::{until, until_every};

/// The victim's host name, and its name for SSH.
pub const NODE: &str = "node07";
/// The serial number of the victim's disk: `/dev/disk/by-id/virtio-JUMP-NODE07`, or as its bus has it.
pub const DISK_SERIAL: &str = "JUMP-NODE07";
/// The MAC of the first interface, which has DHCP.
pub const MAC_DHCP: &str = "52:54:00:07:00:01";
/// The MAC of the second interface, which is static.
pub const MAC_STATIC: &str = "52:54:00:07:00:02";
/// The static interface's address.
pub const STATIC_ADDRESS: &str = "192.168.77.10/24";
/// A network routed by way of the static interface, and its gateway.
pub const STATIC_ROUTE: (&str, &str) = ("10.99.0.0/16", "192.168.77.1");
/// A human account: name, uid, password. Its home is on /data.
pub const ALICE: (&str, u32, &str) = ("alice", 1007, "wonderland of node07");
/// The label of the swap partition.
pub const SWAP_LABEL: &str = "swap0";
