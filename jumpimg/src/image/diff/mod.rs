//! `jumpimg diff`: what changed between two images, from their indexes and package
//! databases; no file's content is read.

mod compare;
mod directories;
mod entries;
mod fold;
mod packages;
mod report;
mod text;

use std::path::PathBuf;

use clap::Args;
use report::Report;
use text::Extent;

use crate::error::{Exit, Trouble};
use crate::image::open;
use crate::terminal::print;

const EXAMPLES: &str = "\
Examples:
  jumpimg diff old.tar.zst new.tar.zst               packages, files, bytes by directory
  jumpimg diff --all old.tar.zst new.tar.zst | less  every package and file
  jumpimg diff --json old.tar.zst new.tar.zst | jq -r '.files[] | select(.package == null).path'
  jumpimg diff --exit-code old.tar.zst new.tar.zst   for scripts: 1 if they differ

Compared are types, contents by their digests, modes, owners and the targets of links.
Not compared: what the index does not have (extended attributes); times are counted, but
make no difference.";

/// Options of `diff`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The old image.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new image.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Levels of directories to look at for changed bytes.
    #[arg(long, value_name = "N", default_value_t = 4)]
    depth: usize,
    /// Lines of each kind to show.
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Show every package and every file, those of changed packages too.
    #[arg(long)]
    all: bool,
    /// Print everything as one JSON object.
    #[arg(long)]
    json: bool,
    /// End with 1 if the images differ (an error's 1 comes with a message on stderr).
    #[arg(long)]
    exit_code: bool,
}

/// Compares two images.
pub(crate) fn run(args: &DiffArgs) -> Result<(), Trouble> {
    let (old, new) = (open::image(&args.old)?, open::image(&args.new)?);
    let comparison = compare::compare((&args.old, &old), (&args.new, &new), args.depth)?;
    if args.json {
        print::json(&Report::new(&comparison, &old, &new))?;
    } else {
        let extent = Extent {
            top: args.top,
            all: args.all,
        };
        print::page(&text::text(&comparison, extent))?;
    }
    if args.exit_code && comparison.differs() {
        return Err(Trouble::told(Exit::Failed));
    }
    Ok(())
}
