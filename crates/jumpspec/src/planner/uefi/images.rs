//! What the two images need for a node that boots by UEFI.

use crate::boot::uefi::found::FoundUefi;
use crate::image::loader::Platform;
use crate::image::manifest::Manifest;
use crate::planner::Input;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::words::relpath::RelPath;

/// Both systems work with the partition and the variables: the jump system after the commit, too.
pub(super) fn unmountable(input: &Input<'_>) -> Vec<Refusal> {
    let images = [&input.jump.manifest, &input.target.manifest];
    let refusal = |image: &Manifest| {
        let can = |fs: &&str| image.mountable.iter().any(|it| it == fs);
        let mut lacks = vec!["vfat", "efivarfs"];
        lacks.retain(|fs| !can(fs));
        (!lacks.is_empty()).then(|| {
            Refusal::new(
                RefusalCode::ImageUnfit,
                format!(
                    "the kernel of the image {} cannot mount {}, which a UEFI needs",
                    image.name,
                    lacks.join(" and ")
                ),
                "install a kernel with that module in its golden root, or exclude less, and build the image again",
            )
        })
    };
    images.into_iter().filter_map(refusal).collect()
}

/// What a power cut leaves half written there is mended by the jump system: by fsck.vfat, which comes with
/// mkfs.vfat (dosfstools).
pub(super) fn unmendable(input: &Input<'_>) -> Option<Refusal> {
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
pub(super) fn unsigned(input: &Input<'_>, found: &FoundUefi) -> Option<Refusal> {
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
/// grub-install puts it. `None` is an image without a loader for a UEFI, which is refused already.
pub(super) fn new_loader(input: &Input<'_>) -> Result<Option<(String, RelPath)>, Refusal> {
    let image = &input.target.manifest;
    if image.loader(Platform::X86_64Efi).is_none() {
        return Ok(None);
    }
    let name = &image.os.id;
    let file = if is_signed(image) {
        "shimx64.efi"
    } else {
        "grubx64.efi"
    };
    // Not where the selector is, nor beyond the directory of loaders.
    let is_sound = !name.is_empty() && !name.contains('/') && !name.eq_ignore_ascii_case("jump");
    let path = format!("EFI/{name}/{file}").parse().ok();
    match path.filter(|_| is_sound) {
        Some(path) => Ok(Some((name.clone(), path))),
        None => Err(Refusal::new(
            RefusalCode::ImageUnfit,
            format!(
                "the target image {} calls its system {name:?} (ID in its os-release), and no directory of loaders can be called so",
                image.name
            ),
            "set ID in /etc/os-release of its golden root, and build the image again",
        )),
    }
}
