//! The script: each of its statements is the sample's, which the job does, or the admin's own, which
//! becomes part of a hook where that is safe.

use super::calls::is_called;
use super::caution::caution;
use super::entry::{Entry, Fate, Origin, Verdict};
use super::hazard::{hazard, in_new_root};
use super::hook_file::{self, ASIDE, HookFile, Prologue};
use super::known::{self, Known};
use super::saved::Saved;
use super::shell::{Body, Branch, Chunk, Line, Shell, Unclear};
use super::variables::Given;
use super::words::assignment;
use crate::job::Joint;

/// What a script comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Scripted {
    pub(super) entries: Vec<Entry>,
    pub(super) hooks: Vec<HookFile>,
    /// What is carried over, if the script says so.
    pub(super) saved: Option<Saved>,
}

/// Reads a script; `given` is what the configuration file says, and gets what the script says besides.
pub(super) fn read(name: &str, text: &str, given: &mut Given) -> Scripted {
    let shell = match Shell::read(text) {
        Ok(shell) => shell,
        Err(unclear) => return all_for_a_person(text, unclear),
    };
    let mut reading = Reading {
        name,
        given,
        prologue: Prologue {
            me: name.to_owned(),
            shared: String::new(),
        },
        bodies: Vec::new(),
        out: Scripted::default(),
    };
    for chunk in &shell.top {
        reading.top(chunk);
    }
    for (branch, body) in &shell.branches {
        if is_called(*branch, name, text, reading.given) {
            reading.branch(*branch, body);
        } else {
            reading.never_called(*branch, body);
        }
    }
    reading.end()
}

fn all_for_a_person(text: &str, Unclear(line): Unclear) -> Scripted {
    let verdict = Verdict::person(
        format!(
            "the script cannot be told apart into its branches: line {line} opens what is not closed, closes what is not open, or is an else of a branch"
        ),
        "write its branches as the sample of 2009 has them, an `if [ \"$1\" = \"save\" ]; then … fi` each, or write hooks yourself: docs/job.md",
    );
    let entries = (1..).zip(text.lines()).map(|(number, text)| {
        let line = Line { number, text };
        let verdict = if line.is_comment() {
            comment()
        } else {
            verdict.clone()
        };
        verdict.on(Origin::Script, number, text)
    });
    Scripted {
        entries: entries.collect(),
        ..Scripted::default()
    }
}

fn comment() -> Verdict {
    Verdict::new(Fate::Comment, "")
}

/// A script that is being read.
struct Reading<'a> {
    name: &'a str,
    given: &'a mut Given,
    prologue: Prologue,
    /// The statements of hooks.
    bodies: Vec<(Joint, String)>,
    out: Scripted,
}

