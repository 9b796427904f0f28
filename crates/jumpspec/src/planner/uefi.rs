//! What boots the three systems of a run on a UEFI: the selector's files on the EFI system partition
//! that the old system was booted from, an entry for them, and the new system's own.

mod esp;
mod firmware;
mod images;
mod prose;

use super::Input;
use crate::boot::PlannedBoot;
use crate::boot::uefi::found::{FoundEntry, FoundUefi};
use crate::boot::uefi::{EntryNumber, Esp, FALLBACK_DIRECTORY, UefiBoot};
use crate::disk::table::GPT_ESP;
use crate::disk::{Disk, FoundPartition, OtherDisk};
use crate::job::{Action, FirmwareProof, PartitionWish};
use crate::node::facts::Firmware;
use crate::planner::refusal::Refusal;
use crate::step::Step;
use crate::words::abspath::AbsPath;
use crate::words::relpath::RelPath;
pub(super) use esp::ESP_ROOM;
use esp::{OnEsp, esp, named, of_esp};
use firmware::{of_firmware, old_entry, unread};
use images::{new_loader, unmendable, unmountable, unsigned};
pub(super) use prose::{not_promised, notes};

/// Where the new system has the EFI system partition, if the job says nothing.
const MOUNT: &str = "/boot/efi";

/// The EFI system partition that the node was booted from, with its disk.
pub(super) fn system_partition<'a>(
    input: &Input<'a>,
) -> Result<(&'a Disk, &'a FoundPartition), Refusal> {
    let found = input.facts.uefi.as_ref();
    let found = found.ok_or_else(|| unread("what its firmware boots is not known"))?;
    let (_, file) = old_entry(found)?;
    esp(input.facts, file).map(|esp| (esp.disk, esp.partition))
}

/// What boots the three systems, the jump system from a landing partition or `in_memory`; an image without a
/// loader for them is refused elsewhere.
pub(super) fn boot(
    input: &Input<'_>,
    disk: &Disk,
    in_memory: bool,
) -> Result<PlannedBoot, Vec<Refusal>> {
    let Some(found) = &input.facts.uefi else {
        return Err(vec![unread("what its firmware boots is not known")]);
    };
    let mut refusals = of_firmware(found);
    let old = old_entry(found).map_err(|refusal| refusals.push(refusal));
    let esp = old.and_then(|(_, file)| {
        let esp = esp(input.facts, file);
        esp.map_err(|refusal| refusals.push(refusal))
    });
    let (Ok((entry, file)), Ok(esp)) = (old, esp) else {
        return Err(refusals);
    };
    refusals.extend(of_esp(input, disk, esp, in_memory));
    refusals.extend(unsigned(input, found));
    refusals.extend(unmountable(input));
    refusals.extend(unmendable(input));
    let new = new_loader(input);
    let path = named(file, esp.found);
    match (new, path) {
        (Ok(Some((name, new))), Ok(old)) if refusals.is_empty() => Ok(planned(
            input,
            found,
            (entry, old),
            (disk, esp),
            (name, new),
        )),
        (new, old) => {
            refusals.extend(new.err());
            refusals.extend(old.err());
            Err(refusals)
        }
    }
}

/// How the firmware comes to boot the jump system by its order, as the job and what is known of it say.
pub(super) fn order_step(input: &Input<'_>) -> Step {
    let is_trusted = match input.job.prove.firmware {
        FirmwareProof::Auto => input.follows,
        FirmwareProof::Once => true,
        FirmwareProof::Twice => false,
    };
    if is_trusted {
        Step::TurnOrder
    } else {
        Step::FollowOrder
    }
}

fn planned(
    input: &Input<'_>,
    found: &FoundUefi,
    (old_entry, old): (&FoundEntry, RelPath),
    (replaced, on_it): (&Disk, OnEsp<'_>),
    (new_name, new): (String, RelPath),
) -> PlannedBoot {
    let mut taken: Vec<EntryNumber> = found.entries.iter().map(|entry| entry.number).collect();
    let order = found.order.clone().unwrap_or_default();
    taken.extend(&order.0);
    let mut free = || {
        let number = EntryNumber::free(&taken).unwrap_or(EntryNumber(u16::MAX));
        taken.push(number);
        number
    };
    let entry = free();
    // The same loader by the same entry, whatever it is called.
    let is_same = old.as_str().eq_ignore_ascii_case(new.as_str());
    let new_entry = if is_same { old_entry.number } else { free() };
    let OnEsp {
        disk,
        partition,
        found: on_esp,
    } = on_it;
    let beside = OtherDisk::beside(replaced, disk);
    let mount = beside
        .as_ref()
        .map_or_else(|| mount(input, partition.number), |_| usual_mount());
    PlannedBoot::Uefi(UefiBoot {
        beside,
        esp: Esp {
            number: partition.number,
            // It was found by this.
            extent: disk
                .in_blocks(partition.extent())
                .unwrap_or(partition.extent()),
            partuuid: partition.partuuid.clone().unwrap_or_default(),
        },
        entry,
        old_entry: old_entry.number,
        old,
        new_entry,
        new,
        new_name,
        mount,
        order,
        fallback: !on_esp.has_any(FALLBACK_DIRECTORY),
    })
}

/// Whether `number` is an EFI system partition of the disk that is replaced, on a node with a UEFI.
pub(super) fn is_esp(input: &Input<'_>, number: u32) -> bool {
    let disk = super::disk::chosen(input).ok();
    let mut partitions = disk.iter().flat_map(|disk| &disk.partitions);
    input.facts.firmware == Firmware::Uefi
        && partitions.any(|it| it.number == number && it.type_code == GPT_ESP)
}

/// Where the new system has the EFI system partition `number`.
fn mount(input: &Input<'_>, number: u32) -> AbsPath {
    let wishes = &input.job.layout.partitions;
    let wish = wishes.iter().find(|wish| wish.number == number);
    let mount = wish.and_then(|wish| wish.mount.as_deref()?.parse().ok());
    mount.unwrap_or_else(usual_mount)
}

fn usual_mount() -> AbsPath {
    MOUNT.parse().expect("an absolute path")
}

/// The wish for the EFI system partition of a job that has none: it is kept, and mounted.
pub(super) fn implied(boot: &PlannedBoot, wishes: &[PartitionWish]) -> Option<PartitionWish> {
    let uefi = boot.uefi().filter(|uefi| uefi.beside.is_none())?;
    let is_there = wishes
        .iter()
        .any(|wish| wish.number == uefi.esp.number && wish.mount.is_some());
    (!is_there).then(|| PartitionWish {
        number: uefi.esp.number,
        action: Action::Keep,
        mount: Some(uefi.mount.as_str().to_owned()),
        fs: None,
        label: None,
        size: None,
        options: None,
    })
}
