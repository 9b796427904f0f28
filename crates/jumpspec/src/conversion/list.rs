//! The list of what became of each line, in Markdown.

use std::fmt::Write as _;

use super::entry::{Entry, Fate, Origin};
use super::{Conversion, JOB, Sources};
use crate::words::shown;

/// Writes the list.
pub(super) fn list(conversion: &Conversion, sources: &Sources<'_>) -> String {
    let mut text = format!("# What became of {}\n", sources.config.name);
    for_a_person(&mut text, conversion, sources);
    commands(&mut text, conversion, sources);
    for file in [Origin::Config, Origin::Script] {
        if let Some(name) = name(sources, file) {
            table(&mut text, conversion, file, name);
        }
    }
    text
}

fn name<'a>(sources: &Sources<'a>, file: Origin) -> Option<&'a str> {
    match file {
        Origin::Config => Some(sources.config.name),
        Origin::Script => sources.script.map(|script| script.name),
    }
}

// Writing to a String cannot fail.

fn for_a_person(text: &mut String, conversion: &Conversion, sources: &Sources<'_>) {
    let entries: Vec<&Entry> = conversion.for_a_person().collect();
    *text += "\n## What needs a person\n\n";
    if entries.is_empty() {
        *text += "Nothing.\n";
    }
    for group in entries.chunk_by(|a, b| is_one(a, b)) {
        let (first, file) = (group[0], name(sources, group[0].file).unwrap_or_default());
        let more = match group {
            [_] => String::new(),
            _ => format!(" and {} more", group.len() - 1),
        };
        let _ = writeln!(
            text,
            "- {}:{} {}{more}: {}.",
            plain(file),
            range(group),
            code(&first.text),
            plain(&first.why)
        );
        if let Some(cure) = &first.cure {
            let _ = writeln!(text, "  To do: {}.", plain(cure));
        }
    }
}

fn commands(text: &mut String, conversion: &Conversion, sources: &Sources<'_>) {
    *text += "\n## Before the first push\n\n";
    let job = super::words::quoted(&format!(
        "{}/{JOB}",
        sources.directory.trim_end_matches('/')
    ));
    let check = format!("jumpimg check --job {job} HOST");
    for command in conversion.commands.iter().chain([&check]) {
        let _ = writeln!(text, "    {}", shown::line(command));
    }
    *text += "\nA /boot of its own is not named by the files of 2009: if the nodes have one, say in [[layout.partition]] what\nbecomes of it.\n";
}

fn table(text: &mut String, conversion: &Conversion, file: Origin, name: &str) {
    let _ = write!(
        text,
        "\n## {}\n\n| line | what it says | what became of it | why |\n|---|---|---|---|\n",
        plain(name)
    );
    for entry in conversion
        .lines
        .iter()
        .filter(|entry| entry.file == file && !entry.text.is_empty())
    {
        let cure = entry.cure.as_ref().map(|cure| format!("; {}", plain(cure)));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {}{} |",
            entry.line,
            code(&entry.text),
            fate(&entry.fate),
            plain(&entry.why),
            cure.unwrap_or_default()
        );
    }
}

fn fate(fate: &Fate) -> String {
    match fate {
        Fate::Comment => "a comment".to_owned(),
        Fate::Job(table) => format!("{JOB}, `{table}`"),
        Fate::Hook(path) => format!("`{path}`"),
        Fate::Command => "a command".to_owned(),
        Fate::Dropped => "dropped".to_owned(),
        Fate::Person => "**needs a person**".to_owned(),
    }
}

/// Whether lines follow one another and the same is to be said of them.
fn is_one(a: &Entry, b: &Entry) -> bool {
    a.file == b.file && a.line + 1 == b.line && a.why == b.why && a.cure == b.cure
}

fn range(group: &[&Entry]) -> String {
    match group {
        [first, .., last] => format!("{}-{}", first.line, last.line),
        _ => group.iter().map(|entry| entry.line.to_string()).collect(),
    }
}

/// Prose in a table.
fn plain(text: &str) -> String {
    let text = shown::line(text).replace('|', "\\|");
    text.replace('<', "&lt;").replace('*', "\\*")
}

/// A line of a file as code, in a table (GitHub Flavored Markdown, 6.1 code spans, 4.10 tables).
fn code(text: &str) -> String {
    let text = shown::short(text.as_bytes()).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}
