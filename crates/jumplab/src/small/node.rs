//! One node of the small world: what may be done with it while it runs and while it is down.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::plan::Plan;

use super::scratch;
use crate::journey::Job;
use crate::run;
use crate::vm::loader::{self, Boot, Choice};
use crate::vm::{
    Accelerator, Board, Firmware, Identity, NODE, Network, Node, Role, StandIn, Table, Uml,
    copy_sparse,
};

/// What jumpimg keeps of its runs, in a node's folder.
const STATE: &str = "state";
/// The disk, in a node's folder.
const DISK: &str = "disk.img";

/// A node of the small world. Its folder goes with this value, but for the logs, which stay below
/// `target/vm/runs/NAME/`.
#[derive(Debug)]
pub struct SmallNode {
    /// Its folder, its disk and who it is.
    pub node: Node,
    /// The job that is pushed to it, and what jumpimg keeps of that.
    pub job: Job,
    name: String,
}

impl SmallNode {
    /// A node without a disk.
    pub(super) fn empty(name: &str, identity: &Identity, table: Table) -> Result<Self> {
        let folder = scratch::make(name)?;
        Ok(Self {
            job: Job::write(&folder, table)?,
            node: Node {
                disk: folder.join(DISK),
                folder,
                table,
                firmware: table.firmware(),
                identity: identity.clone(),
                // It is for QEMU, and this world runs in user-mode Linux alone.
                accelerator: Accelerator::Tcg,
            },
            name: name.to_owned(),
        })
    }

    /// Copies the disk and what jumpimg keeps from another folder.
    pub(super) fn fill_from(&self, folder: &Path) -> Result<()> {
        copy_sparse(&folder.join(DISK), &self.node.disk)?;
        let beside = self.node.beside();
        let from = folder.join(beside.file_name().unwrap_or_default());
        if from.exists() {
            copy_sparse(&from, &beside)?;
        }
        let (from, to) = (folder.join(STATE), self.node.folder.join(STATE));
        if from.exists() {
            run::quiet(run::command("cp", ["--archive"]).arg(from).arg(to))?;
        }
        // After the disk: a guest that is frozen writes neither.
        if self.node.firmware == Firmware::Uefi {
            self.firmware().fill_from(folder)?;
        }
        Ok(())
    }

    /// Another node with this one's disk as it is now. Of a guest that is frozen, that is what a power
    /// cut would leave.
    pub fn copy(&self, name: &str) -> Result<Self> {
        let copy = Self::empty(name, &self.node.identity, self.node.table)?;
        copy.fill_from(&self.node.folder)?;
        Ok(copy)
    }

    /// What stands in for its firmware, if that is a UEFI.
    pub fn firmware(&self) -> StandIn {
        StandIn::of(&self.node.folder)
    }

    /// What GRUB would boot; a try that it spends is spent.
    pub fn choose(&self) -> Result<Boot> {
        let initramfs = self.node.initramfs();
        let keep = self.node.table.lands_in_memory();
        let keep = keep.then_some(initramfs.as_path());
        match self.node.firmware {
            Firmware::Bios => loader::choose_keeping(&self.node.disk, keep),
            Firmware::Uefi | Firmware::SecureBoot => {
                loader::choose_by(&self.firmware(), &self.node.disk, keep)
            }
        }
    }

    /// Starts what GRUB chose.
    pub fn start<'a>(&self, network: &'a Network, choice: Choice) -> Result<Uml<'a>> {
        self.start_on(network, choice, &Board::of(&self.node))
    }

    /// The same on other hardware than the node's own.
    pub fn start_on<'a>(
        &self,
        network: &'a Network,
        choice: Choice,
        board: &Board,
    ) -> Result<Uml<'a>> {
        let role = match choice {
            Choice::Old | Choice::New => Role::Root,
            Choice::Jump => Role::Swap,
        };
        Uml::start_on(&self.node, network, role, board)
    }

    /// The plan of the latest run.
    pub fn plan(&self) -> Result<Plan> {
        plan(&self.node.folder)
    }

    /// What jumpimg keeps of the latest run: plan, events, host key, report.
    pub fn run_folder(&self) -> PathBuf {
        run_folder(&self.node.folder)
    }

    /// Moves its folder to `folder`, where it stays.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        scratch::remove(folder)?;
        std::fs::create_dir_all(folder)?;
        let everything = self.node.folder.join(".");
        run::quiet(
            run::command("cp", ["--archive", "--sparse=always"])
                .arg(everything)
                .arg(folder),
        )
    }
}

/// What jumpimg keeps of the latest run of the node in `folder`.
fn run_folder(folder: &Path) -> PathBuf {
    folder.join(STATE).join("nodes").join(NODE)
}

/// The plan of the latest run of the node in `folder`.
pub(super) fn plan(folder: &Path) -> Result<Plan> {
    let text = std::fs::read(run_folder(folder).join("plan.json"));
    Ok(serde_json::from_slice(
        &text.context("jumpimg kept no plan")?,
    )?)
}

impl Drop for SmallNode {
    fn drop(&mut self) {
        let folder = &self.node.folder;
        let gone = scratch::keep_logs(folder, &self.name).and_then(|()| scratch::remove(folder));
        if let Err(error) = gone {
            eprintln!("warning: {error:#}");
        }
    }
}
