//! What an image is, from its manifest, in words.

use jumparchive::Image;
use jumpspec::image::manifest::Manifest;
use jumpspec::node::first_boot::names;
use jumpspec::render::page::Page;
use jumpspec::words::shown;
use jumpspec::words::size::Size;

/// A key and what it is; the image's builder chose the texts, and they are safe to show.
pub(super) type Fact = (&'static str, String);

/// What to call the image.
pub(super) fn title(image: &Image) -> String {
    match image.manifest() {
        Some(manifest) => shown::name(format!("{} ({})", manifest.name, manifest.kind).as_bytes()),
        None => "plain archive without a manifest".to_owned(),
    }
}

/// The facts in lines.
pub(super) fn describe(image: &Image) -> Page {
    let mut text = Page::of(match image.manifest() {
        Some(_) => format!("{:<12}{}", "image", title(image)),
        None => title(image),
    });
    for (key, value) in facts(image) {
        text.line(format_args!("{key:<12}{value}"));
    }
    text
}

/// What there is to say besides the title.
pub(super) fn facts(image: &Image) -> Vec<Fact> {
    let (size, frames) = (Size(image.size()), image.frames().len().to_string());
    let Some(manifest) = image.manifest() else {
        return vec![
            ("size", size.to_string()),
            ("entries", image.entry_count().to_string()),
            ("frames", frames),
        ];
    };
    let mut facts = system(manifest);
    facts.extend([
        ("size", within(size, manifest.budget.compressed)),
        (
            "unpacked",
            within(manifest.unpacked, manifest.budget.unpacked),
        ),
        (
            "entries",
            format!("{} ({} inodes)", manifest.entries, manifest.inodes),
        ),
        ("frames", frames),
        ("index", manifest.index_digest.to_string()),
        ("built by", manifest.tool.clone()),
    ]);
    for (_, value) in &mut facts {
        *value = if value.is_empty() {
            "none".to_owned()
        } else {
            shown::name(value.as_bytes())
        };
    }
    facts
}

/// What is in the tree, and what that can do.
fn system(manifest: &Manifest) -> Vec<Fact> {
    let mut facts = vec![
        ("system", manifest.os.pretty_name.clone()),
        ("machine", manifest.architecture.clone()),
    ];
    for kernel in &manifest.kernels {
        let initramfs = kernel.initramfs.as_ref();
        let initramfs = initramfs.map_or("no initramfs", |path| path.as_str());
        let line = format!("{} ({}, {initramfs})", kernel.release, kernel.image);
        facts.push(("kernel", line));
    }
    let init = manifest.init.map(|init| format!("{init:?}").to_lowercase());
    facts.extend([
        ("init", init.unwrap_or_default()),
        ("network", networks(manifest)),
        ("sshd", if manifest.sshd { "yes" } else { "no" }.to_owned()),
        ("first boot", first_boot(manifest)),
        ("loaders", loaders(manifest)),
        ("can make", manifest.filesystems.join(", ")),
    ]);
    facts
}

/// What would make another node of one.
fn first_boot(manifest: &Manifest) -> String {
    let unseen = || "not looked at when it was built".to_owned();
    manifest.first_boot.as_deref().map_or_else(unseen, names)
}

/// Each platform, with the program that installs it.
fn loaders(manifest: &Manifest) -> String {
    let loaders = manifest.loaders.iter();
    let loaders = loaders.map(|loader| format!("{} (/{})", loader.platform, loader.install));
    loaders.collect::<Vec<_>>().join(", ")
}

fn within(size: Size, budget: Option<Size>) -> String {
    match budget {
        Some(budget) => format!("{size} of {budget}"),
        None => size.to_string(),
    }
}

fn networks(manifest: &Manifest) -> String {
    let names: Vec<String> = manifest
        .network
        .iter()
        .map(|stack| format!("{stack:?}").to_lowercase())
        .collect();
    names.join(", ")
}
