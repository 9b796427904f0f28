//! The configuration file, line by line.

use super::caution::caution;
use super::entry::{Entry, Fate, Origin, Verdict};
use super::hook_file::{self, HookFile};
use super::known::{self, Known};
use super::variables::Given;
use crate::job::Joint;
use crate::nextrel::{
    Config, JUMP_SETS, LOG_FILE, Line, Statement, Text, Variables, may_end_the_connection,
};

/// What a configuration file comes to.
#[derive(Clone, Debug, Default)]
pub(super) struct Configured {
    pub(super) entries: Vec<Entry>,
    pub(super) given: Given,
    /// Of `remote` lines, in their order; those of [`Joint::Prep`] before the script's branch first.
    pub(super) hooks: Vec<HookFile>,
    /// How many of the hooks come before the script's of the same joint.
    pub(super) before_script: usize,
}

/// Reads a file; `name` is how hooks call it.
pub(super) fn read(name: &str, config: &Config, text: &str, has_script: bool) -> Configured {
    let mut reading = Reading {
        name,
        has_script,
        variables: Variables::new(&unknown(crate::nextrel::HOST), &unknown(LOG_FILE)),
        at: Joint::Prep,
        is_new_hook: true,
        out: Configured::default(),
    };
    let mut statements = config.lines().iter().peekable();
    for (number, text) in (1..).zip(text.lines()) {
        let verdict = match statements.next_if(|line| line.number == number) {
            Some(line) => reading.statement(line),
            None => Verdict::new(Fate::Comment, ""),
        };
        reading
            .out
            .entries
            .push(verdict.on(Origin::Config, number, text));
    }
    reading.out
}

fn unknown(name: &str) -> String {
    format!("%{name}%")
}

struct Reading<'a> {
    name: &'a str,
    has_script: bool,
    /// What only a run can know stands as it is written: `%NAME%`.
    variables: Variables,
    /// Where a `remote` line would run now.
    at: Joint,
    is_new_hook: bool,
    out: Configured,
}

