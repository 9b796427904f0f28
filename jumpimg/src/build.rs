//! `jumpimg build`: a golden tree becomes an image.
//!
//! The tree is looked through twice: once to count, so that a build that cannot fit
//! ends before it begins, and once to pack. Nothing in the tree is changed.

mod boot;
mod census;
mod exclude;
mod heavy;
mod kernels;
mod mounts;
mod outcome;
mod settings;
mod survey;
mod toolbox;

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use jumparchive::{Node, PackOptions, Packed, Packer, Tree};
use jumpspec::fitness;
use jumpspec::manifest::Manifest;
use jumpspec::size::Size;
use jumpsys::atomic::AtomicFile;

use census::Census;
use exclude::Rules;
use outcome::{Built, DryRun};
pub(crate) use settings::BuildArgs;
use settings::Settings;

use crate::trouble::{Exit, Trouble};
use crate::{image, meter};

/// Builds an image, or says what it would be.
pub(crate) fn run(args: &BuildArgs) -> Result<(), Trouble> {
    let result = Settings::resolve(args).and_then(|settings| build(&settings));
    if let (true, Err(trouble)) = (args.json, &result) {
        outcome::print_json(&serde_json::json!({ "errors": trouble.causes }))?;
    }
    result
}

fn build(settings: &Settings) -> Result<(), Trouble> {
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
    let census = Census::take(&tree, &rules).map_err(|error| trouble(&settings.root, error))?;
    let unpacked = Manifest {
        unpacked: Size(census.unpacked),
        ..manifest.clone()
    };
    refuse_if_over_budget(&tree, &unpacked, Size(0), &census)?;
    if settings.dry_run {
        return DryRun::new(&unpacked, &census, &rules).print(settings.json);
    }
    let Some(output) = &settings.output else {
        return Err(Trouble::new(Exit::Usage, "usage", "--output is missing"));
    };
    let file = AtomicFile::create(output, 0o644).map_err(anyhow::Error::new)?;
    let temporary = file
        .file()
        .metadata()
        .context("cannot look at the output")?;
    rules.leave_out_node((temporary.dev(), temporary.ino()));
    let packed = pack(&tree, &rules, extras, manifest, &file, settings, &census)?;
    if let Some(manifest) = &packed.manifest {
        refuse_if_over_budget(&tree, manifest, Size(packed.size), &census)?;
    }
    file.commit().map_err(anyhow::Error::new)?;
    let seconds = begun.elapsed().as_secs_f64();
    Built::new(output, &packed, &rules, seconds).print(settings.json)
}

fn pack(
    tree: &Tree,
    rules: &Rules,
    extras: boot::Extras,
    manifest: Manifest,
    file: &AtomicFile,
    settings: &Settings,
    census: &Census,
) -> Result<Packed, Trouble> {
    let failed = |error| trouble(&settings.root, error);
    let out = file.file().try_clone().context("cannot write the output")?;
    let options = PackOptions {
        level: settings.recipe.compression.level,
        ..PackOptions::default()
    };
    let mut packer = Packer::new(out, &options).context("cannot write the output")?;
    for (path, node) in extras {
        packer.add_virtual(&path, node);
    }
    let bar = meter::bar(census.content, "build");
    let filter = |node: &Node| rules.decide(node);
    packer
        .add_tree(tree, &filter, &|done| bar.set_position(done))
        .map_err(failed)?;
    let finished = packer.finish(Some(manifest)).map_err(failed)?;
    bar.finish_and_clear();
    Ok(finished)
}

/// Refuses what exceeds the budget, and says where the bytes are.
fn refuse_if_over_budget(
    tree: &Tree,
    manifest: &Manifest,
    size: Size,
    census: &Census,
) -> Result<(), Trouble> {
    let over: Vec<String> = fitness::over_budget(manifest, size)
        .iter()
        .map(ToString::to_string)
        .collect();
    if over.is_empty() {
        return Ok(());
    }
    anstream::eprint!("{}", heavy::table(tree, census));
    let message = format!("image {}: {}", manifest.name, over.join("; "));
    Err(Trouble::new(Exit::Refused, "over-budget", message).hint(heavy::hint(census)))
}

fn trouble(root: &Path, error: jumparchive::Error) -> Trouble {
    image::trouble(root, error)
}
