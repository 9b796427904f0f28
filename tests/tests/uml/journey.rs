//! One node, from Debian 12 to Debian 13: what is on its disk at each reboot.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jumplab::journey::{self, BOOT};
use jumplab::vm::{ALICE, Guest as _, LoopDevice, Node, Role, SWAP_LABEL, SWAP_UUID, Uml};
use jumpspec::boot::BiosBoot;
use jumpspec::boot::environment::{State, TRIES};
use jumpspec::plan::Plan;
use jumpspec::words::digest::Digest;
use jumpsys::boot::bootsector::BootSector;
use jumpsys::disk::superblock::{self, Kind};

use crate::secrets;
use crate::staged::{HEAD, PUSH, Staged, WORK};
use jump_tests::machines::disk;

/// Where grub-install puts a core image.
const STANDARD_PLACE: u64 = 1;

pub(crate) fn uninterrupted() -> Result<()> {
    let staged = Staged::real("uml-journey")?;
    armed(&staged)?;
    secrets::are_sealed(&staged)?;
    let piece = secrets::piece_of_image(&staged)?;
    let data = data(&staged)?;
    staged.start(Role::Swap)?.wait_for_end(WORK)?;
    replaced(&staged, &data)?;
    complete(staged, &piece)
}

/// From the jump system's reboot to the end; `piece` is of the staged image.
fn complete(mut staged: Staged, piece: &[u8]) -> Result<()> {
    let mut new = Uml::start(&staged.node, &staged.network, Role::Root)?;
    new.wait_for_ssh(BOOT)?;
    let (ended, said) = staged.push.wait(PUSH)?;
    ensure!(ended.success(), "{ended}\n{said}");
    let sent_anew = "the target image was not sent";
    ensure!(!said.contains(sent_anew), "it lay staged:\n{said}");
    journey::check(&staged.before, staged.node.table, &new)?;
    let log = new.ssh("cat /var/log/jump/events.jsonl /var/log/jump/report.json")?;
    ensure!(log.contains(r#""event":"complete""#), "{log}");
    new.power_off(BOOT)?;
    finished(&staged.node, &staged.plan)?;
    secrets::are_erased(&staged, piece)?;
    staged.network.remove()
}

/// The digest of /data, all sectors of it.
fn data(staged: &Staged) -> Result<Digest> {
    disk::digest(&staged.node, disk::place(&staged.node, Role::Data)?)
}

fn boot_sector(bytes: &[u8]) -> Result<BootSector> {
    Ok(BootSector::new(bytes[..512].try_into()?))
}

/// The boot sector leads to the selector, which is to jump once; the old loader is as it was.
fn armed(staged: &Staged) -> Result<()> {
    let (plan, head) = (&staged.plan, &staged.head);
    let now = disk::sectors(&staged.node, 0, HEAD)?;
    let leads_to = boot_sector(&now)?.kernel_sector();
    ensure!(leads_to == bios(plan).core.start, "it leads to {leads_to}");
    let start = usize::try_from(leads_to * 512)?;
    ensure!(
        now[start..start + 512].iter().any(|byte| *byte != 0),
        "no selector at {leads_to}"
    );
    ensure!(
        now[512..start] == head[512..start],
        "the old core image was changed"
    );
    let copy = disk::sectors(&staged.node, bios(plan).old_boot_sector, 1)?;
    ensure!(copy == head[..512], "the old boot sector was not kept");
    ensure!(
        now[0x1b8..0x200] == head[0x1b8..0x200],
        "the partition table was changed"
    );
    staged.select(State::Once)
}

/// The new system is there, with what made the node itself, and has its tries.
fn replaced(staged: &Staged, data_before: &Digest) -> Result<()> {
    ensure!(
        data(staged)? == *data_before,
        "the jump system has touched /data"
    );
    staged.select(State::Try(TRIES))?;
    let (node, plan) = (&staged.node, &staged.plan);
    let leads_to = boot_sector(&disk::sectors(node, 0, 1)?)?.kernel_sector();
    ensure!(leads_to == bios(plan).core.start, "it leads to {leads_to}");
    disk::with_mounted(node, Role::Root, |root| new_root(root, plan))?;
    disk::with_mounted(node, Role::Boot, |boot| new_loader(node, boot, plan))
}

fn bios(plan: &Plan) -> BiosBoot {
    *plan.boot.bios().expect("user-mode Linux has no UEFI")
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
    let read = |name: &str| std::fs::read_to_string(boot.join("grub").join(name));
    let (config, original) = (read("grub.cfg")?, read("grub.cfg.jump-original")?);
    ensure!(config.contains(&format!("root=UUID={uuid}")), "{config}");
    ensure!(
        config == jumpspec::boot::trial::grub_config(&original) && config.contains("panic=10"),
        "it is not on trial: {config}"
    );
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
    let selector = bios(plan).core;
    let left = disk::sectors(node, selector.start, selector.sectors + 1)?;
    ensure!(
        left.iter().all(|byte| *byte == 0),
        "the selector is still there"
    );
    let device = LoopDevice::attach(&node.disk, node.table.sector_bytes())?;
    let number = node.table.partition(Role::Swap).context("no swap")?.number;
    let found = superblock::probe(&device.partition(number))?;
    device.detach()?;
    let found = found.context("the landing partition holds nothing")?;
    ensure!(found.kind == Kind::Swap, "it holds {}", found.kind.name());
    ensure!(found.uuid.as_deref() == Some(SWAP_UUID) && found.label.as_deref() == Some(SWAP_LABEL));
    Ok(())
}
