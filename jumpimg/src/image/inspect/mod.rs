//! `jumpimg inspect`: what an image is and where its bytes are.

mod facts;
mod page;
mod report;

use std::path::PathBuf;

use clap::Args;
use jumpsys::files::atomic::write_atomic;
use report::Report;

use crate::error::Trouble;
use crate::image::open;
use crate::image::output;
use crate::image::weight::{self, Measure, Table};
use crate::terminal::print;

const EXAMPLES: &str = "\
Examples:
  jumpimg inspect node.tar.zst                       what it is, where its bytes are
  jumpimg inspect --depth 5 --top 50 node.tar.zst    more of it
  jumpimg inspect --html node.html node.tar.zst      a page with a treemap
  jumpimg inspect --json node.tar.zst | jq .manifest.kernels
  jumpimg inspect --json node.tar.zst | jq '.bytes.packages[:3]'

A compressed size is the part of the image's bytes that a file's headers and content
take, each frame's compression spread evenly over what is in it. Names that are not
plain text are shown with escapes such as \\n, \\xff and \\u{202e}; a backslash is \\\\.";

/// Options of `inspect`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InspectArgs {
    /// The image.
    #[arg(value_name = "FILE")]
    image: PathBuf,
    /// Levels of directories to show [default: 3, with --json all].
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Packages, files, and directories in a directory to show [default: 20, with --json
    /// all packages].
    #[arg(long, value_name = "N")]
    top: Option<usize>,
    /// What makes one thing heavier than another.
    #[arg(long, value_name = "MEASURE", value_enum, default_value_t)]
    by: Measure,
    /// Print everything as one JSON object.
    #[arg(long)]
    json: bool,
    /// Also write a page with a treemap; it needs no network and no other file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Shows an image.
pub(crate) fn run(args: &InspectArgs) -> Result<(), Trouble> {
    let html = args.html.as_deref().map(output::place).transpose()?;
    let image = open::image(&args.image)?;
    let weights =
        weight::of_image(&image, args.by).map_err(|error| open::trouble(&args.image, error))?;
    if let Some(path) = &html {
        let page = page::html(&image, &weights)?;
        write_atomic(path, page.as_bytes(), 0o644).map_err(anyhow::Error::new)?;
    }
    if args.json {
        return print::json(&Report::new(&image, &weights, args.depth, args.top));
    }
    let table = Table::new(&weights, args.depth.unwrap_or(3), args.top.unwrap_or(20));
    let mut page = facts::describe(&image);
    page.append(&table.text());
    print::page(&page)
}