impl Reading<'_> {
    fn say(&mut self, line: Line<'_>, verdict: &Verdict) {
        let entry = verdict.on(Origin::Script, line.number, line.text);
        self.out.entries.push(entry);
    }

    fn say_all(&mut self, chunk: &[Line<'_>], verdict: &Verdict) {
        for line in chunk {
            self.say(*line, if line.is_comment() { &COMMENT } else { verdict });
        }
    }

    /// A statement outside of the branches.
    fn top(&mut self, chunk: &Chunk<'_>) {
        let line = chunk[0];
        if line.is_comment() {
            return self.say(line, &comment());
        }
        if let Some(known) = known::of_script(None, line.text).filter(|_| chunk.len() == 1) {
            return self.say(line, &Verdict::dropped(known.why()));
        }
        if known::is_anyones(line.text) && chunk.len() == 1 {
            return self.say(line, &Verdict::dropped(Known::Arguments.why()));
        }
        match assignment(line.text).filter(|_| chunk.len() == 1) {
            Some(("FILES2SAVE", value)) => self.saved(line, value),
            Some((name, value)) if name.starts_with("NEW_TARGET_RC") => {
                if self.given.finished.iter().all(|(known, _)| known != name) {
                    self.given
                        .finished
                        .push((name.to_owned(), value.to_owned()));
                }
                self.say(line, &Verdict::new(Fate::Job("[[hook]]"), "the file is run at the joint `finished`: see the configuration file's line"));
            }
            Some(_) => self.shared(chunk),
            None if is_function(line.text) => self.shared(chunk),
            None => self.say_all(
                chunk,
                &Verdict::person(
                    "it stands outside of the branches and ran in each of them, on two systems",
                    "put it into the hooks that need it",
                ),
            ),
        }
    }

    fn saved(&mut self, line: Line<'_>, value: &str) {
        let saved = self.out.saved.get_or_insert_default();
        let words = value.split_whitespace();
        let more: Vec<_> = words
            .filter(|word| !["$FILES2SAVE", "${FILES2SAVE}"].contains(word))
            .collect();
        let before = saved.notes.len();
        saved.take(&more.join(" "));
        let notes = saved.notes[before..].to_vec();
        self.given
            .saved
            .extend(more.iter().map(|path| (*path).to_owned()));
        self.say(
            line,
            &Verdict::new(
                Fate::Job("[save] paths"),
                "jump saves these files and puts them back",
            ),
        );
        for (path, mut verdict) in notes {
            verdict.why = format!("{path}: {}", verdict.why);
            self.say(line, &verdict);
        }
    }

    /// What all hooks of the script get.
    fn shared(&mut self, chunk: &Chunk<'_>) {
        let verdict = judged(chunk, |text| {
            caution(text).or_else(|| hazard(Joint::Finished, text, self.given))
        });
        let verdict = verdict.unwrap_or_else(|| {
            self.prologue.shared += &hook_file::statement(self.name, chunk);
            Verdict::new(
                Fate::Hook("hooks/".to_owned()),
                "every hook made of this script has it",
            )
        });
        self.say_all(chunk, &verdict);
    }

    fn branch(&mut self, branch: Branch, body: &Body<'_>) {
        let [first, last] = body.frame;
        let frame = Verdict::dropped("a branch: what becomes of its lines is told one by one");
        self.say(first, &frame);
        let end = body.chunks.iter().rposition(|chunk| !chunk[0].is_comment());
        let mut at = match branch {
            Branch::Prep => Joint::Prep,
            Branch::Save => Joint::Saved,
            Branch::Restore => Joint::Committed,
        };
        let mut comments = Chunk::new();
        for (place, chunk) in body.chunks.iter().enumerate() {
            let knows = |known| {
                move |line: &Line<'_>| known::of_script(Some(branch), line.text) == Some(known)
            };
            if chunk.iter().any(knows(Known::Replaces)) {
                at = Joint::Restored;
            }
            if chunk[0].is_comment() {
                self.say(chunk[0], &comment());
                comments.extend(chunk.iter().filter(|line| !line.text.trim().is_empty()));
                continue;
            }
            let comments = std::mem::take(&mut comments);
            if chunk[0].text.trim_start().starts_with("exit") && Some(place) != end {
                self.say_all(
                    chunk,
                    &Verdict::person(
                        "the branch ended here: none of its lines below was ever run",
                        "take the lines below out, and convert again",
                    ),
                );
                continue;
            }
            self.chunk(branch, at, &comments, chunk);
        }
        self.say(last, &frame);
    }

    /// A branch whose lines were never run.
    fn never_called(&mut self, branch: Branch, body: &Body<'_>) {
        let [first, last] = body.frame;
        let why = format!(
            "no line calls {} with {}: this branch was never run",
            self.name,
            branch.name()
        );
        let cure = "if its lines are to run, call it by a `remote` line as the sample does, and convert again";
        self.say(first, &Verdict::person(why.as_str(), cure));
        for chunk in &body.chunks {
            self.say_all(chunk, &Verdict::dropped(why.as_str()));
        }
        self.say(last, &Verdict::dropped(why));
    }

    /// A statement of a branch, which runs at a joint.
    fn chunk(&mut self, branch: Branch, at: Joint, comments: &[Line<'_>], chunk: &Chunk<'_>) {
        let known = |line: &Line<'_>| known::of_script(Some(branch), line.text);
        let samples = chunk.iter().find_map(known);
        let is_own = |line: &&Line<'_>| {
            !line.is_comment() && known(line).is_none() && !known::is_anyones(line.text)
        };
        let has_own = chunk.iter().any(|line| is_own(&line));
        match samples {
            None if has_own => self.own(at, comments, chunk),
            _ => {
                let why = samples.unwrap_or(Known::Arguments);
                for line in chunk {
                    let verdict = if line.is_comment() {
                        comment()
                    } else if is_own(&line) {
                        within(why, at)
                    } else {
                        Verdict::dropped(known(line).unwrap_or(why).why())
                    };
                    self.say(*line, &verdict);
                }
            }
        }
    }

    /// A statement of the admin's own.
    fn own(&mut self, at: Joint, comments: &[Line<'_>], chunk: &Chunk<'_>) {
        let verdict = judged(chunk, |text| {
            caution(text).or_else(|| hazard(at, text, self.given))
        });
        if let Some(verdict) = verdict {
            return self.say_all(chunk, &verdict);
        }
        let whole: Chunk<'_> = comments.iter().chain(chunk).copied().collect();
        let text = hook_file::statement(self.name, &whole);
        let in_root = (at == Joint::Restored)
            .then(|| in_new_root(&text))
            .flatten();
        let fate = Fate::Hook(path(at));
        let verdict = match &in_root {
            Some(_) => Verdict::new(
                fate,
                "the admin's own; in the hook the new root is /, so /mnt is taken out",
            ),
            None => Verdict::new(fate, "the admin's own"),
        };
        self.say_all(chunk, &verdict);
        let text = in_root.unwrap_or(text);
        match self.bodies.iter_mut().find(|(known, _)| *known == at) {
            Some((_, body)) => *body += &text,
            None => self.bodies.push((at, text)),
        }
    }

    fn end(mut self) -> Scripted {
        let puts_aside = self.bodies.iter().any(|(at, _)| *at == Joint::Saved);
        for (at, body) in self.bodies {
            let begin = self.prologue.begin(at);
            let text = format!("{begin}{body}\n{}", hook_file::end(at, puts_aside));
            let path = path(at);
            self.out.hooks.push(HookFile { at, path, text });
        }
        self.out.entries.sort_by_key(|entry| entry.line);
        self.out
    }
}

static COMMENT: Verdict = Verdict {
    fate: Fate::Comment,
    why: String::new(),
    cure: None,
};

/// The file of a joint's hook.
fn path(at: Joint) -> String {
    format!("hooks/{}", at.name())
}

/// Whether a statement is a function's.
fn is_function(line: &str) -> bool {
    let name = line
        .trim_start()
        .split(['(', ' '])
        .next()
        .unwrap_or_default();
    let rest = line.trim_start()[name.len()..].trim_start();
    name == "function" || !name.is_empty() && rest.starts_with("()")
}

/// The first verdict on a statement's lines; what would be dropped cannot be, out of the middle.
fn judged(chunk: &[Line<'_>], judge: impl Fn(&str) -> Option<Verdict>) -> Option<Verdict> {
    let mut lines = chunk.iter().filter(|line| !line.is_comment());
    let verdict = lines.find_map(|line| judge(line.text))?;
    if verdict.fate == Fate::Dropped && chunk.len() > 1 {
        let cure = "write the statement anew without it, into the hook";
        return Some(Verdict::person(
            format!("it has more than this in it: {}", verdict.why),
            cure,
        ));
    }
    Some(verdict)
}

/// An own line among the sample's.
fn within(sample: Known, at: Joint) -> Verdict {
    let why = format!(
        "it stands within a statement of the sample of which this is true: {}",
        sample.why()
    );
    let cure = format!(
        "if it does more than that, write the rest into a hook at `{}`: files put aside at `saved` in JUMP_SAVED{ASIDE} are in {ASIDE} there",
        at.name()
    );
    Verdict::person(why, cure)
}
