//! Whether the two images can do their jobs on this node.

use super::{ImageFile, Input};
use crate::facts::Firmware;
use crate::manifest::{Init, Kind};
use crate::refusal::{Refusal, RefusalCode};

/// What stands against the two images on this node.
pub(super) fn refusals(input: &Input<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (kind, file) in [(Kind::Jump, input.jump), (Kind::Target, input.target)] {
        refusals.extend(kind_refusal(kind, file));
        refusals.extend(architecture_refusal(input, kind, file));
        refusals.extend(loader_refusal(input, kind, file));
        refusals.extend(lacks(kind, file));
        refusals.extend(super::first_boot::refusals(kind, file));
        refusals.extend(
            file.manifest
                .missing_programs()
                .filter(|_| file.manifest.kind == kind)
                .map(|program| lacks_program(file, program)),
        );
    }
    refusals
}

fn kind_refusal(kind: Kind, file: &ImageFile) -> Option<Refusal> {
    (file.manifest.kind != kind).then(|| {
        Refusal::new(
            RefusalCode::ImageUnfit,
            format!(
                "{} is a {} image, not a {kind} image",
                file.manifest.name, file.manifest.kind
            ),
            "mind the order in [images]",
        )
    })
}

fn architecture_refusal(input: &Input<'_>, kind: Kind, file: &ImageFile) -> Option<Refusal> {
    let (image, node) = (&file.manifest.architecture, &input.facts.architecture);
    (image != node).then(|| {
        Refusal::new(
            RefusalCode::ArchitectureMismatch,
            format!(
                "the {kind} image {} is for {image}, the node is {node}",
                file.manifest.name
            ),
            format!("build one on a {node} golden host"),
        )
    })
}

fn loader_refusal(input: &Input<'_>, kind: Kind, file: &ImageFile) -> Option<Refusal> {
    let mode = match input.facts.firmware {
        Firmware::Bios => "i386-pc",
        Firmware::Uefi => {
            return Some(Refusal::new(
                RefusalCode::BootModeNotOffered,
                "the node boots by UEFI, which this version cannot turn to its selector",
                "only BIOS nodes for now",
            ))
            .filter(|_| kind == Kind::Jump);
        }
    };
    let offered = &file.manifest.loaders;
    (!offered.iter().any(|loader| loader == mode)).then(|| {
        Refusal::new(
            RefusalCode::BootModeNotOffered,
            format!(
                "the node needs GRUB for {mode}; the {kind} image {} has {}",
                file.manifest.name,
                if offered.is_empty() {
                    "none".to_owned()
                } else {
                    offered.join(", ")
                }
            ),
            "install grub-pc-bin in the golden root and build the image again",
        )
    })
}

fn lacks_program(file: &ImageFile, program: &str) -> Refusal {
    let manifest = &file.manifest;
    let (message, hint) = if manifest.programs.is_empty() {
        (
            format!(
                "the {} image {} does not say that it has /{program}, which a step runs",
                manifest.kind, manifest.name
            ),
            "install Debian's names for GRUB's programs (grub2-… is not looked for), or build the image again with this jumpimg",
        )
    } else {
        (
            format!(
                "the {} image {} has no /{program}, which a step runs",
                manifest.kind, manifest.name
            ),
            "install it in the golden root and build the image again",
        )
    };
    Refusal::new(RefusalCode::ImageUnfit, message, hint)
}

fn lacks(kind: Kind, file: &ImageFile) -> Vec<Refusal> {
    let manifest = &file.manifest;
    let initramfs = manifest
        .kernels
        .last()
        .is_some_and(|kernel| kernel.initramfs.is_some());
    let mut wanted = vec![
        (!manifest.kernels.is_empty(), "kernel"),
        (initramfs, "initramfs for its newest kernel"),
        (manifest.init.is_some(), "init"),
        (manifest.sshd, "SSH server"),
        (
            !manifest.network.is_empty(),
            "network stack that starts at boot",
        ),
    ];
    match kind {
        Kind::Jump => {
            let makes = |fs: &str| manifest.filesystems.iter().any(|made| made == fs);
            wanted.push((makes("ext4"), "mkfs.ext4"));
            wanted.push((!manifest.toolbox.is_empty(), "toolbox for the old system"));
        }
        Kind::Target => wanted.push((
            manifest.init == Some(Init::Systemd),
            "systemd to start the first-boot unit",
        )),
    }
    let refuse = |what: &str| {
        Refusal::new(
            RefusalCode::ImageUnfit,
            format!("the {kind} image {} has no {what}", manifest.name),
            "install it in the golden root and build the image again",
        )
    };
    wanted
        .into_iter()
        .filter(|(there, _)| !there)
        .map(|(_, what)| refuse(what))
        .collect()
}
