//! `jumpimg build`: a golden tree becomes an image.
//!
//! The tree is looked through twice: once to count, so that a build that cannot fit
//! ends before it begins, and once to pack. Nothing in the tree is changed.

mod accounts;
mod boot;
mod census;
mod codecs;
mod drivers;
mod exclude;
mod first_boot;
mod heavy;
mod kernels;
mod loaders;
mod mountable;
mod mounts;
mod obstacles;
mod openssh;
mod outcome;
mod selinux;
mod settings;
mod stored;
mod strict;
mod survey;
mod toolbox;

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use jumparchive::{Codec, Decision, Node, PackOptions, Packer, Tree};
use jumpspec::image::fitness;
use jumpspec::image::manifest::Manifest;
use jumpspec::words::size::Size;
use jumpsys::files::atomic::{AtomicFile, write_atomic};

use census::Census;
use exclude::Rules;
pub(crate) use outcome::first_boot as first_boot_in_words;
use outcome::{Built, DryRun};
use settings::Format;
pub(crate) use settings::{BuildArgs, ImageArgs, KindName, Settings};

use crate::error::{Exit, Trouble};
use crate::image::weight::Weights;
use crate::image::{open, output};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::{meter, print};

/// Builds an image, or says what it would be.
pub(crate) fn run(args: &BuildArgs) -> Result<(), Trouble> {
    let result = Settings::resolve(args).and_then(|settings| build(&settings, None));
    print_errors(args.image.json, &result)?;
    result
}

/// Tells programs what went wrong.
pub(crate) fn print_errors(json: bool, result: &Result<(), Trouble>) -> Result<(), Trouble> {
    match result {
        Err(trouble) if json => print::json(&serde_json::json!({ "errors": trouble.causes })),
        _ => Ok(()),
    }
}

/// That the user does not want it any more.
pub(crate) fn interrupted() -> Trouble {
    let message = "interrupted; nothing was built";
    Trouble::new(Exit::Interrupted, "interrupted", message)
}

/// Builds what the settings say, until Ctrl-C, for which the caller may listen already.
pub(crate) fn build(settings: &Settings, interrupt: Option<Interrupt>) -> Result<(), Trouble> {
    let begun = Instant::now();
    let shown = settings.root.display();
    let tree = Tree::open(&settings.root).with_context(|| format!("cannot open {shown}"))?;
    let mounts = mounts::find(&settings.root, &tree, &settings.recipe.mounts)?;
    let mut rules = Rules::new(&tree, &settings.recipe.excludes, mounts)?;
    if let Some(output) = &settings.output {
        rules.leave_out_file(output);
    }
    let manifest = survey::manifest(&tree, &rules, &settings.recipe)?;
    let extras = boot::extras(&tree, settings)?;
    let census = Census::take(&tree, &rules).map_err(|error| not_counted(&settings.root, error))?;
    let unpacked = Manifest {
        unpacked: Size(census.unpacked),
        ..manifest.clone()
    };
    let over = fitness::over_budget(&unpacked, Size(0));
    if !over.is_empty() {
        return Err(over_budget(&unpacked, &over, &census, &census.weights));
    }
    if settings.dry_run {
        return DryRun::new(&unpacked, &census, &rules).print(settings.json);
    }
    let Some(output) = &settings.output else {
        return Err(Trouble::new(Exit::Usage, "usage", "--output is missing"));
    };
    let interrupt = interrupt.map_or_else(Interrupt::listen, Ok)?;
    let file = AtomicFile::create(output, settings.mode).map_err(anyhow::Error::new)?;
    let temporary = file
        .file()
        .metadata()
        .context("cannot look at the output")?;
    rules.leave_out_node((temporary.dev(), temporary.ino()));
    let image = open_packer(&file, settings, extras)?;
    let bar = meter::bar(census.content, "build");
    let filter = |node: &Node| {
        if interrupt.caught() {
            return Decision::Skip;
        }
        rules.decide(node)
    };
    let packed = image.pack(&tree, &filter, Some(manifest), &|bytes| {
        bar.set_position(bytes);
    });
    bar.finish_and_clear();
    // What was skipped since may have failed it.
    if interrupt.caught() {
        return Err(interrupted());
    }
    let packed = packed.map_err(|error| not_packed(settings, output, error))?;
    if let Some(manifest) = &packed.manifest {
        let over = fitness::over_budget(manifest, Size(packed.size));
        if !over.is_empty() {
            let weights = match settings.format {
                Format::Zst => &heavy::weigh(file.file())?,
                Format::Tgz => &census.weights,
            };
            return Err(over_budget(manifest, &over, &census, weights));
        }
    }
    if settings.strict {
        strict::refuse_losses(&settings.root, &packed.report)?;
    }
    file.commit().map_err(anyhow::Error::new)?;
    if let (Format::Tgz, Some(manifest)) = (settings.format, &packed.manifest) {
        write_beside(output, manifest, settings.mode)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    Built::new(output, &packed, &rules, seconds).print(settings.json)
}

/// What the tree itself is refused for, or why it cannot be read.
fn not_counted(root: &Path, error: anyhow::Error) -> Trouble {
    match error.downcast::<jumparchive::Error>() {
        Ok(error) => open::trouble(root, error),
        Err(error) => Trouble::failed("io", &error.context(root.display().to_string())),
    }
}

fn open_packer(
    file: &AtomicFile,
    settings: &Settings,
    extras: boot::Extras,
) -> Result<Packer, Trouble> {
    let out = file.file().try_clone().context("cannot write the output")?;
    let options = PackOptions {
        level: settings.recipe.compression.level,
        codec: match settings.format {
            Format::Zst => Codec::Zstd,
            Format::Tgz => Codec::Gzip,
        },
        ..PackOptions::default()
    };
    let mut packer = Packer::new(out, &options).context("cannot write the output")?;
    for (path, node) in extras {
        packer.add_virtual(&path, node);
    }
    Ok(packer)
}

fn not_packed(settings: &Settings, output: &Path, error: jumparchive::Error) -> Trouble {
    match &error {
        jumparchive::Error::Output(source) if source.kind() == ErrorKind::StorageFull => {
            let hint = "free space there, or name another place with --output";
            open::trouble(output, error).hint(hint)
        }
        jumparchive::Error::Output(_) => open::trouble(output, error),
        _ => open::trouble(&settings.root, error),
    }
}

/// Writes the manifest of an image that has no place for it.
fn write_beside(output: &Path, manifest: &Manifest, mode: u32) -> Result<(), Trouble> {
    let mut path = output.as_os_str().to_owned();
    path.push(".manifest.json");
    let mut json = serde_json::to_vec_pretty(manifest).map_err(anyhow::Error::new)?;
    json.push(b'\n');
    let path = output::place(Path::new(&path))?;
    write_atomic(&path, &json, mode).map_err(anyhow::Error::new)?;
    Ok(())
}

/// A refusal of what exceeds its budget, after saying where the bytes are.
fn over_budget(
    manifest: &Manifest,
    over: &[fitness::Unfit],
    census: &Census,
    weights: &Weights,
) -> Trouble {
    print::tell(&heavy::table(weights));
    let over: Vec<String> = over.iter().map(ToString::to_string).collect();
    let message = format!("image {}: {}", manifest.name, over.join("; "));
    Trouble::new(Exit::Refused, "over-budget", message).hint(heavy::hint(census))
}
