//! What boots the three systems of a run on a UEFI: the selector's files on the EFI system partition
//! that the old system was booted from, an entry for them, and the new system's own.

use super::Input;
use crate::boot::PlannedBoot;
use crate::boot::uefi::found::{FoundEntry, FoundEsp, FoundUefi};
use crate::boot::uefi::{
    BootOrder, EntryNumber, Esp, EspFile, FALLBACK, FALLBACK_DIRECTORY, UefiBoot,
};
use crate::disk::table::GPT_ESP;
use crate::disk::{Disk, FoundPartition};
use crate::image::loader::Platform;
use crate::image::manifest::Manifest;
use crate::job::{Action, FirmwareProof, PartitionWish};
use crate::node::facts::Facts;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::step::Step;
use crate::words::abspath::AbsPath;
use crate::words::relpath::RelPath;
use crate::words::size::Size;

/// What the selector's files take on an EFI system partition, with room for the new system's.
pub(super) const ESP_ROOM: Size = Size::mib(8);
/// Where the new system has the EFI system partition, if the job says nothing.
const MOUNT: &str = "/boot/efi";

/// The EFI system partition that the node was booted from.
pub(super) fn system_partition<'a>(
    input: &Input<'a>,
    disk: &'a Disk,
) -> Result<&'a FoundPartition, Refusal> {
    let found = input.facts.uefi.as_ref();
    let found = found.ok_or_else(|| unread("what its firmware boots is not known"))?;
    let (_, file) = old_entry(found)?;
    esp(input.facts, disk, file).map(|(partition, _)| partition)
}

