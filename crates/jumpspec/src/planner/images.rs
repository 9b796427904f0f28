//! Whether the two images can do their jobs on this node.

use super::{ImageFile, Input};
use crate::image::fitness::{self, Unfit};
use crate::image::kind::Kind;
use crate::image::loader::{NewGrub, Platform, SelectorGrub, SelectorLoader, SignedSelector};
use crate::image::manifest::Manifest;
use crate::node::facts::Firmware;
use crate::planner::refusal::{Refusal, RefusalCode};

/// What stands against the two images on this node.
pub(super) fn refusals(input: &Input<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (kind, file) in [(Kind::Jump, input.jump), (Kind::Target, input.target)] {
        refusals.extend(kind_refusal(kind, file));
        refusals.extend(architecture_refusal(input, kind, file));
        refusals.extend(loader_refusal(input, kind, file));
        refusals.extend(unfit(input, kind, file));
        refusals.extend(super::first_boot::refusals(kind, file));
    }
    refusals
}

/// By what the selector is started.
pub(super) fn selector_loader(input: &Input<'_>) -> Option<SelectorLoader> {
    let manifest = &input.jump.manifest;
    match platform(input) {
        Platform::I386Pc => {
            SelectorGrub::of(manifest.loader(Platform::I386Pc)?).map(SelectorLoader::Made)
        }
        Platform::X86_64Efi => signed_selector(manifest).map(SelectorLoader::Signed),
    }
}

fn signed_selector(manifest: &Manifest) -> Option<SignedSelector> {
    SignedSelector::of(manifest.signed.as_ref()?)
}

/// By what the new system's loader is installed.
pub(super) fn new_grub(input: &Input<'_>) -> Option<NewGrub> {
    NewGrub::of(input.target.manifest.loader(platform(input))?)
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

/// Whose loader the node boots by.
fn platform(input: &Input<'_>) -> Platform {
    match input.facts.firmware {
        Firmware::Bios => Platform::I386Pc,
        Firmware::Uefi => Platform::X86_64Efi,
    }
}

fn loader_refusal(input: &Input<'_>, kind: Kind, file: &ImageFile) -> Option<Refusal> {
    let mode = platform(input);
    let (manifest, packages) = (&file.manifest, packages(mode, kind));
    let has = match (mode, kind) {
        (Platform::X86_64Efi, Kind::Jump) => signed_selector(manifest).is_some(),
        _ => manifest.loader(mode).is_some(),
    };
    (!has).then(|| {
        Refusal::new(
            RefusalCode::BootModeNotOffered,
            format!(
                "the node needs {} for {mode}; the {kind} image {} has {}",
                wanted(mode, kind),
                manifest.name,
                offered(manifest)
            ),
            format!("install {packages} in the golden root and build the image again"),
        )
    })
}

/// What the selector is started by on a UEFI is signed, whatever else the image has.
fn wanted(mode: Platform, kind: Kind) -> &'static str {
    match (mode, kind) {
        (Platform::X86_64Efi, Kind::Jump) => "shim and a signed GRUB",
        _ => "GRUB",
    }
}

fn offered(manifest: &Manifest) -> String {
    let loaders = manifest.loaders.iter();
    let mut offered: Vec<&str> = loaders.map(|loader| loader.platform.name()).collect();
    if offered.is_empty() {
        offered.push("none");
    }
    offered.join(", ")
}

/// The packages of Debian's with the loaders that an image of this kind needs.
fn packages(mode: Platform, kind: Kind) -> &'static str {
    match (mode, kind) {
        (Platform::I386Pc, _) => "grub-pc-bin",
        (Platform::X86_64Efi, Kind::Jump) => "shim-signed and grub-efi-amd64-signed",
        (Platform::X86_64Efi, Kind::Target) => "grub-efi-amd64-bin",
    }
}

/// What the image lacks for its job, besides what this node needs of it.
fn unfit(input: &Input<'_>, kind: Kind, file: &ImageFile) -> Vec<Refusal> {
    let manifest = &file.manifest;
    if manifest.kind != kind {
        return Vec::new();
    }
    let counts = |what: &Unfit| match what {
        // What a loader it has to have for this node is asked already.
        Unfit::NoLoader => false,
        Unfit::LoaderLacks(loader) => loader.platform == platform(input),
        _ => true,
    };
    let lacks = fitness::lacks(manifest).into_iter();
    lacks
        .filter(counts)
        .map(|what| {
            let message = format!("the {kind} image {} is not fit: {what}", manifest.name);
            Refusal::new(RefusalCode::ImageUnfit, message, what.hint())
        })
        .collect()
}
