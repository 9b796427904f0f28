//! `jumpimg verify`: every byte decoded, and whether the image can do its job.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use jumparchive::{Image, IndexEntry, Verified, read_file};
use jumpspec::image::fitness;
use jumpspec::image::kind::Kind;
use jumpspec::image::manifest::Manifest;
use jumpspec::render::page::Page;
use jumpspec::words::shown;
use jumpspec::words::size::Size;
use serde::Serialize;

use crate::error::{Cause, Exit, Trouble};
use crate::image::build::first_boot_in_words;
use crate::image::{elf, open};
use crate::terminal::{meter, print};

/// Options of `verify`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  jumpimg verify --json jump.tar.zst node.tar.zst")]
pub(crate) struct VerifyArgs {
    /// The images.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) images: Vec<PathBuf>,
    /// Print a line of JSON for each image.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a jump image runs as its own work.
const RC_LOCAL: &str = "etc/rc.local";
/// A static jumpinit is a twentieth of this.
const RC_LOCAL_CAP: u64 = 64 << 20;

/// One image's result, as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    image: String,
    ok: bool,
    manifest: Option<&'a Manifest>,
    size: Option<u64>,
    seconds: f64,
    errors: &'a [Cause],
}

/// Verifies each image; all of them, whatever the first says.
pub(crate) fn run(args: &VerifyArgs) -> Result<(), Trouble> {
    let mut failures = Vec::new();
    for path in &args.images {
        let begun = Instant::now();
        let result = check(path);
        let seconds = begun.elapsed().as_secs_f64();
        if args.json {
            print_json(path, &result, seconds)?;
        } else if let Ok(image) = &result {
            let mut page = Page::of(praise(path, image, seconds));
            if let Some(found) = image.manifest().and_then(first_boot_in_words) {
                page.line(format_args!("    first boot: {found}"));
            }
            print::page(&page)?;
        }
        failures.extend(result.err());
    }
    let Some(exit) = failures
        .iter()
        .map(|trouble| trouble.exit)
        .max_by_key(|exit| *exit == Exit::Refused)
    else {
        return Ok(());
    };
    let causes = failures
        .into_iter()
        .flat_map(|trouble| trouble.causes)
        .collect();
    Err(Trouble { exit, causes })
}

fn print_json(
    path: &Path,
    result: &Result<Verified<Image>, Trouble>,
    seconds: f64,
) -> Result<(), Trouble> {
    let line = Line {
        image: path.display().to_string(),
        ok: result.is_ok(),
        manifest: result.as_ref().ok().and_then(|image| image.manifest()),
        size: result.as_ref().ok().map(|image| image.size()),
        seconds,
        errors: result.as_ref().err().map_or(&[], |trouble| &trouble.causes),
    };
    print::json_line(&line)
}

fn praise(path: &Path, image: &Image, seconds: f64) -> String {
    let what = match image.manifest() {
        Some(manifest) => format!(
            "{} image {}, {}",
            manifest.kind, manifest.name, manifest.os.pretty_name
        ),
        None => "plain archive".to_owned(),
    };
    let (path, size, entries) = (path.display(), Size(image.size()), image.entry_count());
    format!("ok: {path}: {what}; {size}, {entries} entries, every byte checked in {seconds:.1} s")
}

/// Checks bytes first, then fitness.
fn check(path: &Path) -> Result<Verified<Image>, Trouble> {
    let opened = open::image(path)?;
    let bar = meter::bar(opened.raw_length(), "verify");
    let verified = jumparchive::verify(opened, &|done| bar.set_position(done));
    bar.finish_and_clear();
    let image = verified.map_err(|error| open::trouble(path, error))?;
    let Some(manifest) = image.manifest() else {
        return Ok(image);
    };
    let mut lacks: Vec<String> = fitness::check(manifest, Size(image.size()))
        .iter()
        .map(ToString::to_string)
        .collect();
    lacks.extend(contradictions(&image, manifest).map_err(|error| open::trouble(path, error))?);
    if lacks.is_empty() {
        return Ok(image);
    }
    let message = format!(
        "{}: not fit as a {} image: {}",
        path.display(),
        manifest.kind,
        lacks.join("; ")
    );
    Err(Trouble::new(Exit::Refused, "image-unfit", message)
        .hint("put what is missing into the golden root, or exclude less, and build again"))
}

/// What the manifest says and the entries do not bear out.
fn contradictions(image: &Image, manifest: &Manifest) -> jumparchive::Result<Vec<String>> {
    let mut wanted: HashMap<&[u8], Option<IndexEntry>> = HashMap::new();
    let kernels = manifest.kernels.iter();
    let kernel_files = kernels.flat_map(|kernel| [Some(&kernel.image), kernel.initramfs.as_ref()]);
    for path in kernel_files.flatten().chain(&manifest.toolbox) {
        wanted.insert(path.as_str().as_bytes(), None);
    }
    wanted.insert(RC_LOCAL.as_bytes(), None);
    for entry in image.entries()? {
        let entry = entry?;
        if let Some(place) = wanted.get_mut(entry.path.as_slice()) {
            *place = Some(entry);
        }
    }
    let mut faults = Vec::new();
    for (path, entry) in &wanted {
        if entry.is_none() && *path != RC_LOCAL.as_bytes() {
            faults.push(format!("{} is missing", shown::path(path)));
        }
    }
    faults.sort();
    for kernel in &manifest.kernels {
        let digest = wanted
            .get(kernel.image.as_str().as_bytes())
            .and_then(|entry| entry.as_ref()?.digest);
        if digest.is_some_and(|digest| digest != *kernel.image_digest.as_bytes()) {
            faults.push(format!(
                "/{} is not the kernel that the manifest names",
                kernel.image
            ));
        }
    }
    if manifest.kind == Kind::Jump {
        let entry = wanted.get(RC_LOCAL.as_bytes()).and_then(Option::as_ref);
        faults.extend(rc_local_fault(image, entry)?);
    }
    Ok(faults)
}

fn rc_local_fault(
    image: &Image,
    entry: Option<&IndexEntry>,
) -> jumparchive::Result<Option<String>> {
    let Some(entry) = entry else {
        return Ok(Some("it has no /etc/rc.local".to_owned()));
    };
    if entry.mode & 0o777 != 0o755 || entry.uid != 0 {
        return Ok(Some(format!(
            "/etc/rc.local has mode {:04o}, not 0755, or is not root's",
            entry.mode
        )));
    }
    let Ok(path) = RC_LOCAL.parse() else {
        return Ok(None);
    };
    let bytes = read_file(image, &path, RC_LOCAL_CAP)?;
    let is_static = bytes
        .and_then(|bytes| elf::needs(&bytes))
        .is_some_and(|needs| needs.is_static());
    Ok((!is_static).then(|| "/etc/rc.local is not a static program".to_owned()))
}
