//! From a UEFI's variables to a GRUB on the EFI system partition, as the firmware and shim go there.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::boot::uefi::{DIRECTORY, EspFile, FALLBACK};
use jumpspec::disk::Partition;
use jumpspec::disk::table::GPT_ESP;
use jumpsys::disk::partition::read_table;

use super::eyes::Eyes;
use super::program::{Brought, Program};
use crate::vm::StandIn;
use crate::vm::boot_manager::Start;
use crate::vm::node::disks;

/// What shim starts, beside itself.
const SHIMS_GRUB: &str = "grubx64.efi";
/// The script of the file system in a signed GRUB's memory.
const FIRST_SCRIPT: &str = "/grub.cfg";

/// The EFI system partition of a node.
pub(super) struct Esp<'a> {
    eyes: &'a Eyes<'a>,
    partition: Partition,
    /// GRUB's name for it.
    device: String,
}

/// A GRUB that was started, until it runs its first script.
pub(super) struct EfiGrub {
    /// The directory that it was started from, such as `/EFI/debian`.
    directory: String,
    device: String,
    prefix: String,
    first: String,
}

impl<'a> Esp<'a> {
    /// The only one of the node whose own disk is `disk`.
    pub(super) fn of(disk: &Path, eyes: &'a Eyes<'a>) -> Result<Self> {
        let mut found = Vec::new();
        for (number, disk) in disks(disk).iter().enumerate() {
            let table = read_table(disk)?;
            let partitions = table.partitions().iter().cloned();
            let esps = partitions.filter(|it| it.type_code == GPT_ESP);
            found.extend(esps.map(|esp| (number, esp)));
        }
        let [(number, partition)] = found.as_slice() else {
            bail!("the node has {} EFI system partitions", found.len());
        };
        Ok(Self {
            eyes,
            device: format!("hd{number},gpt{}", partition.number),
            partition: partition.clone(),
        })
    }

    /// Switches the node on: the path of what its firmware starts.
    pub(super) fn power_on(&self, firmware: &StandIn) -> Result<String> {
        let path =
            match firmware.power_on(|file| Ok(self.is_here(file) && self.starts(&file.path)))? {
                Start::Entry(_, file) => file.path,
                Start::Fallback => FALLBACK.to_owned(),
            };
        Ok(format!("/{path}"))
    }

    /// Whether it has that file or directory.
    pub(super) fn has(&self, path: &str) -> Result<bool> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let names = self.eyes.list(&self.device, &format!("/{above}"))?;
        Ok(names.iter().any(|it| it.eq_ignore_ascii_case(name)))
    }

    /// What GRUB names as a file for `chainloader`: its path on this partition.
    pub(super) fn path_of(&self, file: &str) -> Result<String> {
        let here = file.strip_prefix(&format!("({})", self.device));
        let path = here.with_context(|| format!("{file} is not on the EFI system partition"))?;
        Ok(path.to_owned())
    }

    /// The GRUB that `path` leads to, itself or by shim.
    pub(super) fn grub(&self, path: &str) -> Result<EfiGrub> {
        let (directory, _) = path.rsplit_once('/').context("a path has a slash")?;
        let brought = if let Some(brought) = self.program(path)?.grub() {
            brought
        } else {
            let beside = format!("{directory}/{SHIMS_GRUB}");
            let grub = self.program(&beside)?.grub();
            grub.with_context(|| format!("{beside} is no GRUB"))?
        };
        Ok(EfiGrub {
            directory: directory.to_owned(),
            device: self.device.clone(),
            first: first_script(&brought)?,
            prefix: brought.prefix,
        })
    }

    /// Firmware finds a partition by all that an entry says of it.
    fn is_here(&self, file: &EspFile) -> bool {
        let ours = &self.partition;
        let same_id = ours
            .partuuid
            .as_deref()
            .is_some_and(|id| id.eq_ignore_ascii_case(&file.esp.partuuid));
        same_id && ours.number == file.esp.number && ours.extent() == file.esp.extent
    }

    fn starts(&self, path: &str) -> bool {
        self.program(&format!("/{path}")).is_ok()
    }

    fn program(&self, path: &str) -> Result<Program> {
        let bytes = self.eyes.read(&self.device, path)?;
        Program::whole(bytes).with_context(|| format!("{path} is not what was signed"))
    }
}

impl EfiGrub {
    /// Whether it is the selector's, by where it was started from.
    pub(super) fn is_selector(&self) -> bool {
        let (fallback, _) = FALLBACK.rsplit_once('/').unwrap_or_default();
        let ours = [DIRECTORY, fallback].map(|directory| format!("/{directory}"));
        ours.iter()
            .any(|it| it.eq_ignore_ascii_case(&self.directory))
    }

    /// What it does by itself, as lines for grub-emu (GRUB 2.06, `kern/efi/init.c`): it sets root, prefix
    /// and cmdpath by what it was started from, and runs the script in its memory.
    pub(super) fn script(&self) -> String {
        let Self {
            directory,
            device,
            prefix,
            first,
        } = self;
        format!(
            "set root={device}\nset prefix=({device}){prefix}\nset cmdpath=({device}){directory}\n{first}\n"
        )
    }
}

fn first_script(brought: &Brought) -> Result<String> {
    let image = tempfile::NamedTempFile::new()?;
    std::fs::write(image.path(), &brought.memdisk)?;
    let text = Eyes::new(image.path()).read("hd0", FIRST_SCRIPT)?;
    ensure!(!text.is_empty(), "a GRUB has no script in its memory");
    Ok(String::from_utf8(text)?)
}
