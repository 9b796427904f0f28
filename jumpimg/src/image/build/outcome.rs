//! What a build has done or would do, for people and for scripts.

use std::path::Path;

use jumparchive::Packed;
use jumpspec::image::manifest::Manifest;
use jumpspec::node::first_boot::names;
use jumpspec::render::page::Page;
use jumpspec::words::size::Size;
use serde::Serialize;

use super::census::Census;
use super::exclude::Rules;
use crate::error::Trouble;
use crate::terminal::print;

/// How many paths of a kind are named; the rest is counted.
const NAMED: usize = 10;

/// What a build has done.
#[derive(Serialize)]
pub(crate) struct Built<'a> {
    image: String,
    manifest: Option<&'a Manifest>,
    size: u64,
    content: u64,
    entries: u64,
    sockets: u64,
    changed: &'a [String],
    vanished: &'a [String],
    mounts_left_empty: Vec<String>,
    seconds: f64,
}

impl<'a> Built<'a> {
    pub(crate) fn new(path: &Path, packed: &'a Packed, rules: &Rules, seconds: f64) -> Self {
        Self {
            image: path.display().to_string(),
            manifest: packed.manifest.as_ref(),
            size: packed.size,
            content: packed.content,
            entries: packed.entries,
            sockets: packed.report.sockets,
            changed: &packed.report.changed,
            vanished: &packed.report.vanished,
            mounts_left_empty: rules.hollow_mounts(),
            seconds,
        }
    }

    pub(crate) fn print(&self, json: bool) -> Result<(), Trouble> {
        if json {
            return print::json(self);
        }
        let mut page = Page::default();
        if let Some(manifest) = self.manifest {
            let (kind, name, os) = (manifest.kind, &manifest.name, &manifest.os.pretty_name);
            page.line(format_args!("{}: {kind} image {name}, {os}", self.image));
            let budget = manifest.budget.compressed;
            let budget = budget
                .map(|budget| format!(" of {budget}"))
                .unwrap_or_default();
            let percent = self.size * 100 / self.content.max(1);
            let content = Size(self.content);
            page.line(format_args!(
                "  size       {}{budget}, {percent} % of {content}",
                Size(self.size)
            ));
        }
        page.line(format_args!("  entries    {}", self.entries));
        if let Some(found) = self.manifest.and_then(first_boot) {
            page.line(format_args!("  first boot {found}"));
        }
        if self.sockets > 0 {
            page.line(format_args!(
                "  sockets    {} left out: no archive can hold them",
                self.sockets
            ));
        }
        add_paths(&mut page, "changed", "while they were read", self.changed);
        add_paths(
            &mut page,
            "vanished",
            "before they were read",
            self.vanished,
        );
        add_paths(
            &mut page,
            "mounts",
            "stored as empty directories",
            &self.mounts_left_empty,
        );
        page.line(format_args!("  took       {:.1} s", self.seconds));
        print::page(&page)
    }
}

/// What a build would do.
#[derive(Serialize)]
pub(crate) struct DryRun<'a> {
    manifest: &'a Manifest,
    content: u64,
    entries: u64,
    left_out: &'a [String],
    mounts_left_empty: Vec<String>,
    heaviest: Vec<(String, u64)>,
}

impl<'a> DryRun<'a> {
    pub(crate) fn new(manifest: &'a Manifest, census: &'a Census, rules: &Rules) -> Self {
        Self {
            manifest,
            content: census.content,
            entries: census.entries,
            left_out: &census.left_out,
            mounts_left_empty: rules.hollow_mounts(),
            heaviest: census.heaviest(NAMED),
        }
    }

    pub(crate) fn print(&self, json: bool) -> Result<(), Trouble> {
        if json {
            return print::json(self);
        }
        let mut page = Page::default();
        let (kind, name) = (self.manifest.kind, &self.manifest.name);
        page.line(format_args!(
            "would build {kind} image {name}; nothing was written"
        ));
        if let Some(found) = first_boot(self.manifest) {
            page.line(format_args!("  first boot {found}"));
        }
        let (content, unpacked) = (Size(self.content), self.manifest.unpacked);
        page.line(format_args!(
            "  stores     {} entries, {content}, {unpacked} unpacked",
            self.entries
        ));
        for (path, size) in &self.heaviest {
            page.line(format_args!("  {:>12}  /{path}", Size(*size).to_string()));
        }
        add_paths(
            &mut page,
            "mounts",
            "stored as empty directories",
            &self.mounts_left_empty,
        );
        page.line(format_args!(
            "  leaves out {} paths and what is below them",
            self.left_out.len()
        ));
        for path in self.left_out {
            page.line(format_args!("    /{path}"));
        }
        print::page(&page)
    }
}

/// What of the image would make another node of one at its first boot, in words.
pub(crate) fn first_boot(manifest: &Manifest) -> Option<String> {
    let found = manifest
        .first_boot
        .as_ref()
        .filter(|found| !found.is_empty())?;
    Some(format!(
        "{}: switched off when a node is jumped",
        names(found)
    ))
}

fn add_paths(page: &mut Page, what: &str, why: &str, paths: &[String]) {
    if paths.is_empty() {
        return;
    }
    page.line(format_args!("  {what:<10} {} {why}:", paths.len()));
    for path in paths.iter().take(NAMED) {
        page.line(format_args!("    /{path}"));
    }
    if paths.len() > NAMED {
        page.line(format_args!("    … and {} more", paths.len() - NAMED));
    }
}
