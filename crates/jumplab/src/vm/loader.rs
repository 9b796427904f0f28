//! What GRUB would boot from a disk image: the node's next boot, in a fraction of a second and without
//! a machine.
//!
//! Nothing here knows what jumpinit wrote. The boot sector's core image is unpacked as it lies on the
//! disk, and the config embedded in it is run by grub-emu, which reads scripts, kernels and
//! environment blocks from the image as GRUB does, with no journal replayed, and writes a spent try to
//! the image. Only the commands that leave GRUB (`linux`, `initrd`, `chainloader`) are stood in for:
//! they succeed where their file can be read, and say so.
//!
//! On a UEFI the way begins with the variables of its [`StandIn`], whose boot manager starts what they
//! name on the EFI system partition: a shim and a GRUB that their signatures fit. The scripts in that
//! GRUB's memory and beside it are run by grub-emu.
//!
//! The node is lost, as far as its loader goes, where [`choose`] fails: a boot sector or core image
//! that is none, a prompt, a kernel or boot sector that GRUB cannot read, a jump system that is not
//! the staged one.

mod core;
mod emu;
mod eyes;
mod program;
mod uefi;

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::places::ON_BOOT;
use jumpspec::selector::{DIRECTORY, ENV, HASHES};
use jumpspec::words::digest::Digest;
use jumpsys::boot::bootsector::BootSector;

use self::core::CoreImage;
use self::emu::Left;
use self::eyes::Eyes;
use self::uefi::Esp;
use super::StandIn;

/// GRUB as a process (package grub-emu).
pub const EMU: &str = "/usr/bin/grub-emu";
/// GRUB's file systems as a program (package grub-common).
pub const FSTEST: &str = "/usr/bin/grub-fstest";
/// Boot sectors that lead to one another: the selector, then a distribution's GRUB.
const MOST_LOADERS: usize = 3;
/// `VERSION_ID` of the victim ([`crate::images::OLD`]) and of what is pushed to it
/// ([`crate::images::NODE`]): the old and the new system are told apart by the root that is booted.
const VERSIONS: [(&str, Choice); 2] = [("12", Choice::Old), ("13", Choice::New)];

/// Which system is booted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The old system, by its own GRUB.
    Old,
    /// The jump system, by the selector.
    Jump,
    /// The new system, by its own GRUB.
    New,
}

impl Choice {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Jump => "jump",
            Self::New => "new",
        }
    }
}

/// A boot, until the loader hands over.
#[derive(Debug, Clone)]
pub struct Boot {
    /// To what.
    pub choice: Choice,
    /// The kernel that it reads, and the initramfs.
    pub digests: [Digest; 2],
    /// All that GRUB printed.
    pub log: String,
}

/// Boots the disk as far as its loader goes. A try that the loader spends is spent on the image.
///
/// Fails, with what GRUB printed, where a node would be lost. Several may run at once, each on its own
/// disk. Needs [`EMU`] and [`FSTEST`].
pub fn choose(disk: &Path) -> Result<Boot> {
    choose_keeping(disk, None)
}

/// The same, and what is read as the jump system's initramfs is kept in the file `initramfs`, if one is
/// given.
pub fn choose_keeping(disk: &Path, initramfs: Option<&Path>) -> Result<Boot> {
    let mut log = String::new();
    let found = follow(disk, initramfs, &mut log);
    boot(found, log)
}

/// The same on a UEFI, which spends what its variables have once.
pub fn choose_by(firmware: &StandIn, disk: &Path, initramfs: Option<&Path>) -> Result<Boot> {
    let mut log = String::new();
    let found = follow_firmware(firmware, disk, initramfs, &mut log);
    boot(found, log)
}

fn boot(found: Result<(Choice, [Digest; 2])>, log: String) -> Result<Boot> {
    let (choice, digests) =
        found.with_context(|| format!("GRUB boots nothing; it printed:\n{log}\n"))?;
    Ok(Boot {
        choice,
        digests,
        log,
    })
}

/// Where GRUB finds the selector's environment block, in sectors of its partition, if the landing file
/// system is on the partition with that number of an MBR.
pub fn environment(disk: &Path, partition: u32) -> Result<Range<u64>> {
    let file = format!("/{DIRECTORY}/{ENV}");
    let blocks = Eyes::new(disk).blocks(&format!("hd0,msdos{partition}"), &file)?;
    match blocks.as_slice() {
        [block] => Ok(block.clone()),
        _ => bail!("the environment block lies in {} pieces", blocks.len()),
    }
}

/// Whether a file or directory is on the file system with that UUID.
pub fn is_on(disk: &Path, uuid: &str, path: &str) -> Result<bool> {
    let eyes = Eyes::new(disk);
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let names = eyes.list(&eyes.device_of(uuid)?, &format!("/{above}"))?;
    Ok(names.iter().any(|it| it == name))
}

/// Whether a file or directory is on the disk's EFI system partition.
pub fn is_on_esp(disk: &Path, path: &str) -> Result<bool> {
    let eyes = Eyes::new(disk);
    Esp::of(disk, &eyes)?.has(path)
}

