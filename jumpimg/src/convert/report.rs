//! What was written, and what is left to do.

use std::path::Path;

use jumpspec::conversion::{Conversion, JOB, LIST, Origin};
use jumpspec::render::page::{Ink, Page};
use jumpspec::words::shown;

/// What was written to `directory`.
pub(super) fn written(conversion: &Conversion, directory: &Path) -> Page {
    let mut page = Page::default();
    let files: Vec<&str> = conversion
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    let after = format_args!(" {}: {}", directory.display(), files.join(", "));
    page.marked("", Ink::Green, "wrote", after);
    let mut entries = conversion.for_a_person().peekable();
    if entries.peek().is_some() {
        page.blank();
        page.marked(
            "",
            Ink::Yellow,
            "These lines need a person",
            format_args!("; {LIST} says what to do:"),
        );
    }
    for entry in entries {
        let file = match entry.file {
            Origin::Config => "config",
            Origin::Script => "script",
        };
        let text = shown::short(entry.text.as_bytes());
        page.line(format_args!("  {file}, line {}: {text}", entry.line));
        page.line(format_args!("      {}", entry.why));
    }
    page.blank();
    page.marked("", Ink::Bold, "Then", ":");
    for command in &conversion.commands {
        page.line(format_args!("  {command}"));
    }
    let job = directory.join(JOB);
    page.line(format_args!("  jumpimg check --job {} HOST", job.display()));
    page
}
