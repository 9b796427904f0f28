//! `jumpinit extract`: unpacks an image or any other archive by hand.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use jumparchive::{Archive, UnpackOptions};
use jumpspec::run::task::{StepId, Task};
use jumpsys::files::root::Root;

use crate::run::reporter::Reporter;

/// Options of `extract`.
#[derive(Args, Debug)]
pub(crate) struct ExtractArgs {
    /// An image, or a tar archive, plain or compressed with gzip, zstd or xz; - is standard
    /// input
    #[arg(value_name = "FILE")]
    archive: PathBuf,
    /// An existing directory, empty as far as the archive has something for it
    directory: PathBuf,
    /// Do not wait until everything is on the disk
    #[arg(long)]
    no_sync: bool,
}

/// An archive that was not to be followed, or that is damaged.
#[derive(Debug, thiserror::Error)]
#[error("{archive}")]
pub(crate) struct Refused {
    archive: String,
    #[source]
    error: jumparchive::Error,
}

impl Refused {
    /// What to do about it, if that is known.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        self.error.hint()
    }
}

/// Unpacks the archive.
pub(crate) fn run(args: &ExtractArgs) -> Result<()> {
    let shown = args.archive.display().to_string();
    let root = Root::open(&args.directory)?;
    let file = open(&args.archive).with_context(|| format!("cannot open {shown}"))?;
    let reporter = RefCell::new(Reporter::to_stdout());
    let task = Task::from(StepId::Unpack);
    let unpack = || {
        let archive = Archive::open(file)?;
        let total = archive.total();
        let progress = |done: u64| {
            if let Some(total) = total {
                reporter.borrow_mut().progress(&task, done, total);
            }
        };
        let options = UnpackOptions {
            progress: &progress,
            sync: !args.no_sync,
            ..UnpackOptions::default()
        };
        archive.unpack(root.as_fd(), &options)
    };
    match unpack() {
        Ok(_) => Ok(()),
        Err(error @ jumparchive::Error::Io { .. }) => Err(error).context(shown),
        Err(error) => Err(Refused {
            archive: shown,
            error,
        }
        .into()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
    } else {
        File::open(path)
    }
}
