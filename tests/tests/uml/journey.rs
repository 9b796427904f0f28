//! One node, from Debian 12 to Debian 13: what is on its disk at each reboot.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumpspec::plan::Plan;
use jumpspec::selector::State;
use jumpsys::bootsector::BootSector;
use jumpsys::superblock::{self, Kind};
use xtask::journey::{self, BOOT, Job, Portrait};
use xtask::vm::{
    ALICE, Guest as _, LoopDevice, Network, Node, Role, SWAP_LABEL, SWAP_UUID, Table, Uml, Victim,
};

use crate::machines::{Push, disk};
use crate::selector;

/// From the first look at the node to its reboot, and for the jump system's whole work.
const WORK: Duration = Duration::from_mins(10);
/// From the new system's SSH to the end of the push.
const FINISH: Duration = Duration::from_mins(5);
/// Where grub-install puts a core image.
const STANDARD_PLACE: u64 = 1;

pub(crate) fn stage_replace_and_finish() -> Result<()> {
    let node = Victim::prepare(Table::Mbr)?.copy("uml-journey")?;
    Uml::adapt(&node)?;
    let head = disk::sectors(&node, 0, HEAD)?;
    let boot = disk::with_mounted(&node, Role::Boot, |boot| disk::tree_digest(boot, &[]))?;
    let network = Network::make("uml-journey")?;
    let mut old = Uml::start(&node, &network, Role::Root)?;
    old.wait_for_ssh(BOOT)?;
    let before = Portrait::take(&old)?;
    let job = Job::write(&node.folder, Table::Mbr)?;
    let push = network.inside(&job.push(old.ssh_config(), &["--yes"]));
    let push = Push::start(push, &node.folder.join("push.log"))?;
    old.wait_for_end(WORK)?;

    let plan = plan(&node).with_context(|| push.said().unwrap_or_default())?;
    armed(&node, &plan, &head)?;
    let boot_now = disk::with_mounted(&node, Role::Boot, |boot| disk::tree_digest(boot, &[]))?;
    ensure!(boot_now == boot, "staging has changed /boot");
    let data = disk::digest(&node, disk::place(&node, Role::Data)?)?;
    Uml::start(&node, &network, Role::Swap)?.wait_for_end(WORK)?;

    let data_now = disk::digest(&node, disk::place(&node, Role::Data)?)?;
    ensure!(data_now == data, "the jump system has touched /data");
    replaced(&node, &plan)?;
    let mut new = Uml::start(&node, &network, Role::Root)?;
    new.wait_for_ssh(BOOT)?;
    let (ended, said) = push.wait(FINISH)?;
    ensure!(ended.success(), "{ended}\n{said}");
    journey::check(&before, &new)?;
    let log = new.ssh("cat /var/log/jump/events.jsonl /var/log/jump/report.json")?;
    ensure!(log.contains(r#""event":"complete""#), "{log}");
    new.power_off(BOOT)?;
    finished(&node, &plan)?;
    network.remove()
}

/// Sectors before the first partition.
const HEAD: u64 = 2048;

/// The plan, as jumpimg keeps it.
fn plan(node: &Node) -> Result<Plan> {
    let file = node.folder.join("state/nodes").join(xtask::vm::NODE);
    let text = std::fs::read(file.join("plan.json")).context("jumpimg kept no plan")?;
    Ok(serde_json::from_slice(&text)?)
}

fn boot_sector(bytes: &[u8]) -> Result<BootSector> {
    Ok(BootSector::new(bytes[..512].try_into()?))
}

/// The boot sector leads to the selector, which is to jump once; the old loader is as it was.
fn armed(node: &Node, plan: &Plan, head: &[u8]) -> Result<()> {
    let now = disk::sectors(node, 0, HEAD)?;
    let leads_to = boot_sector(&now)?.kernel_sector();
    ensure!(
        leads_to == plan.selector.core.start,
        "it leads to {leads_to}"
    );
    let core = &now[usize::try_from(leads_to * 512)?..][..512];
    ensure!(
        core.iter().any(|byte| *byte != 0),
        "there is no selector at {leads_to}"
    );
    let free = usize::try_from(plan.selector.core.start * 512)?;
    ensure!(
        now[512..free] == head[512..free],
        "the old core image was changed"
    );
    let copy = disk::sectors(node, plan.selector.old_boot_sector, 1)?;
    ensure!(copy == head[..512], "the old boot sector was not kept");
    ensure!(
        now[0x1b8..0x200] == head[0x1b8..0x200],
        "the partition table was changed"
    );
    disk::with_mounted(node, Role::Swap, |landing| {
        let state = selector::spend(landing, &plan.run)?;
        ensure!(state == State::Once, "the selector would do {state:?}");
        Ok(())
    })
}

/// The new system is there, with what made the node itself, and has its tries.
fn replaced(node: &Node, plan: &Plan) -> Result<()> {
    disk::with_mounted(node, Role::Swap, |landing| {
        let state = selector::spend(landing, &plan.run)?;
        let events = std::fs::read_to_string(landing.join(jumpspec::places::EVENTS))?;
        ensure!(
            state == State::Try(3),
            "the selector would do {state:?}:\n{events}"
        );
        Ok(())
    })?;
    let leads_to = boot_sector(&disk::sectors(node, 0, 1)?)?.kernel_sector();
    ensure!(
        leads_to == plan.selector.core.start,
        "it leads to {leads_to}"
    );
    disk::with_mounted(node, Role::Root, |root| new_root(root, plan))?;
    disk::with_mounted(node, Role::Boot, |boot| new_loader(node, boot, plan))
}

fn new_root(root: &Path, plan: &Plan) -> Result<()> {
    let read = |path: &str| {
        let text = std::fs::read_to_string(root.join(path));
        text.with_context(|| format!("/{path}"))
    };
    ensure!(read("usr/lib/os-release")?.contains("VERSION_ID=\"13\""));
    ensure!(read("etc/hostname")?.trim() == plan.hostname);
    let (name, uid, _) = ALICE;
    let line = format!("{name}:x:{uid}:");
    ensure!(read("etc/passwd")?.contains(&line), "no {line}");
    let fstab = read("etc/fstab")?;
    let lines = fstab.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with('#')) {
        ensure!(line.starts_with("UUID="), "{line}");
    }
    ensure!(
        fstab.contains(SWAP_UUID) && fstab.contains("nofail"),
        "{fstab}"
    );
    Ok(())
}

fn new_loader(node: &Node, boot: &Path, plan: &Plan) -> Result<()> {
    let root = plan
        .filesystems
        .iter()
        .find(|filesystem| filesystem.mount == "/");
    let uuid = &root.context("the plan has no root")?.uuid;
    let config = std::fs::read_to_string(boot.join("grub/grub.cfg"))?;
    ensure!(config.contains(&format!("root=UUID={uuid}")), "{config}");
    let core = std::fs::read(boot.join("grub/i386-pc/core.img"))?;
    let sectors = u64::try_from(core.len().div_ceil(512))?;
    let placed = disk::sectors(node, STANDARD_PLACE, sectors)?;
    // The first sector has the blocklist, which depends on the place.
    ensure!(
        placed[512..core.len()] == core[512..],
        "sector 1 holds another core image"
    );
    Ok(())
}

/// The boot sector leads to the standard place, and what was borrowed is swap again.
fn finished(node: &Node, plan: &Plan) -> Result<()> {
    let leads_to = boot_sector(&disk::sectors(node, 0, 1)?)?.kernel_sector();
    ensure!(leads_to == STANDARD_PLACE, "it leads to {leads_to}");
    let selector = plan.selector.core;
    let left = disk::sectors(node, selector.start, selector.sectors + 1)?;
    ensure!(
        left.iter().all(|byte| *byte == 0),
        "the selector is still there"
    );
    let device = LoopDevice::attach(&node.disk)?;
    let number = node.table.partition(Role::Swap).context("no swap")?.number;
    let found = superblock::probe(&device.partition(number))?;
    device.detach()?;
    let found = found.context("the landing partition holds nothing")?;
    ensure!(found.kind == Kind::Swap, "it holds {}", found.kind.name());
    ensure!(found.uuid.as_deref() == Some(SWAP_UUID) && found.label.as_deref() == Some(SWAP_LABEL));
    Ok(())
}
