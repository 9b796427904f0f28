//! `jumpimg convert`: the files of 2009 become a job. What they become is decided by
//! [`jumpspec::conversion`]; here files are read, and the result is written as a whole or not at all.

mod args;
mod directory;
mod report;
mod sources;

pub(crate) use args::ConvertArgs;

use jumpspec::conversion::Conversion;
use jumpspec::render::page::Page;

use crate::error::{Exit, Trouble};
use crate::image::build::print_errors;
use crate::terminal::print;
use directory::Directory;

/// Converts, or shows what would become of each line.
pub(crate) fn run(args: &ConvertArgs) -> Result<(), Trouble> {
    let result = convert(args);
    print_errors(args.json, &result)?;
    result
}

fn convert(args: &ConvertArgs) -> Result<(), Trouble> {
    let directory = match &args.output {
        Some(path) if !args.dry_run => Some(Directory::place(path)?),
        _ => None,
    };
    let conversion = converted(args)?;
    if let Some(directory) = &directory {
        directory.write(&conversion.files)?;
    }
    if args.json {
        return print::json(&conversion);
    }
    let mut page = Page::default();
    match &directory {
        Some(directory) => page.append(&report::written(&conversion, directory.named())),
        None => page.lines(conversion.list()),
    }
    print::page(&page)
}

fn converted(args: &ConvertArgs) -> Result<Conversion, Trouble> {
    let files = sources::Files::read(args)?;
    let directory = args.output.as_deref().unwrap_or("DIR".as_ref());
    Conversion::of(&files.sources(&directory.display().to_string())).map_err(|wrong| {
        let message = format!("{}: {}", args.config.display(), wrong.reason);
        Trouble::new(Exit::Usage, "not-converted", message).hint(wrong.cure)
    })
}
