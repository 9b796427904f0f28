//! Makes the small world's checkpoints: an installer's disk, and the same after a push has armed it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jumpspec::boot::uefi::{Esp, EspFile};
use jumpspec::disk::table::GPT_ESP;
use jumpsys::disk::partition::read_table;

use super::roots::Roots;
use super::{Checkpoint, SmallWorld};
use crate::journey::{PATIENCE, Push, SMALL_JOB};
use crate::vm::loader::Choice;
use crate::vm::victim::{INSTALLER, LOADER, install};
use crate::vm::{Firmware, Identity, Network, StandIn, Table};
use crate::{cache, dist, workspace};

/// Nodes that this process has armed.
static ARMED: AtomicU32 = AtomicU32::new(0);

/// From a start to SSH, and from the push to the guest's end.
const LIMIT: Duration = Duration::from_mins(5);

/// What the checkpoints are made from.
pub(super) fn digest(roots: &Roots, identity: &Identity, table: Table) -> Result<String> {
    let mut digest = cache::Digest::new("small world 1");
    for source in INSTALLER {
        digest.text(source);
    }
    digest.text(SMALL_JOB);
    if table.lands_in_memory() {
        digest.text(PATIENCE);
    }
    for part in &roots.digests {
        digest.text(part);
    }
    digest.text(&identity.known_hosts()?);
    digest.text(&identity.admin_public_key()?);
    digest.text(&table.sfdisk());
    if table.firmware() != Firmware::Bios {
        digest.text(StandIn::SOURCE);
    }
    for program in [dist::built().jumpimg, dist::built().jumpinit] {
        digest.file(&program)?;
    }
    Ok(digest.finish())
}

/// Makes both, unless they are there.
pub(super) fn make(world: &SmallWorld, roots: &Roots) -> Result<()> {
    let stamp = world.beside("stamp");
    if cache::is_current(&stamp, &world.digest) {
        return Ok(());
    }
    let started = Instant::now();
    eprintln!("vm: making the small world");
    cache::forget(&stamp)?;
    for checkpoint in [Checkpoint::Fresh, Checkpoint::Armed] {
        let folder = world.beside(checkpoint.name());
        super::scratch::remove(&folder)?;
        std::fs::create_dir_all(&folder)?;
    }
    let fresh = world.beside(Checkpoint::Fresh.name()).join("disk.img");
    install(&roots.old, world.table, &world.identity, &fresh)?;
    if world.table.firmware() != Firmware::Bios {
        make_firmware(&fresh)?;
    }
    arm(world)?;
    cache::remember(&stamp, &world.digest)?;
    let (folder, seconds) = (workspace::shown(&world.folder), started.elapsed().as_secs());
    eprintln!("vm: {folder} in {seconds} s");
    Ok(())
}

/// The firmware of the node with that disk, as an installer leaves it.
fn make_firmware(disk: &Path) -> Result<()> {
    let table = read_table(disk)?;
    let mut partitions = table.partitions().iter();
    let esp = partitions.find(|it| it.type_code == GPT_ESP);
    let esp = esp.context("no EFI system partition")?;
    let folder = disk.parent().context("a disk in a folder")?;
    StandIn::of(folder).make(&EspFile {
        esp: Esp {
            number: esp.number,
            extent: esp.extent(),
            partuuid: esp.partuuid.clone().context("a partition without a GUID")?,
        },
        path: LOADER.to_owned(),
    })
}

/// A push to the fresh node, up to its reboot.
fn arm(world: &SmallWorld) -> Result<()> {
    // Tests make several worlds at once.
    let number = ARMED.fetch_add(1, Ordering::Relaxed);
    let name = format!("arm-{}-{number}", std::process::id());
    let node = world.copy(&name, Checkpoint::Fresh)?;
    let network = Network::make(&name)?;
    let choice = node.choose()?.choice;
    ensure!(
        choice == Choice::Old,
        "a fresh node boots the {} system",
        choice.name()
    );
    let mut old = node.start(&network, choice)?;
    old.wait_for_ssh(LIMIT)?;
    let log = node.node.folder.join("push.log");
    let push = network.inside(&node.job.push(old.ssh_config(), &["--yes"]));
    let push = Push::start(push, &log)?;
    let ended = old.wait_for_end(LIMIT);
    push.end()?;
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    ended.with_context(|| format!("the push said:\n{}\n", said()))?;
    network.remove()?;
    node.plan().with_context(said)?;
    node.keep(&world.beside(Checkpoint::Armed.name()))
}
