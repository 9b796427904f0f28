//! GRUB on a BIOS: the selector's core image beside the old one's, and the boot sector, which is one
//! sector and turned last.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::boot::BiosBoot;
use jumpspec::boot::environment::State;
use jumpspec::disk::{BootCode, Extent, SECTOR};
use jumpspec::image::loader::{SELECTOR_MODULES, SelectorGrub, SelectorLoader};
use jumpspec::selector::{self, Actions, Doubt};
use jumpspec::words::digest::Digest;
use jumpsys::boot::bootsector::{BootSector, compose, place_core, put_back};
use jumpsys::boot::bootwrite;
use jumpsys::cmd::Program;
use jumpsys::disk::durable;
use jumpsys::files::root::{Owner, Root};

use crate::boot::environment;
use crate::run::context::Context;
use crate::run::landing;

/// The config to embed, among the selector's files.
const EMBEDDED: &str = "embedded.cfg";
/// The selector's core image, among its files.
const CORE: &str = "core.img";
/// How long grub-mkimage may take.
const MKIMAGE_LIMIT: Duration = Duration::from_mins(5);

/// Writes the selector's files and its core image. Nothing boots them yet: its
/// environment already says "once", and only the boot sector is missing.
pub(super) fn write_selector(cx: &mut Context, bios: BiosBoot) -> Result<()> {
    landing::mount(cx)?;
    let (jump, kept) = (cx.landing_root()?, cx.kept_root()?);
    let old = bootwrite::read_boot_sector(&cx.disk)?;
    let texts = environment::texts(&cx.plan, Doubt::Old)?;
    let public = Owner::root(0o644);
    for root in [&jump, &kept] {
        root.create_dir_all(selector::DIRECTORY, Owner::root(0o755))?;
    }
    jump.write(
        &selector::file(EMBEDDED),
        texts.embedded_config(&Actions::Real).as_bytes(),
        public,
    )?;
    for (name, list) in selector::HASHES.iter().zip(texts.hash_lists()) {
        if let Some(list) = list {
            kept.write(&selector::file(name), list.as_bytes(), public)?;
        }
    }
    kept.write(&selector::file(selector::OLD_SECTOR), &old, public)?;
    kept.write(&selector::file(selector::NEW_SECTOR), &old, public)?;
    environment::write_scripts(&kept, &texts)?;
    kept.remove(&selector::file(selector::ENV))?;
    environment::create(cx, State::Once)?;
    make_core(cx)?;
    let core = jump
        .read(&selector::file(CORE))?
        .context("grub-mkimage wrote no core image")?;
    let placed = place_core(&core, bios.core.start)?;
    ensure_fits(&placed, bios.core, "the selector's core image")?;
    drop((jump, kept));
    landing::unmount(cx)?;
    bootwrite::write_core(&cx.disk, bios.core.start, &placed)?;
    durable::write_at(&cx.disk, bios.old_boot_sector * SECTOR, &old)?;
    Ok(())
}

/// Keeps what the selector is to find in the packed root of a jump system in memory.
pub(super) fn keep_digest(cx: &Context, digest: Digest) -> Result<()> {
    let kept = cx.kept_root()?;
    let list = environment::texts(&cx.plan, Doubt::Old)?.initramfs_list(digest);
    kept.create_dir_all(selector::DIRECTORY, Owner::root(0o755))?;
    let [_, initramfs] = selector::HASHES;
    let path = selector::file(initramfs);
    Ok(kept.write(&path, list.as_bytes(), Owner::root(0o644))?)
}

fn make_core(cx: &Context) -> Result<()> {
    let [config, core] = [EMBEDDED, CORE].map(|name| format!("/{}", selector::file(name)));
    let grub = grub(cx)?;
    Program::new(grub.mkimage.absolute())
        .args([
            "-O",
            grub.platform.name(),
            "-p",
            selector::PREFIX,
            "-c",
            &config,
            "-o",
            &core,
        ])
        .args(SELECTOR_MODULES)
        .in_root(Some(&cx.landing))
        .timeout(MKIMAGE_LIMIT)
        .run()?;
    Ok(())
}

