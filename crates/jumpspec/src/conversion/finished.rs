//! `NEW_TARGET_RC1` and its like: programs that end it all on the new system.

use std::collections::BTreeSet;

use super::caution::caution;
use super::entry::{Entry, Fate, Verdict};
use super::hook_file::HookFile;
use super::words::squeezed;
use crate::job::Joint;

/// Another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Its text.
    Text(String),
    /// Why there is none.
    No(String),
}

/// The hooks that they become.
#[derive(Clone, Debug, Default)]
pub(super) struct Finished {
    pub(super) hooks: Vec<HookFile>,
    /// Those whose files are not there, without a text.
    pub(super) missing: Vec<HookFile>,
    verdicts: Vec<(String, Verdict)>,
}

impl Finished {
    /// Reads the files, each a variable with a value.
    pub(super) fn of(files: &[(String, String)], read: &dyn Fn(&str) -> Read) -> Self {
        let mut finished = Self::default();
        for (variable, file) in files {
            let verdict = finished.take(file, read);
            finished.verdicts.push((variable.clone(), verdict));
        }
        finished
    }

    fn take(&mut self, file: &str, read: &dyn Fn(&str) -> Read) -> Verdict {
        let name = file.rsplit('/').next().unwrap_or(file);
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let path = format!("hooks/{name}");
        let is_free = !["prep", "saved", "committed", "restored"].contains(&name)
            && !name.starts_with("remote-");
        let is_new = self
            .hooks
            .iter()
            .chain(&self.missing)
            .all(|hook| hook.path != path);
        if name.is_empty()
            || name.starts_with('.')
            || !name.chars().all(plain)
            || !is_free
            || !is_new
        {
            return Verdict::person(
                format!("{file:?} cannot be the name of a hook's file, or is one already"),
                "copy the file into hooks/ by another name, with a [[hook]] at = \"finished\" in job.toml",
            );
        }
        let at = Joint::Finished;
        match read(file) {
            Read::Text(text) => {
                let verdict = verdict(&path, &text);
                let text = if text.starts_with("#!") {
                    text
                } else {
                    format!("#!/bin/sh\n{text}")
                };
                self.hooks.push(HookFile { at, path, text });
                verdict
            }
            Read::No(why) => {
                self.missing.push(HookFile {
                    at,
                    path: path.clone(),
                    text: String::new(),
                });
                Verdict::person(
                    format!(
                        "it is to be run on the new system in the end, but it cannot be read: {why}"
                    ),
                    format!(
                        "put it there as {path}, and take the comment signs before its [[hook]] in job.toml away"
                    ),
                )
            }
        }
    }

    /// Says what became of the lines that name the files, of those files of which it was not said yet.
    pub(super) fn judge(&mut self, entries: &mut [Entry]) {
        let mut said = BTreeSet::new();
        for entry in entries
            .iter_mut()
            .filter(|entry| entry.fate == Fate::Job("[[hook]]"))
        {
            let text = squeezed(&entry.text.replace('=', " "));
            let variable = text.split(' ').next().unwrap_or_default();
            if let Some((known, verdict)) =
                self.verdicts.iter().find(|(known, _)| known == variable)
            {
                said.insert(known.clone());
                *entry = verdict.on(entry.file, entry.line, &entry.text);
            }
        }
        self.verdicts
            .retain(|(variable, _)| !said.contains(variable));
    }
}

/// What is to be said of a file whose text becomes the hook at `path`.
fn verdict(path: &str, text: &str) -> Verdict {
    let lines = (1..).zip(text.lines());
    let mut doubts = lines
        .filter(|(_, line)| !line.trim_start().starts_with('#'))
        .filter_map(|(number, line)| Some((number, caution(line)?)));
    if let Some((number, doubt)) = doubts.next() {
        let cure = doubt.cure.map(|cure| format!(": {cure}"));
        return Verdict::person(
            format!("its line {number} is nothing for a hook: {}", doubt.why),
            format!("change that line in {path}{}", cure.unwrap_or_default()),
        );
    }
    let cure = "in 2009 it lay in /etc, and stayed: if other files there call it, put it into the target image as well";
    let verdict = Verdict::new(
        Fate::Hook(path.to_owned()),
        "run on the new system, once it is the default and has its swap again; their order is kept",
    );
    verdict.with(if text.starts_with("#!") {
        cure.to_owned()
    } else {
        format!("#!/bin/sh was put in front; {cure}")
    })
}