impl Reading<'_> {
    fn statement(&mut self, line: &Line) -> Verdict {
        match &line.statement {
            Statement::Set { name, value } => match self.variables.expand(value) {
                Ok(value) => self.set(name, value),
                Err(wrong) => Verdict::person(wrong.reason, wrong.cure),
            },
            Statement::SetFromCommand { name, command } => self.set_from_command(name, command),
            Statement::Print(_) | Statement::ShowVariables => Verdict::dropped(Known::Told.why()),
            Statement::Local(command) => self.local(&line.raw, command),
            Statement::Remote(command) => self.remote(line, command),
            Statement::UsePartition { partition, .. } => self.use_partition(partition),
        }
    }

    fn set(&mut self, name: &str, value: String) -> Verdict {
        let verdict = self.out.given.take(name, &value, self.has_script);
        // As many as the language takes were counted when it was read.
        self.variables.set(name, value).ok();
        verdict
    }

    fn set_from_command(&mut self, name: &str, command: &Text) -> Verdict {
        let command = self.variables.command(command).unwrap_or_default();
        if let Some(path) = command
            .strip_prefix("basename ")
            .filter(|it| !it.contains([' ', '%', '$', '`']))
        {
            let base = path.rsplit('/').next().unwrap_or(path).to_owned();
            return self.set(name, base);
        }
        self.variables.set(name, unknown(name)).ok();
        Verdict::person(
            "its value is what a command on your host says",
            format!(
                "run it, and write {name} = \"…\" under [variables] in job.toml, if a hook needs it; a node's own value under [node.\"HOST\"]"
            ),
        )
    }

    fn use_partition(&mut self, partition: &Text) -> Verdict {
        for name in JUMP_SETS {
            self.variables.set(name, unknown(name)).ok();
        }
        match self.variables.expand(partition) {
            Ok(partition) if !partition.contains('%') => {
                let why = "push borrows the partition, and gives it back as swap";
                self.out.given.land(&partition, why)
            }
            _ => Verdict::person(
                "what partition it is depends on the run",
                "write it under [landing] in job.toml",
            ),
        }
    }

    fn local(&self, raw: &str, command: &Text) -> Verdict {
        if let Some(known) = known::of_config(raw) {
            return Verdict::dropped(known.why());
        }
        let command = self.variables.command(command).unwrap_or_default();
        match self.copies(&command) {
            Some(more) if more.is_empty() => Verdict::dropped(Known::Upload.why()),
            Some(more) => Verdict::person(
                format!("nothing brings {} to the node", more.join(", ")),
                "put it into the target image, or the text of it into a hook",
            ),
            None => Verdict::person(
                "it runs on your host, and push runs nothing there",
                "run it yourself before or after `jumpimg push`",
            ),
        }
    }

    /// The files that a command copies into the directory on the node and that are not the sample's, if
    /// that is what it does.
    fn copies(&self, command: &str) -> Option<Vec<String>> {
        let mut words = command
            .split_whitespace()
            .skip_while(|word| *word == "sudo");
        words.next().filter(|word| *word == "scp")?;
        let mut files: Vec<&str> = words.filter(|word| !word.starts_with('-')).collect();
        let directory = self.out.given.target_dir.as_deref()?;
        let to = files.pop()?.trim_end_matches('/');
        to.strip_suffix(directory)?.strip_suffix("%_HOST%:")?;
        let brought: Vec<&str> = self.out.given.brought().collect();
        let more = files.into_iter().filter(|file| !brought.contains(file));
        Some(more.map(str::to_owned).collect())
    }

    fn remote(&mut self, line: &Line, command: &Text) -> Verdict {
        let command = self.variables.command(command).unwrap_or_default();
        self.out.given.remote.push(command.clone());
        let call = self.call(&command);
        if let Some(branch) = &call {
            self.is_new_hook = true;
            match branch.as_str() {
                "prep" => self.out.before_script = self.out.hooks.len(),
                "save" => self.at = Joint::Saved,
                _ => {}
            }
        }
        if let Some(known) = known::of_config(&line.raw) {
            return self.unless_unread(known);
        }
        match call {
            Some(branch) if ["prep", "save"].contains(&branch.as_str()) => {
                self.unless_unread(Known::Call)
            }
            _ if may_end_the_connection(&command) => {
                Verdict::dropped("jump restarts the node itself, when it is time")
            }
            _ => caution(&command)
                .or_else(|| self.hazard(&command))
                .unwrap_or_else(|| self.hook(line, &command)),
        }
    }

    fn unless_unread(&self, known: Known) -> Verdict {
        if known == Known::Call && !self.has_script {
            return Verdict::person(
                "the script was not read",
                "convert again with --script and its file",
            );
        }
        Verdict::dropped(known.why())
    }

    /// The first argument that a command calls the script with, if it does.
    fn call(&self, command: &str) -> Option<String> {
        let given = &self.out.given;
        let script = format!(
            "{}/{}",
            given.target_dir.as_deref()?,
            given.setup.as_deref()?
        );
        let mut words = command.split_whitespace();
        words.next().filter(|word| *word == script)?;
        words.next().map(str::to_owned)
    }

    fn hazard(&self, command: &str) -> Option<Verdict> {
        let given = &self.out.given;
        if let Some(place) = given.places().find(|place| command.contains(place)) {
            return Some(Verdict::person(
                format!(
                    "{place} does not exist in a job: push has its own places, and the jump system is its image's"
                ),
                "put files into the target image or [save], what is done with them into a hook",
            ));
        }
        let mut unknown = command.split('%').skip(1).step_by(2);
        let unknown = unknown
            .find(|name| *name != crate::nextrel::HOST && self.variables.get(name).is_some())?;
        Some(Verdict::person(
            format!("what %{unknown}% is only a run of jump2nr knows"),
            "write a hook that finds it out: docs/job.md has what hooks are told",
        ))
    }

    /// Makes a `remote` line part of a hook.
    fn hook(&mut self, line: &Line, command: &str) -> Verdict {
        let at = self.at;
        if std::mem::take(&mut self.is_new_hook) {
            self.out.hooks.push(HookFile {
                at,
                path: format!("hooks/remote-{}", line.number),
                text: "#!/bin/sh\n# Commands that ran on the old system; the first that fails ends the run.\n".to_owned(),
            });
        }
        let command = command.replace("%_HOST%", "${JUMP_HOST}");
        let Some(hook) = self.out.hooks.last_mut() else {
            return Verdict::person("it has no place", "write a hook for it");
        };
        hook.text += &hook_file::remote(self.name, line.number, &command);
        let why = match at {
            Joint::Prep => "it runs on the old system before anything is changed",
            _ => "it runs on the old system, after saving",
        };
        Verdict::new(Fate::Hook(hook.path.clone()), why)
    }
}
