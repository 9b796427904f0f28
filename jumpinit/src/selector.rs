//! The selector: its files and its core image, and the commits that it goes by, each of
//! which is one sector, written last and read back.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumpspec::facts::Extent;
use jumpspec::journal::{Journal, Stage};
use jumpspec::places;
use jumpspec::selector::{self, Actions, Doubt, Selector, State};
use jumpsys::bootsector::{BootSector, compose, place_core};
use jumpsys::bootwrite;
use jumpsys::cmd::Program;
use jumpsys::durable;
use jumpsys::freeze;
use jumpsys::grubenv::{self, Env};
use jumpsys::mount;
use jumpsys::root::{Owner, Root};

use crate::context::Context;
use crate::landing::{mount_landing, read_landing, unmount_landing};

/// GRUB's own first sector, as grub-install and the packages have it.
const BOOT_IMG: &str = "usr/lib/grub/i386-pc/boot.img";
/// The config to embed, among the selector's files.
const EMBEDDED: &str = "embedded.cfg";
/// The selector's core image, among its files.
const CORE: &str = "core.img";
/// How long grub-mkimage may take.
const MKIMAGE_LIMIT: Duration = Duration::from_mins(5);

/// The path of one of the selector's files, below the landing file system's root.
pub(crate) fn selector_file(name: &str) -> String {
    format!("{}/{name}", selector::DIRECTORY)
}

/// The selector's texts; `doubt` is what it does when its environment cannot be read.
fn selector_texts(cx: &Context, doubt: Doubt) -> Result<Selector> {
    Selector::of(&cx.plan, doubt).context("the selector cannot be written")
}

/// Writes the selector's files and its core image. Nothing boots them yet: its
/// environment already says "once", and only the boot sector is missing.
pub(crate) fn write_selector(cx: &mut Context) -> Result<()> {
    mount_landing(cx)?;
    let root = cx.landing_root()?;
    let old = bootwrite::read_boot_sector(&cx.disk)?;
    let texts = selector_texts(cx, Doubt::Old)?;
    let public = Owner::root(0o644);
    root.create_dir_all(selector::DIRECTORY, Owner::root(0o755))?;
    root.write(
        &selector_file(EMBEDDED),
        texts.embedded_config(&Actions::Real).as_bytes(),
        public,
    )?;
    for (name, list) in selector::HASHES.iter().zip(texts.hash_lists()) {
        root.write(&selector_file(name), list.as_bytes(), public)?;
    }
    root.write(&selector_file(selector::OLD_SECTOR), &old, public)?;
    root.write(&selector_file(selector::NEW_SECTOR), &old, public)?;
    write_configs(&root, &texts)?;
    root.remove(&selector_file(selector::ENV))?;
    grubenv::create(
        &cx.on_landing(&selector_file(selector::ENV)),
        &env_block(&cx.plan.run, State::Once),
    )?;
    make_core(cx)?;
    let core = root
        .read(&selector_file(CORE))?
        .context("grub-mkimage wrote no core image")?;
    let placed = place_core(&core, cx.plan.selector.core.start)?;
    ensure_fits(&placed, cx.plan.selector.core, "the selector's core image")?;
    drop(root);
    unmount_landing(cx)?;
    bootwrite::write_core(&cx.disk, cx.plan.selector.core.start, &placed)?;
    durable::write_at(
        &cx.disk,
        cx.plan.selector.old_boot_sector * jumpsys::SECTOR_SIZE,
        &old,
    )?;
    Ok(())
}

fn write_configs(root: &Root, texts: &Selector) -> Result<()> {
    let config = texts.config(&Actions::Real);
    for name in [selector::SPARE_CONFIG, selector::CONFIG] {
        root.write(&selector_file(name), config.as_bytes(), Owner::root(0o644))?;
    }
    Ok(())
}

