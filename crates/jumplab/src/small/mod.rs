//! The small world: a node of a few hundred MiB that user-mode Linux boots in three seconds, with a
//! real systemd, sshd, GRUB and jumpinit. For power cuts and faults by the hundred.
//!
//! Nodes boot by a BIOS, or by what stands in for a UEFI ([`Table::SmallEfi`]). Their jump system lies on a
//! partition, or in memory ([`Table::SmallEfiInMemory`], [`Table::SmallInMemory`]).
//!
//! One small root is its old system, its jump system and its new one. [`SmallWorld`] keeps its disk at
//! [`Checkpoint`]s and hands out copies, which live in memory where there is room.
//!
//! ```no_run
//! use std::time::Duration;
//! use jumplab::small::{Checkpoint, SmallWorld};
//! use jumplab::vm::{Network, loader::Choice};
//!
//! # fn main() -> anyhow::Result<()> {
//! let world = SmallWorld::prepare()?; // cached
//! let node = world.copy("my-test", Checkpoint::Armed)?; // gone with the value, but for its logs
//! let network = Network::make("my-test")?;
//! assert_eq!(node.choose()?.choice, Choice::Jump); // what GRUB would boot
//! let jump = node.start(&network, Choice::Jump)?;
//! let frozen = jump.freeze()?;
//! let cut = node.copy("my-cut")?; // the disk as a power cut would leave it
//! frozen.thaw()?;
//! jump.wait_for_end(Duration::from_secs(60))?;
//! # Ok(())
//! # }
//! ```

mod checkpoints;
mod efi;
mod node;
mod roots;
mod scratch;

use std::fs::File;
use std::path::PathBuf;

use anyhow::Result;
use jumpspec::plan::Plan;

use crate::vm::{Firmware, Identity, Table};
use crate::{dist, packages, workspace};
pub use node::SmallNode;
pub use scratch::sweep;

/// Where the disk of a copy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checkpoint {
    /// The old system as it was installed, never started.
    Fresh,
    /// After a `jumpimg push` that armed the node and rebooted it; what jumpimg keeps is there too.
    Armed,
}

impl Checkpoint {
    /// A word for folders.
    fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Armed => "armed",
        }
    }
}

/// The small world's disks.
#[derive(Debug, Clone)]
pub struct SmallWorld {
    folder: PathBuf,
    identity: Identity,
    table: Table,
    digest: String,
}

impl SmallWorld {
    /// Makes root, images and checkpoints, or finds them made: `target/vm/small/`. A minute or two, once.
    ///
    /// Needs root, and the programs that [`dist::build`] leaves.
    pub fn prepare() -> Result<Self> {
        Self::prepare_on(Table::Small)
    }

    /// The same on disks that lend no swap: the landing partition is made in free room.
    pub fn prepare_without_swap() -> Result<Self> {
        Self::prepare_on(Table::SmallWithoutSwap)
    }

    /// The same on disks with that table, one of the small ones.
    pub fn prepare_on(table: Table) -> Result<Self> {
        debug_assert!(table.is_small());
        packages::ensure(&[packages::VM, packages::TESTS].concat())?;
        if table.firmware() != Firmware::Bios {
            packages::ensure(packages::SMALL_EFI)?;
        }
        let folder = workspace::target("vm").join(table.name());
        std::fs::create_dir_all(&folder)?;
        // One at a time: tests run in several processes.
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        let identity = Identity::prepare()?;
        let roots = roots::make(&dist::built(), table.firmware())?;
        let world = Self {
            digest: checkpoints::digest(&roots, &identity, table)?,
            folder,
            identity,
            table,
        };
        checkpoints::make(&world, &roots)?;
        Ok(world)
    }

    /// A node at that checkpoint, in a folder of its own. Takes a fraction of a second.
    pub fn copy(&self, name: &str, checkpoint: Checkpoint) -> Result<SmallNode> {
        let node = SmallNode::empty(name, &self.identity, self.table)?;
        node.fill_from(&self.folder.join(checkpoint.name()))?;
        Ok(node)
    }

    /// The plan by which the [`Checkpoint::Armed`] node was armed.
    pub fn plan(&self) -> Result<Plan> {
        node::plan(&self.folder.join(Checkpoint::Armed.name()))
    }

    /// Changes with all that the checkpoints are made from.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// A path beside the checkpoints, for what is worked out from them.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
