//! A job made of the files of 2009: `nextrel.cfg` and its script become `job.toml`, hooks, and a list of
//! what became of each line. `docs/jump2nr.md` has the rules.
//!
//! Texts in, texts out. What cannot be placed is handed to a person, with the reason and what to do; no
//! line is dropped without a reason, and nothing is run to find out what it means.

mod calls;
mod caution;
mod config;
mod copying;
mod entry;
mod finished;
mod hazard;
mod hook_file;
mod images;
mod job_text;
mod known;
mod list;
mod saved;
mod scanner;
mod script;
mod shell;
mod variables;
mod words;

use serde::Serialize;

pub use entry::{Entry, Fate, Origin};
pub use finished::Read;

use crate::job::LandingChoice;
use crate::nextrel::{Config, DiskPartition, Wrong};
use finished::Finished;
use images::Images;
use job_text::JobText;

/// The name of the list.
pub const LIST: &str = "CONVERTED.md";
/// The name of the job.
pub const JOB: &str = "job.toml";

/// A text with its file's name.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name, without directories.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// What a job is made of.
pub struct Sources<'a> {
    /// The configuration file.
    pub config: Source<'a>,
    /// The same, read.
    pub statements: &'a Config,
    /// The script.
    pub script: Option<Source<'a>>,
    /// The text of another file that the configuration file names.
    pub read: &'a dyn Fn(&str) -> Read,
    /// Where the job will be, as the admin names it.
    pub directory: &'a str,
}

/// A file of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its path below the directory.
    pub path: String,
    /// What is in it.
    pub text: String,
    /// Whether it is a program.
    pub is_program: bool,
}

/// A job made of the files of 2009.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conversion {
    /// The job, its hooks and the list.
    pub files: Vec<Made>,
    /// What became of each line: an entry at least for each, by files and lines.
    pub lines: Vec<Entry>,
    /// What to run before the first push.
    pub commands: Vec<String>,
}

impl Conversion {
    /// Makes a job.
    ///
    /// # Errors
    /// No partition is named for the new system, or none that a job can name.
    pub fn of(sources: &Sources<'_>) -> Result<Self, Wrong> {
        let Source { name, text } = sources.config;
        let mut configured = config::read(name, sources.statements, text, sources.script.is_some());
        let target = target(configured.given.target_partition.as_deref())?;
        let script = sources
            .script
            .map(|script| script::read(script.name, script.text, &mut configured.given));
        let mut script = script.unwrap_or_default();
        let mut finished = Finished::of(&configured.given.finished, sources.read);
        finished.judge(&mut configured.entries);
        finished.judge(&mut script.entries);

        let after = configured.hooks.split_off(configured.before_script);
        let hooks = [configured.hooks, script.hooks, after, finished.hooks].concat();
        let given = configured.given;
        let images = Images::of(given.jump_tar.as_deref(), given.target_tar.as_deref());
        let made_of = match sources.script {
            Some(script) => format!("{name} and {}", script.name),
            None => name.to_owned(),
        };
        let job = JobText {
            made_of: &made_of,
            images: &images,
            landing: &given.landing.unwrap_or(LandingChoice::Swap).to_string(),
            target: &target,
            saved: script.saved.as_ref(),
            variables: &given.own,
            hooks: &hooks,
            missing: &finished.missing,
        };
        let mut files = vec![file(JOB, job.written(), false)];
        files.extend(
            hooks
                .into_iter()
                .map(|hook| file(&hook.path, hook.text, true)),
        );
        let mut conversion = Self {
            files,
            lines: [configured.entries, script.entries].concat(),
            commands: images.commands(sources.directory),
        };
        let list = list::list(&conversion, sources);
        conversion.files.push(file(LIST, list, false));
        Ok(conversion)
    }

    /// What a person has to see to.
    pub fn for_a_person(&self) -> impl Iterator<Item = &Entry> {
        self.lines.iter().filter(|entry| entry.needs_person())
    }

    /// The list, as it is written.
    pub fn list(&self) -> &str {
        let list = self.files.iter().find(|file| file.path == LIST);
        list.map_or("", |file| file.text.as_str())
    }
}

fn file(path: &str, text: String, is_program: bool) -> Made {
    Made {
        path: path.to_owned(),
        text,
        is_program,
    }
}

/// The partition that the new system gets.
fn target(device: Option<&str>) -> Result<DiskPartition, Wrong> {
    let cure = "name it as the sample does: TARGET_PARTITION = /dev/sda1";
    let device = device.ok_or_else(|| {
        Wrong::new(
            "TARGET_PARTITION is not set: nothing says where the new system goes",
            cure,
        )
    })?;
    DiskPartition::parse(device).ok_or_else(|| {
        Wrong::new(
            format!("TARGET_PARTITION: {device:?} is not a partition of a disk"),
            cure,
        )
    })
}

#[cfg(test)]
mod tests;