fn make_core(cx: &Context) -> Result<()> {
    let [config, core] = [EMBEDDED, CORE].map(|name| format!("/{}", selector_file(name)));
    Program::new(Path::new("/").join(places::GRUB_MKIMAGE))
        .args([
            "-O",
            "i386-pc",
            "-p",
            selector::PREFIX,
            "-c",
            &config,
            "-o",
            &core,
        ])
        .args(selector::MODULES)
        .in_root(Some(&cx.landing))
        .timeout(MKIMAGE_LIMIT)
        .run()?;
    Ok(())
}

/// Whether a placed core image fits into its room.
pub(crate) fn ensure_fits(bytes: &[u8], room: Extent, what: &str) -> Result<()> {
    let sectors = bytes.len() as u64 / jumpsys::SECTOR_SIZE;
    ensure!(
        sectors <= room.sectors,
        "{what} takes {sectors} sectors; there is room for {}",
        room.sectors
    );
    Ok(())
}

fn env_block(run: &str, state: State) -> Env {
    let mut env = Env::new();
    for (name, value) in selector::env_for(state, run) {
        env.set(&name, &value);
    }
    env
}

/// Turns the boot sector to the selector: one sector, written last and read back.
pub(crate) fn arm(cx: &mut Context) -> Result<()> {
    let boot_img = read_landing(cx, |root| read_sector(root, BOOT_IMG))?;
    let now = bootwrite::read_boot_sector(&cx.disk)?;
    // The journal first: what is armed is known to be so, and since when.
    let arm = crate::arm::made_now()?;
    cx.reporter.enter(Stage::Armed);
    cx.record(Journal {
        stage: Stage::Armed,
        step: 0,
        done: false,
        failure: None,
        arm: Some(arm),
        ..cx.journal().clone()
    })?;
    bootwrite::write_boot_sector(
        &cx.disk,
        &compose(&boot_img, &now, cx.plan.selector.core.start),
    )?;
    Ok(())
}

/// Reads a file that holds one sector.
pub(crate) fn read_sector(root: &Root, path: &str) -> Result<[u8; 512]> {
    let bytes = root
        .read(path)?
        .with_context(|| format!("/{path} is missing"))?;
    bytes
        .as_slice()
        .try_into()
        .with_context(|| format!("/{path} has {} bytes, not 512", bytes.len()))
}

/// What the selector would do at the next boot, if its environment can be read.
pub(crate) fn state(cx: &Context) -> Option<State> {
    read_state(&cx.landing)
}

/// The same, for the landing file system at `landing`.
pub(crate) fn read_state(landing: &Path) -> Option<State> {
    let env = grubenv::read(&landing.join(selector_file(selector::ENV))).ok()?;
    State::read(|name| env.get(name))
}

fn set_state(cx: &Context, state: State) -> Result<()> {
    grubenv::write_in_place(
        &cx.on_landing(&selector_file(selector::ENV)),
        &env_block(&cx.plan.run, state),
    )?;
    Ok(())
}

/// From here on jump is the default. The environment first: a cut before the journal
/// leaves a jump that proves itself once more.
pub(crate) fn commit(cx: &mut Context) -> Result<()> {
    set_state(cx, State::Jump)?;
    cx.enter(Stage::Replace)?;
    // The old system is no answer to doubt from here on.
    repair(cx)
}

/// Writes the scripts of the time after the commit, unless they are there: a cut right
/// after the commit may have left the ones of before, or half of them.
pub(crate) fn repair(cx: &mut Context) -> Result<()> {
    let root = cx.landing_root()?;
    let texts = selector_texts(cx, Doubt::Jump)?;
    let wanted = texts.config(&Actions::Real);
    let read = |name: &str| root.read(&selector_file(name));
    let sound = [selector::SPARE_CONFIG, selector::CONFIG]
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?
        .iter()
        .all(|found| found.as_deref() == Some(wanted.as_bytes()));
    if !sound {
        write_configs(&root, &texts)?;
    }
    // Also what Linux reads may be in a journal that GRUB does not replay.
    Ok(freeze::settle(&cx.landing)?)
}