/// What the selector is made by.
fn grub(cx: &Context) -> Result<&SelectorGrub> {
    match &cx.plan.jump.loader {
        SelectorLoader::Made(grub) => Ok(grub),
        SelectorLoader::Signed(_) => bail!("the plan has no GRUB for a BIOS"),
    }
}

/// Whether a placed core image fits into its room.
pub(super) fn ensure_fits(bytes: &[u8], room: Extent, what: &str) -> Result<()> {
    let sectors = bytes.len() as u64 / SECTOR;
    ensure!(
        sectors <= room.sectors,
        "{what} takes {sectors} sectors; there is room for {}",
        room.sectors
    );
    Ok(())
}

/// Reads a file that holds one sector.
pub(super) fn read_sector(root: &Root, path: &str) -> Result<[u8; 512]> {
    let bytes = root
        .read(path)?
        .with_context(|| format!("/{path} is missing"))?;
    bytes
        .as_slice()
        .try_into()
        .with_context(|| format!("/{path} has {} bytes, not 512", bytes.len()))
}

/// The boot sector's code of the jump system's GRUB.
pub(super) fn selectors_loader(cx: &Context) -> Result<[u8; 512]> {
    let boot_image = grub(cx)?.boot_image.as_str();
    landing::read_jump(cx, |root| read_sector(root, boot_image))
}

/// Turns the boot sector to the selector.
pub(super) fn turn_to_selector(cx: &Context, bios: BiosBoot, loader: &[u8; 512]) -> Result<()> {
    turn(cx, |now| compose(loader, now, bios.core.start))
}

/// Turns the boot sector to the old loader, if it leads to the selector.
pub(super) fn turn_to_old(cx: &Context, bios: BiosBoot) -> Result<()> {
    if leads_to(cx)? != bios.core.start {
        return Ok(());
    }
    let old = raw_sector(cx, bios)?;
    turn(cx, |now| put_back(&old, now))
}

/// Turns the boot sector to the new system's own loader. Reads the raw copy: the landing file
/// system may be lost by now.
pub(super) fn turn_to_new(cx: &Context, bios: BiosBoot) -> Result<()> {
    let sector = raw_sector(cx, bios)?;
    let start = bios.new_core.start;
    let leads_to = BootSector::new(sector).kernel_sector();
    ensure!(
        leads_to == start,
        "the new boot sector leads to sector {leads_to}, not {start}"
    );
    turn(cx, |now| put_back(&sector, now))
}

/// Whether the boot sector leads to the new system's own loader.
pub(super) fn leads_to_new(cx: &Context, bios: BiosBoot) -> bool {
    leads_to(cx).is_ok_and(|sector| sector == bios.new_core.start)
}

/// The sector that the boot sector leads to.
fn leads_to(cx: &Context) -> Result<u64> {
    let now = bootwrite::read_boot_sector(&cx.disk)?;
    Ok(BootSector::new(now).kernel_sector())
}

/// Makes another of the boot sector: it is written last and read back.
fn turn(cx: &Context, turned: impl FnOnce(&[u8; 512]) -> [u8; 512]) -> Result<()> {
    let now = bootwrite::read_boot_sector(&cx.disk)?;
    Ok(bootwrite::write_boot_sector(&cx.disk, &turned(&now))?)
}

/// The raw copy of a boot sector, beside the selector: the old system's, or the new one's once its
/// loader is in its place.
fn raw_sector(cx: &Context, bios: BiosBoot) -> Result<[u8; 512]> {
    let start = bios.old_boot_sector;
    let sectors = bootwrite::read_sectors(&cx.disk, Extent { start, sectors: 1 })?;
    let sector: [u8; 512] = sectors
        .as_slice()
        .try_into()
        .context("a sector has 512 bytes")?;
    ensure!(
        BootSector::new(sector).code() != BootCode::Other,
        "sector {start} holds no boot sector"
    );
    Ok(sector)
}

/// Erases the selector's sectors; the boot sector must lead elsewhere.
pub(super) fn erase_selector(cx: &Context, bios: BiosBoot) -> Result<()> {
    let core = bios.core;
    ensure!(
        leads_to(cx)? != core.start,
        "the boot sector still leads to the selector"
    );
    let all = Extent {
        start: core.start,
        sectors: core.sectors + 1,
    };
    bootwrite::zero_sectors(&cx.disk, all)?;
    Ok(())
}