/// What boots the three systems.
pub(super) fn boot(input: &Input<'_>, disk: &Disk) -> Result<PlannedBoot, Vec<Refusal>> {
    let Some(found) = &input.facts.uefi else {
        return Err(vec![unread("what its firmware boots is not known")]);
    };
    let mut refusals = of_firmware(found);
    let old = old_entry(found).map_err(|refusal| refusals.push(refusal));
    let esp = old.and_then(|(_, file)| {
        let esp = esp(input.facts, disk, file);
        esp.map_err(|refusal| refusals.push(refusal))
    });
    let (Ok((entry, file)), Ok((partition, on_it))) = (old, esp) else {
        return Err(refusals);
    };
    refusals.extend(of_esp(input, partition, on_it));
    refusals.extend(unsigned(input, found));
    refusals.extend(unmountable(input));
    refusals.extend(unmendable(input));
    let new = new_loader(input).ok_or_else(|| unread("its new loader cannot be named"));
    let path = named(file, on_it);
    match (new, path) {
        (Ok((name, new)), Ok(old)) if refusals.is_empty() => Ok(planned(
            input,
            found,
            (entry, old),
            (partition, on_it, disk),
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

/// What an admin should know of a proof that is left out.
pub(super) fn note(input: &Input<'_>) -> Option<String> {
    let found = input.facts.uefi.as_ref()?;
    if input.rehearsal || order_step(input) == Step::FollowOrder {
        return None;
    }
    let why = match input.job.prove.firmware {
        FirmwareProof::Once => "as the job says".to_owned(),
        _ => format!(
            "as this host has seen firmware like this one do it: {}",
            found.model
        ),
    };
    Some(format!(
        "that the firmware follows BootOrder is taken on trust before the commit, {why} ([prove] firmware = \"twice\" has it shown)"
    ))
}

fn planned(
    input: &Input<'_>,
    found: &FoundUefi,
    (old_entry, old): (&FoundEntry, RelPath),
    (partition, on_it, disk): (&FoundPartition, &FoundEsp, &Disk),
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
    PlannedBoot::Uefi(UefiBoot {
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
        mount: mount(input, partition.number),
        order,
        fallback: !on_it.has_any(FALLBACK_DIRECTORY),
    })
}

/// What stands against this firmware.
fn of_firmware(found: &FoundUefi) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if found.bits != Some(64) {
        refusals.push(Refusal::new(
            RefusalCode::FirmwareUnsupported,
            "its UEFI is not one of 64 bits, and starts none of the loaders that jump has",
            "jump this node another way",
        ));
    }
    if let Some(why) = &found.unwritable {
        refusals.push(Refusal::new(
            RefusalCode::FirmwareUnwritable,
            format!("the firmware's variables cannot be written: {why}"),
            "mount efivarfs at /sys/firmware/efi/efivars to write to it; if the store is full, remove pstore's dumps (dump-type0-*) there",
        ));
    }
    if let Some(next) = found.next {
        refusals.push(Refusal::new(
            RefusalCode::BootOrderForeign,
            format!("the next boot of this node is by {next} already (BootNext)"),
            "reboot it, or take that back (`efibootmgr --delete-bootnext`)",
        ));
    }
    refusals
}

/// The entry that the old system was booted by, first of the order, and the file that it starts.
fn old_entry(found: &FoundUefi) -> Result<(&FoundEntry, &EspFile), Refusal> {
    let current = found.current.and_then(|number| found.entry(number));
    let started = current.and_then(|entry| Some((entry, entry.file.as_ref()?)));
    let Some((entry, file)) = started else {
        return Err(unread(
            "the entry that it was booted by (BootCurrent) starts no file of an EFI system partition",
        ));
    };
    let first = found.order.as_ref().and_then(BootOrder::first);
    if first != Some(entry.number) {
        return Err(Refusal::new(
            RefusalCode::BootOrderForeign,
            format!(
                "it was booted by {} and tries {} first: somebody else, PXE for example, decides what boots",
                entry.number,
                first.map_or("nothing".to_owned(), |first| first.to_string()),
            ),
            "put the entry of its disk in front (`efibootmgr --bootorder`) for the time of the jump",
        ));
    }
    if file.path.eq_ignore_ascii_case(FALLBACK) {
        return Err(Refusal::new(
            RefusalCode::FirmwareUnsupported,
            format!(
                "it was booted by \\{}: its firmware may follow no entry",
                FALLBACK.replace('/', "\\")
            ),
            "give the old system an entry of its own (`grub-install`), reboot it, and try again",
        ));
    }
    Ok((entry, file))
}

/// The EFI system partition that `file` is on: one of the planned disk.
fn esp<'a>(
    facts: &'a Facts,
    disk: &'a Disk,
    file: &EspFile,
) -> Result<(&'a FoundPartition, &'a FoundEsp), Refusal> {
    let is_it = |partition: &&FoundPartition| {
        let uuid = partition.partuuid.as_deref();
        partition.type_code == GPT_ESP
            && uuid.is_some_and(|uuid| uuid.eq_ignore_ascii_case(&file.esp.partuuid))
    };
    let on_disk = disk.partitions.iter().filter(is_it);
    let is_there = |it: &&FoundPartition| {
        it.number == file.esp.number && disk.in_blocks(it.extent()) == Some(file.esp.extent)
    };
    let found = on_disk.filter(is_there);
    let found: Vec<&FoundPartition> = found.collect();
    let alike = facts.partitions().filter(|(_, it)| is_it(it)).count();
    let ([partition], 1) = (found.as_slice(), alike) else {
        return Err(Refusal::new(
            RefusalCode::EspUnknown,
            format!(
                "the EFI system partition that it was booted from ({}) is not one partition of {}",
                file.esp.partuuid, disk.device
            ),
            "take the other disks out, or jump this node another way",
        ));
    };
    let esp = facts
        .uefi
        .as_ref()
        .and_then(|uefi| uefi.esp(&partition.device));
    let esp = esp.filter(|esp| esp.free.is_some());
    esp.map(|esp| (*partition, esp)).ok_or_else(|| {
        Refusal::new(
            RefusalCode::EspUnknown,
            format!(
                "the EFI system partition {} cannot be read",
                partition.device
            ),
            "mend its file system (`fsck.vfat`) first",
        )
    })
}

/// What stands against that partition.
fn of_esp(input: &Input<'_>, partition: &FoundPartition, esp: &FoundEsp) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let device = &partition.device;
    let free = esp.free.unwrap_or_default();
    if free < ESP_ROOM {
        refusals.push(Refusal::new(
            RefusalCode::EspFull,
            format!(
                "{device}, the EFI system partition, has {free} free; the selector needs {ESP_ROOM}"
            ),
            "remove what no system needs from it",
        ));
    }
    if esp.has_boot_grub {
        refusals.push(Refusal::new(
            RefusalCode::EspUnknown,
            format!("{device}, the EFI system partition, has a script in /boot/grub, which the selector's GRUB would take for its own"),
            "move that away",
        ));
    }
    let action = input.job.layout.action(partition.number);
    if !matches!(action, None | Some(Action::Keep)) {
        refusals.push(Refusal::new(
            RefusalCode::LoaderInLayout,
            format!("the layout changes {device}, the EFI system partition that the loaders of the old and the new system and the selector lie in"),
            "leave it out of the layout, or say action = \"keep\"",
        ));
    }
    refusals
}

/// Both systems work with the partition and the variables: the jump system after the commit, too.
fn unmountable(input: &Input<'_>) -> Vec<Refusal> {
    let images = [&input.jump.manifest, &input.target.manifest];
    let lacking = images.into_iter().flat_map(|image| {
        let can = |fs: &&str| image.mountable.iter().any(|it| it == fs);
        let lacks = ["vfat", "efivarfs"].into_iter().filter(move |fs| !can(fs));
        lacks.map(|fs| (&image.name, fs))
    });
    let refusal = |(name, fs): (&String, &str)| {
        Refusal::new(
            RefusalCode::ImageUnfit,
            format!("the kernel of the image {name} cannot mount {fs}, which a UEFI needs"),
            "install a kernel with that module in its golden root, or exclude less, and build the image again",
        )
    };
    lacking.map(refusal).collect()
}

/// What a power cut leaves half written there is mended by the jump system: by fsck.vfat, which comes with
/// mkfs.vfat (dosfstools).
fn unmendable(input: &Input<'_>) -> Option<Refusal> {
    let image = &input.jump.manifest;
    let has = image.filesystems.iter().any(|fs| fs == "vfat");
    (!has).then(|| {
        Refusal::new(
            RefusalCode::ImageUnfit,
            format!(
                "the jump image {} has no dosfstools, which mend an EFI system partition after a power cut",
                image.name
            ),
            "install dosfstools in its golden root and build it again",
        )
    })
}

/// With Secure Boot the firmware starts signed loaders alone.
fn unsigned(input: &Input<'_>, found: &FoundUefi) -> Option<Refusal> {
    let image = &input.target.manifest;
    (found.secure_boot && !is_signed(image)).then(|| {
        Refusal::new(
            RefusalCode::LoaderUnsigned,
            format!(
                "Secure Boot is on, and the target image {} has no signed loader",
                image.name
            ),
            "install shim-signed and grub-efi-amd64-signed in its golden root and build it again, or switch Secure Boot off",
        )
    })
}

/// Whether grub-install finds signed loaders in the image, and takes them.
fn is_signed(image: &Manifest) -> bool {
    let signed = image.signed.as_ref();
    signed.is_some_and(|signed| signed.grub.is_some())
}

/// What the new system's directory of loaders is called, and what its entry starts: where its
/// grub-install puts it.
fn new_loader(input: &Input<'_>) -> Option<(String, RelPath)> {
    let image = &input.target.manifest;
    image.loader(Platform::X86_64Efi)?;
    let name = image.os.id.clone();
    let file = if is_signed(image) {
        "shimx64.efi"
    } else {
        "grubx64.efi"
    };
    let path: RelPath = format!("EFI/{name}/{file}").parse().ok()?;
    // Not where the selector is, nor beyond the directory of loaders.
    let is_sound = !name.is_empty() && !name.contains('/') && !name.eq_ignore_ascii_case("jump");
    is_sound.then_some((name, path))
}

/// The file of an entry, by its name as it stands on the partition.
fn named(file: &EspFile, esp: &FoundEsp) -> Result<RelPath, Refusal> {
    let there = esp.file(&file.path).and_then(|path| path.parse().ok());
    there.ok_or_else(|| {
        Refusal::new(
            RefusalCode::EspUnknown,
            format!(
                "{} has no /{}, by which it was booted",
                esp.device, file.path
            ),
            "install the old system's loader again (`grub-install`)",
        )
    })
}

fn unread(why: &str) -> Refusal {
    Refusal::new(
        RefusalCode::LoaderUnknown,
        why,
        "boot it by an entry of its disk (`efibootmgr -v` shows them), then try again",
    )
}

/// Where the new system has the EFI system partition `number`.
fn mount(input: &Input<'_>, number: u32) -> AbsPath {
    let wishes = &input.job.layout.partitions;
    let wish = wishes.iter().find(|wish| wish.number == number);
    let mount = wish.and_then(|wish| wish.mount.as_deref()?.parse().ok());
    mount.unwrap_or_else(|| MOUNT.parse().expect("an absolute path"))
}

/// The wish for the EFI system partition of a job that has none: it is kept, and mounted.
pub(super) fn implied(boot: &PlannedBoot, wishes: &[PartitionWish]) -> Option<PartitionWish> {
    let uefi = boot.uefi()?;
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
