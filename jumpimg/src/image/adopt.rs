//! `jumpimg adopt`: an archive that an admin has becomes an image.
//!
//! It is unpacked where nobody else can look, and the image is built from that tree by
//! the very code of `jumpimg build`.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use jumparchive::{Archive, Error, UnpackOptions};
use jumpspec::image::kind::Kind;
use jumpspec::render::page::Page;
use jumpspec::words::size::Size;
use jumpsys::kernel::system;
use tempfile::TempDir;

use crate::error::{Exit, Trouble};
use crate::image::build::{self, ImageArgs, KindName, Settings};
use crate::image::{open, output};
use crate::terminal::interrupt::Interrupt;
use crate::terminal::{meter, print};

const EXAMPLES: &str = "\
Examples:
  jumpimg adopt old.tgz -o new.tar.zst
  jumpimg adopt rescue.tar.xz --kind jump --exclude /usr/share/doc -o jump.tar.zst

OLD is a tar archive, plain or compressed with gzip, zstd or xz, or an image.
It is unpacked first, as root, so that owners, devices and attributes are kept.";

/// Options of `adopt`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AdoptArgs {
    /// The archive.
    #[arg(value_name = "OLD")]
    archive: PathBuf,
    /// What the image is for; what OLD says if it is an image, else target.
    #[arg(long)]
    kind: Option<KindName>,
    /// Unpack below this directory and not beside the output.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    #[command(flatten)]
    image: ImageArgs,
}

/// Makes an image of an archive, or says what it would be.
pub(crate) fn run(args: &AdoptArgs) -> Result<(), Trouble> {
    let result = adopt(args);
    build::print_errors(args.image.json, &result)?;
    result
}

fn adopt(args: &AdoptArgs) -> Result<(), Trouble> {
    refuse_unless_root()?;
    if let Some(output) = &args.image.output {
        output::place(output)?;
    }
    let shown = args.archive.display();
    let file = File::open(&args.archive).with_context(|| format!("cannot open {shown}"))?;
    let archive = Archive::open(file).map_err(|error| trouble(&args.archive, error))?;
    let said = archive.manifest().map(|manifest| manifest.kind);
    let kind = args.kind.map(Kind::from).or(said);
    let interrupt = Interrupt::listen()?;
    let scratch = scratch(args)?;
    let root = scratch.path().join("root");
    fs::create_dir(&root).with_context(|| format!("cannot create {}", root.display()))?;
    // Reads the recipe: a mistake in it should not cost the time to unpack.
    let settings = Settings::new(&args.image, kind, root.clone())?;
    unpack(args, archive, &root, &interrupt)?;
    build::build(&settings, Some(interrupt))?;
    let path = scratch.path().to_owned();
    scratch
        .close()
        .with_context(|| format!("cannot remove {}", path.display()))?;
    Ok(())
}

fn refuse_unless_root() -> Result<(), Trouble> {
    if system::is_root() {
        return Ok(());
    }
    let message = "only root can unpack owners, devices and attributes as they were";
    Err(Trouble::new(Exit::Refused, "not-root", message).hint("run it with sudo"))
}

/// A directory that goes when it is dropped, and that nobody else can enter: what is
/// unpacked may be setuid or secret.
fn scratch(args: &AdoptArgs) -> Result<TempDir, Trouble> {
    let beside = args.image.output.as_deref().and_then(Path::parent);
    let place = args.scratch.as_deref().or(beside);
    let place = match place {
        Some(place) if !place.as_os_str().is_empty() => place,
        _ => Path::new("."),
    };
    // mounts are found by whole paths.
    let place = place
        .canonicalize()
        .with_context(|| format!("cannot unpack below {}", place.display()))?;
    let scratch = tempfile::Builder::new()
        .prefix(".jump-adopt-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&place)
        .with_context(|| format!("cannot unpack below {}", place.display()))?;
    Ok(scratch)
}

fn unpack(
    args: &AdoptArgs,
    archive: Archive,
    root: &Path,
    interrupt: &Interrupt,
) -> Result<(), Trouble> {
    let directory = File::open(root).with_context(|| format!("cannot open {}", root.display()))?;
    let bar = archive.total().map(|total| meter::bar(total, "unpack"));
    let progress = |done: u64| {
        if let Some(bar) = &bar {
            bar.set_position(done);
        }
    };
    let options = UnpackOptions {
        // After Ctrl-C nothing more is made, and the end is soon reached.
        select: &|_| !interrupt.caught(),
        progress: &progress,
        sync: false,
        ..UnpackOptions::default()
    };
    let unpacked = archive.unpack(std::os::fd::AsFd::as_fd(&directory), &options);
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    if interrupt.caught() {
        return Err(build::interrupted());
    }
    let summary = unpacked.map_err(|error| trouble(&args.archive, error))?;
    if !args.image.json {
        let (entries, size) = (summary.entries, Size(summary.bytes));
        let archive = args.archive.display();
        print::page(&Page::of(format_args!(
            "{archive}: {entries} entries, {size}"
        )))?;
    }
    Ok(())
}

/// What is wrong with an archive, and whether that is a refusal or a failure.
fn trouble(path: &Path, error: Error) -> Trouble {
    let code = match &error {
        Error::Refused { .. } => "entry-refused",
        Error::NotAnArchive | Error::Empty => "not-an-archive",
        Error::UnknownCompression(_) => "unknown-compression",
        Error::TooManyEntries(_) => "too-many-entries",
        Error::Tar { .. }
        | Error::TarTruncated
        | Error::ContentTruncated { .. }
        | Error::Compressed { .. } => "archive-damaged",
        _ => return open::trouble(path, error),
    };
    let hint = error.hint();
    let message = format!("{}: {:#}", path.display(), anyhow::Error::new(error));
    let trouble = Trouble::new(Exit::Refused, code, message);
    match hint {
        Some(hint) => trouble.hint(hint),
        None => trouble,
    }
}