/// From the boot sector to a kernel.
fn follow(
    disk: &Path,
    initramfs: Option<&Path>,
    log: &mut String,
) -> Result<(Choice, [Digest; 2])> {
    let eyes = Eyes::new(disk);
    let mut sector = sector(disk, 0)?;
    for _ in 0..MOST_LOADERS {
        let boot_sector = BootSector::new(sector);
        ensure!(boot_sector.is_grub(), "the boot sector is none of GRUB's");
        let core = CoreImage::read(disk, boot_sector.kernel_sector())?;
        let left = emu::run(disk, &emu::script(&core), log)?;
        match left {
            Left::Linux(kernel) => {
                if !core.is_selector() {
                    let digests = digests(&eyes, &kernel, None)?;
                    return Ok((distribution(&eyes, &kernel)?, digests));
                }
                let digests = digests(&eyes, &kernel, initramfs)?;
                ensure_staged(&eyes, &kernel, &digests)?;
                return Ok((Choice::Jump, digests));
            }
            Left::Chain(file) => sector = chained(disk, &eyes, &file)?,
        }
    }
    bail!("boot sectors lead to one another")
}

/// From the variables to a kernel.
fn follow_firmware(
    firmware: &StandIn,
    disk: &Path,
    initramfs: Option<&Path>,
    log: &mut String,
) -> Result<(Choice, [Digest; 2])> {
    let eyes = Eyes::new(disk);
    let esp = Esp::of(disk, &eyes)?;
    let mut path = esp.power_on(firmware)?;
    for _ in 0..MOST_LOADERS {
        let grub = esp.grub(&path)?;
        match emu::run(disk, &grub.script(), log)? {
            Left::Linux(kernel) if grub.is_selector() => {
                return Ok((Choice::Jump, digests(&eyes, &kernel, initramfs)?));
            }
            Left::Linux(kernel) => {
                let choice = distribution(&eyes, &kernel)?;
                return Ok((choice, digests(&eyes, &kernel, None)?));
            }
            Left::Chain(file) => path = esp.path_of(&file)?,
        }
    }
    bail!("loaders lead to one another")
}

/// What GRUB reads of a kernel and its initramfs, which is also kept in a file.
fn digests(eyes: &Eyes<'_>, kernel: &emu::Kernel, keep: Option<&Path>) -> Result<[Digest; 2]> {
    let image = eyes.read(&kernel.device, &kernel.image)?;
    let initramfs = eyes.read(&kernel.device, &kernel.initramfs)?;
    if let Some(file) = keep {
        std::fs::write(file, &initramfs)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok([image, initramfs].map(|bytes| Digest::of(&bytes)))
}

/// Fails unless the jump system is the staged one.
fn ensure_staged(eyes: &Eyes<'_>, kernel: &emu::Kernel, digests: &[Digest; 2]) -> Result<()> {
    let kept = format!("/{ON_BOOT}");
    let above = if kernel.image.contains(&format!("{kept}/")) {
        &kept
    } else {
        ""
    };
    for (digest, list) in digests.iter().zip(HASHES) {
        let staged = eyes.read(&kernel.device, &format!("{above}/{DIRECTORY}/{list}"))?;
        ensure!(
            staged.starts_with(digest.to_string().as_bytes()),
            "the jump system is not what {list} says was staged"
        );
    }
    Ok(())
}

/// Whose root the kernel gets.
fn distribution(eyes: &Eyes<'_>, kernel: &emu::Kernel) -> Result<Choice> {
    let root = kernel.root.as_deref().unwrap_or_default();
    let uuid = root.strip_prefix("UUID=");
    let root = uuid.with_context(|| format!("root={root} names no file system"))?;
    let release = eyes.read(&eyes.device_of(root)?, "/usr/lib/os-release")?;
    let release = String::from_utf8_lossy(&release);
    let version = release
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_ID="))
        .unwrap_or_default()
        .trim_matches('"');
    let known = VERSIONS.iter().find(|(id, _)| *id == version);
    let (_, choice) = known.with_context(|| format!("a system of version {version:?}"))?;
    Ok(*choice)
}

/// The boot sector in a file, or in a blocklist such as `(hd0)2047+1`.
fn chained(disk: &Path, eyes: &Eyes<'_>, file: &str) -> Result<[u8; 512]> {
    if let Some(blocks) = file
        .strip_prefix("(hd0)")
        .filter(|path| !path.starts_with('/'))
    {
        let (start, _) = blocks.split_once('+').context("not a blocklist")?;
        return sector(disk, start.parse().context("not a blocklist")?);
    }
    let bytes = eyes.read("", file)?;
    let found = bytes.as_slice().try_into();
    found.with_context(|| format!("{file} has {} bytes, not 512", bytes.len()))
}

fn sector(disk: &Path, number: u64) -> Result<[u8; 512]> {
    let mut bytes = [0; 512];
    File::open(disk)?
        .read_exact_at(&mut bytes, number * jumpspec::disk::SECTOR)
        .with_context(|| format!("cannot read sector {number} of {}", disk.display()))?;
    Ok(bytes)
}
