//! A node between its last boot of the old system and its first of the jump system.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::journey::{BOOT, Job, Portrait, Push};
use jumplab::small::{Checkpoint, SmallNode, SmallWorld};
use jumplab::vm::loader::{self, Choice};
use jumplab::vm::{Guest as _, NODE, Network, Node, Role, Table, Uml, Victim};
use jumpspec::boot::environment::State;
use jumpspec::plan::Plan;
use jumpspec::words::digest::Digest;

use jump_tests::machines::disk;

/// From the first look at the node to its reboot, and for the jump system's whole work.
pub(crate) const WORK: Duration = Duration::from_mins(10);
/// From a system's SSH to the end of the push.
pub(crate) const PUSH: Duration = Duration::from_mins(5);
/// Sectors before the first partition.
pub(crate) const HEAD: u64 = 2048;

/// The node is down and armed, and the push that did it waits for what comes next.
pub(crate) struct Staged {
    pub(crate) node: Node,
    pub(crate) network: Network,
    pub(crate) job: Job,
    pub(crate) push: Push,
    pub(crate) plan: Plan,
    /// The node as it was.
    pub(crate) before: Portrait,
    /// The disk's first sectors as they were.
    pub(crate) head: Vec<u8>,
    /// What keeps the folder of a node of the small world.
    _small: Option<SmallNode>,
}

impl Staged {
    /// Pushes the real images to a fresh victim.
    pub(crate) fn real(name: &str) -> Result<Self> {
        let node = Victim::prepare(Table::Mbr)?.copy(name)?;
        Uml::adapt(&node)?;
        let job = Job::write(&node.folder, Table::Mbr)?;
        Self::stage(name, node, job, None, &["--yes"])
    }

    /// Pushes to a node of the small world; `more` is appended to the job.
    pub(crate) fn new(name: &str, more: &str) -> Result<Self> {
        Self::with(name, more, &["--yes"])
    }

    /// The same with these options of `jumpimg push`.
    pub(crate) fn with(name: &str, more: &str, options: &[&str]) -> Result<Self> {
        let small = SmallWorld::prepare()?.copy(name, Checkpoint::Fresh)?;
        let (node, job) = (small.node.clone(), small.job.clone());
        job.append(more)?;
        Self::stage(name, node, job, Some(small), options)
    }

    fn stage(
        name: &str,
        node: Node,
        job: Job,
        small: Option<SmallNode>,
        options: &[&str],
    ) -> Result<Self> {
        let head = disk::sectors(&node, 0, HEAD)?;
        let boot = boot_digest(&node)?;
        let network = Network::make(name)?;
        let mut old = Uml::start(&node, &network, Role::Root)?;
        old.wait_for_ssh(BOOT)?;
        let before = Portrait::take(&old)?;
        let push = network.inside(&job.push(old.ssh_config(), options));
        let push = Push::start(push, &node.folder.join("push.log"))?;
        old.wait_for_end(WORK)?;
        let plan = plan(&node).with_context(|| push.said().unwrap_or_default())?;
        ensure!(boot_digest(&node)? == boot, "staging has changed /boot");
        Ok(Self {
            node,
            network,
            job,
            push,
            plan,
            before,
            head,
            _small: small,
        })
    }

    /// Starts the system on the partition with that role.
    pub(crate) fn start(&self, root: Role) -> Result<Uml<'_>> {
        Uml::start(&self.node, &self.network, root)
    }

    /// Starts another of jumpimg's commands, with these options, on one of the admin's hosts.
    pub(crate) fn order(&self, job: &Job, command: &str, more: &[&str]) -> Result<Push> {
        let config = self.node.folder.join("ssh_config");
        let command_line = self.network.inside(&job.command(command, &config, more));
        Push::start(
            command_line,
            &self.node.folder.join(format!("{command}.log")),
        )
    }

    /// The node is as it was before the push, and so are the sectors before its first partition.
    pub(crate) fn is_as_before(&self, old: Uml<'_>) -> Result<()> {
        let (before, after) = (&self.before, Portrait::take(&old)?);
        ensure!(before == &after, "it was {before:#?}\nit is {after:#?}");
        let rests = old.ssh("ls -d /dev/shm/jump-* /run/jump-* /jump-* 2>/dev/null || true")?;
        ensure!(
            rests.trim().is_empty() || rests.trim() == "/run/jump.lock",
            "left there: {rests}"
        );
        old.power_off(BOOT)?;
        let head = disk::sectors(&self.node, 0, HEAD)?;
        ensure!(
            head == self.head,
            "the sectors before the first partition are not what they were"
        );
        Ok(())
    }

    /// Lets GRUB choose; fails unless the environment block says `state` and GRUB goes by it. Back to
    /// the old system the boot sector may lead by itself. What is to be read on the disk through a
    /// journal must be read after this.
    pub(crate) fn select(&self, state: State) -> Result<()> {
        let boot = loader::choose(&self.node.disk)?;
        let (word, tries) = state.values();
        let says = format!("the environment block says {word} {tries}\n");
        let choice = match state {
            State::Old => Choice::Old,
            State::Once | State::Jump => Choice::Jump,
            State::Try(_) | State::New => Choice::New,
        };
        let log = &boot.log;
        ensure!(
            choice == Choice::Old || log.contains(&says),
            "not {state:?}:\n{log}"
        );
        ensure!(boot.choice == choice, "it is {:?}:\n{log}", boot.choice);
        Ok(())
    }
}

/// The digest of /boot, on a partition of its own or not.
fn boot_digest(node: &Node) -> Result<Digest> {
    if node.table.partition(Role::Boot).is_some() {
        return disk::with_mounted(node, Role::Boot, |boot| disk::tree_digest(boot, &[]));
    }
    disk::with_mounted(node, Role::Root, |root| {
        disk::tree_digest(&root.join("boot"), &[])
    })
}

/// The plan, as jumpimg keeps it.
fn plan(node: &Node) -> Result<Plan> {
    let file = node.folder.join("state/nodes").join(NODE).join("plan.json");
    let text = std::fs::read(file).context("jumpimg kept no plan")?;
    Ok(serde_json::from_slice(&text)?)
}
