//! What a build has done or would do, for people and for scripts.

use std::path::Path;

use jumparchive::Packed;
use jumpspec::manifest::Manifest;
use jumpspec::size::Size;
use serde::Serialize;

use super::census::Census;
use super::exclude::Rules;
use crate::trouble::Trouble;

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
            return print_json(self);
        }
        if let Some(manifest) = self.manifest {
            let (kind, name, os) = (manifest.kind, &manifest.name, &manifest.os.pretty_name);
            anstream::println!("{}: {kind} image {name}, {os}", self.image);
            let budget = manifest.budget.compressed;
            let budget = budget
                .map(|budget| format!(" of {budget}"))
                .unwrap_or_default();
            let percent = self.size * 100 / self.content.max(1);
            let content = Size(self.content);
            anstream::println!(
                "  size       {}{budget}, {percent} % of {content}",
                Size(self.size)
            );
        }
        anstream::println!("  entries    {}", self.entries);
        if self.sockets > 0 {
            anstream::println!(
                "  sockets    {} left out: no archive can hold them",
                self.sockets
            );
        }
        print_paths("changed", "while they were read", self.changed);
        print_paths("vanished", "before they were read", self.vanished);
        print_paths(
            "mounts",
            "stored as empty directories",
            &self.mounts_left_empty,
        );
        anstream::println!("  took       {:.1} s", self.seconds);
        Ok(())
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
            return print_json(self);
        }
        let (kind, name) = (self.manifest.kind, &self.manifest.name);
        anstream::println!("would build {kind} image {name}; nothing was written");
        let (content, unpacked) = (Size(self.content), self.manifest.unpacked);
        anstream::println!(
            "  stores     {} entries, {content}, {unpacked} unpacked",
            self.entries
        );
        for (path, size) in &self.heaviest {
            anstream::println!("  {:>12}  /{path}", Size(*size).to_string());
        }
        print_paths(
            "mounts",
            "stored as empty directories",
            &self.mounts_left_empty,
        );
        anstream::println!(
            "  leaves out {} paths and what is below them",
            self.left_out.len()
        );
        for path in self.left_out {
            anstream::println!("    /{path}");
        }
        Ok(())
    }
}

fn print_paths(what: &str, why: &str, paths: &[String]) {
    if paths.is_empty() {
        return;
    }
    anstream::println!("  {what:<10} {} {why}:", paths.len());
    for path in paths.iter().take(NAMED) {
        anstream::println!("    /{path}");
    }
    if paths.len() > NAMED {
        anstream::println!("    … and {} more", paths.len() - NAMED);
    }
}

pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Trouble> {
    let json = serde_json::to_string_pretty(value).map_err(anyhow::Error::new)?;
    anstream::println!("{json}");
    Ok(())
}
