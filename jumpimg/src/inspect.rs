//! `jumpimg inspect`: what an image is, from its manifest.

use std::fmt::Write as _;

use jumparchive::Image;
use jumpspec::manifest::Manifest;
use jumpspec::size::Size;

use crate::cli::InspectArgs;
use crate::trouble::Trouble;

/// Prints the manifest.
pub(crate) fn run(args: &InspectArgs) -> Result<(), Trouble> {
    let image = crate::image::open(&args.image)?;
    if args.json {
        let json = serde_json::to_string_pretty(&image.manifest()).map_err(anyhow::Error::new)?;
        anstream::println!("{json}");
        return Ok(());
    }
    anstream::print!("{}", describe(&image));
    Ok(())
}

fn describe(image: &Image) -> String {
    let size = Size(image.size());
    let frames = image.frames().len();
    let Some(manifest) = image.manifest() else {
        let entries = image.entry_count();
        return format!(
            "plain archive without a manifest\nsize        {size}\nentries     {entries}\nframes      {frames}\n"
        );
    };
    let mut text = String::new();
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{key:<12}{}",
            if value.is_empty() { "none" } else { value }
        );
    };
    line("image", &format!("{} ({})", manifest.name, manifest.kind));
    line("system", &manifest.os.pretty_name);
    line("machine", &manifest.architecture);
    for kernel in &manifest.kernels {
        let initramfs = kernel
            .initramfs
            .as_ref()
            .map_or("no initramfs", |path| path.as_str());
        line(
            "kernel",
            &format!("{} ({}, {initramfs})", kernel.release, kernel.image),
        );
    }
    line(
        "init",
        &manifest
            .init
            .map(|init| format!("{init:?}").to_lowercase())
            .unwrap_or_default(),
    );
    line("network", &networks(manifest));
    line("sshd", if manifest.sshd { "yes" } else { "no" });
    line("loaders", &manifest.loaders.join(", "));
    line("can make", &manifest.filesystems.join(", "));
    let budget =
        |budget: Option<Size>| budget.map(|size| format!(" of {size}")).unwrap_or_default();
    line(
        "size",
        &format!("{size}{}", budget(manifest.budget.compressed)),
    );
    line(
        "unpacked",
        &format!("{}{}", manifest.unpacked, budget(manifest.budget.unpacked)),
    );
    line(
        "entries",
        &format!("{} ({} inodes)", manifest.entries, manifest.inodes),
    );
    line("frames", &frames.to_string());
    line("index", &manifest.index_digest.to_string());
    line("built by", &manifest.tool);
    text
}

fn networks(manifest: &Manifest) -> String {
    let names: Vec<String> = manifest
        .network
        .iter()
        .map(|stack| format!("{stack:?}").to_lowercase())
        .collect();
    names.join(", ")
}