/// A jump system that gave up begins anew at its next boot. The environment first: a cut before
/// the journal leaves one that still waits.
pub(crate) fn resume(cx: &mut Context) -> Result<()> {
    set_state(cx, State::Jump)?;
    freeze::settle(&cx.landing)?;
    cx.record(Journal {
        stage: Stage::Replace,
        step: 0,
        done: false,
        tries: 0,
        failure: None,
        ..cx.journal().clone()
    })
}

/// Back to the old system from the jump system, while nothing is destroyed: by the
/// environment, and by the boot sector, which needs no script.
pub(crate) fn turn_back(cx: &Context) -> Result<()> {
    let env = set_state(cx, State::Old);
    lead_back(cx)?;
    env
}

/// Gives the new system its tries. The environment first: a jump system that comes up
/// with it in this state knows that the tries were used up.
pub(crate) fn give_tries(cx: &mut Context) -> Result<()> {
    set_state(cx, State::Try(selector::TRIES))?;
    cx.enter(Stage::Try)
}

/// Takes the tries away that the new system has left: the next boot is the jump system's.
pub(crate) fn spend_tries(cx: &Context) -> Result<()> {
    mount_landing(cx)?;
    let spent = set_state(cx, State::Try(0));
    mount::unmount(&cx.landing)?;
    spent
}

/// Turns the boot sector to the new system's own loader. Reads the raw copy: the landing file
/// system may be lost by now.
pub(crate) fn confirm(cx: &mut Context) -> Result<()> {
    let sector = raw_sector(cx)?;
    let start = cx.plan.selector.new_core.start;
    let leads_to = BootSector::new(sector).kernel_sector();
    ensure!(
        leads_to == start,
        "the new boot sector leads to sector {leads_to}, not {start}"
    );
    let now = bootwrite::read_boot_sector(&cx.disk)?;
    bootwrite::write_boot_sector(&cx.disk, &compose(&sector, &now, start))?;
    cx.enter(Stage::Finish)
}

/// Whether the new system is the default: the boot sector says so, not the journal, which
/// is written after it and cleared before the end.
pub(crate) fn is_confirmed(cx: &Context) -> bool {
    bootwrite::read_boot_sector(&cx.disk).is_ok_and(|sector| {
        BootSector::new(sector).kernel_sector() == cx.plan.selector.new_core.start
    })
}

/// Takes the jump back while nothing is destroyed: the boot sector is as it was.
pub(crate) fn disarm(cx: &Context) -> Result<()> {
    lead_back(cx)?;
    erase_selector(cx)
}

/// Turns the boot sector to the old loader, if it leads to the selector.
pub(crate) fn lead_back(cx: &Context) -> Result<()> {
    let now = bootwrite::read_boot_sector(&cx.disk)?;
    if BootSector::new(now).kernel_sector() == cx.plan.selector.core.start {
        let old = raw_sector(cx)?;
        bootwrite::write_boot_sector(
            &cx.disk,
            &compose(&old, &now, BootSector::new(old).kernel_sector()),
        )?;
    }
    Ok(())
}

/// The raw copy of a boot sector, beside the selector: the old system's, or the new one's once its
/// loader is in its place.
fn raw_sector(cx: &Context) -> Result<[u8; 512]> {
    let start = cx.plan.selector.old_boot_sector;
    let sectors = bootwrite::read_sectors(&cx.disk, jumpsys::Extent { start, sectors: 1 })?;
    let sector: [u8; 512] = sectors
        .as_slice()
        .try_into()
        .context("a sector has 512 bytes")?;
    ensure!(
        BootSector::new(sector).is_grub(),
        "sector {start} holds no boot sector"
    );
    Ok(sector)
}

/// Erases the selector's sectors; the boot sector must lead elsewhere.
pub(crate) fn erase_selector(cx: &Context) -> Result<()> {
    let core = cx.plan.selector.core;
    let now = BootSector::new(bootwrite::read_boot_sector(&cx.disk)?);
    ensure!(
        now.kernel_sector() != core.start,
        "the boot sector still leads to the selector"
    );
    let all = jumpsys::Extent {
        start: core.start,
        sectors: core.sectors + 1,
    };
    bootwrite::zero_sectors(&cx.disk, all)?;
    Ok(())
}
