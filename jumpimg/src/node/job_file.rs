//! The job file with what it refers to: image paths, public keys, hooks.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jumpspec::hook::Script;
use jumpspec::job::{HookWish, HostTable, Job, Joint};

use crate::error::{Exit, Trouble};

/// A job with the files that it names.
#[derive(Clone, Debug)]
pub(crate) struct JobFile {
    pub(crate) job: Job,
    /// Path of the jump image.
    pub(crate) jump: PathBuf,
    /// Path of the target image.
    pub(crate) target: PathBuf,
    /// Lines for the jump system's `authorized_keys`.
    pub(crate) authorized_keys: Vec<String>,
    /// The scripts of [`Job::all_hooks`], in their order.
    pub(crate) scripts: Vec<Script>,
    /// The table that [`Job::hostvars`] names.
    pub(crate) hostvars: Option<HostTable>,
    /// The texts of [`Job::template`], in their order.
    pub(crate) templates: Vec<String>,
    /// The program that hears what has become of a fleet.
    pub(crate) fleet_done: Option<PathBuf>,
    /// The programs that [`Job::drain`] names.
    pub(crate) drain: Drain,
}

impl JobFile {
    /// Reads a job file and all the small files that it names.
    pub(crate) fn read(path: &Path) -> Result<Self, Trouble> {
        let text = read(path, "job-file", "name the job file with --job FILE")?;
        let job = Job::parse(&text).map_err(|error| wrong(path, &text, &error))?;
        if let Some(wrong) = job.fleet.wrong().or_else(|| job.drain.wrong()) {
            let message = format!("{}: {wrong}", path.display());
            return Err(Trouble::new(Exit::Usage, "job-file", message)
                .hint("docs/fleet.md says how a fleet takes its course"));
        }
        let place = Place::of(path);
        let mut authorized_keys = Vec::new();
        for file in &job.jump.authorized_keys {
            let file = place.resolve(file);
            let text = read(&file, "job-file", "see [jump] authorized_keys")?;
            authorized_keys.extend(keys(&text).map(str::to_owned));
        }
        let hooks = job.all_hooks();
        let scripts: Result<_, Trouble> = hooks.iter().map(|hook| script(hook, &place)).collect();
        let hostvars = job.hostvars.as_deref();
        let hostvars = hostvars.map(|file| host_table(&place.resolve(file)));
        let hostvars = hostvars.transpose()?;
        let templates = job.template.iter();
        let templates: Result<_, Trouble> = templates
            .map(|template| {
                read(
                    &place.resolve(&template.from),
                    "job-file",
                    "see [[template]]",
                )
            })
            .collect();
        let fleet_done = job.hooks.fleet_done.as_deref();
        let fleet_done = fleet_done.map(|file| program("[hooks] fleet_done", &place.resolve(file)));
        let fleet_done = fleet_done.transpose()?;
        let drain = Drain::read(&job, &place)?;
        Ok(Self {
            jump: place.resolve(&job.images.jump),
            target: place.resolve(&job.images.target),
            job,
            authorized_keys,
            scripts: scripts?,
            hostvars,
            templates: templates?,
            fleet_done,
            drain,
        })
    }

    /// The paths that tell whether a system has what the hooks at these joints are run by.
    pub(crate) fn interpreters(&self, at: impl Fn(Joint) -> bool) -> BTreeSet<String> {
        let hooks = self.job.all_hooks();
        let hooks = hooks.iter().zip(&self.scripts);
        let wanted = hooks.filter(|(hook, _)| at(hook.at));
        wanted
            .flat_map(|(_, script)| script.interpreter.paths())
            .collect()
    }
}

/// The programs of `[drain]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drain {
    pub(crate) before: Option<PathBuf>,
    pub(crate) after: Option<PathBuf>,
    pub(crate) timeout: Duration,
}

impl Drain {
    fn read(job: &Job, place: &Place) -> Result<Self, Trouble> {
        let read = |key: &str, file: &Option<String>| {
            let path = file.as_deref().map(|file| place.resolve(file));
            path.map(|path| program(key, &path)).transpose()
        };
        Ok(Self {
            before: read("[drain] before", &job.drain.before)?,
            after: read("[drain] after", &job.drain.after)?,
            timeout: job.drain.timeout.0,
        })
    }
}

/// Where relative paths and `~` begin.
struct Place {
    directory: PathBuf,
    home: Option<PathBuf>,
}

impl Place {
    fn of(job_file: &Path) -> Self {
        let directory = job_file.parent().map(Path::to_owned).unwrap_or_default();
        Self {
            directory,
            home: std::env::var_os("HOME").map(PathBuf::from),
        }
    }

    fn resolve(&self, path: &str) -> PathBuf {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => self.directory.join(path),
        }
    }
}

fn read(path: &Path, code: &str, hint: &str) -> Result<String, Trouble> {
    fs::read_to_string(path).map_err(|error| {
        Trouble::new(
            Exit::Usage,
            code,
            format!("cannot read {}: {error}", path.display()),
        )
        .hint(hint)
    })
}

/// Lines that hold a key.
fn keys(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The table of the variables of single nodes.
fn host_table(path: &Path) -> Result<HostTable, Trouble> {
    let text = read(path, "job-file", "it is the job's table of hostvars")?;
    HostTable::parse(&text).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Trouble::new(Exit::Usage, "job-file", message)
            .hint("the first line names the variables, the first column the nodes: docs/job.md")
    })
}

/// A program of this host, by a path that holds wherever it is run from.
fn program(key: &str, path: &Path) -> Result<PathBuf, Trouble> {
    let wrong = |why: &str| {
        let message = format!("{key}: {} {why}", path.display());
        Trouble::new(Exit::Usage, "job-file", message)
    };
    let is = path
        .metadata()
        .map_err(|error| wrong(&format!("cannot be run: {error}")))?;
    if !is.is_file() || is.permissions().mode() & 0o111 == 0 {
        return Err(wrong("is no program").hint("it is run on this host: chmod +x"));
    }
    std::path::absolute(path).map_err(|error| wrong(&error.to_string()))
}

fn script(hook: &HookWish, place: &Place) -> Result<Script, Trouble> {
    let path = place.resolve(&hook.run);
    let text = read(
        &path,
        "job-file",
        &format!("it is the hook {} ({})", hook.run, hook.at),
    )?;
    Script::new(text).map_err(|error| {
        let message = format!("the hook {} {error}", path.display());
        Trouble::new(Exit::Usage, "job-file", message)
            .hint("begin it with its interpreter, e.g. #!/bin/sh")
    })
}

/// File, line, column, key and what is wrong there.
fn wrong(path: &Path, text: &str, error: &toml::de::Error) -> Trouble {
    let at = error.span().map_or(0, |span| span.start);
    let (line, column) = position(text, at);
    let key = key_at(text, line)
        .map(|key| format!("`{key}`: "))
        .unwrap_or_default();
    let message = error.message().lines().collect::<Vec<_>>().join(" ");
    let message = format!("{}:{line}:{column}: {key}{message}", path.display());
    Trouble::new(Exit::Usage, "job-file", message)
        .hint("docs/job.md has a complete job file, commented")
}

/// Line and column of byte `at`, from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

/// The key that is set in `line`, if one is, or the table that begins there.
fn key_at(text: &str, line: usize) -> Option<&str> {
    let line = text.lines().nth(line.checked_sub(1)?)?.trim();
    let key = line.split_once('=').map_or(line, |(key, _)| key.trim());
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(text: &str) -> Result<JobFile, Trouble> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job.toml");
        fs::write(&path, text).unwrap();
        fs::write(dir.path().join("hook"), "echo").unwrap();
        fs::write(dir.path().join("key"), "# mine\nssh-ed25519 AAAA me\n\n").unwrap();
        JobFile::read(&path)
    }

    const SMALL: &str = "[images]\njump = 'j'\ntarget = '/t'\n[[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n";

    fn trouble(text: &str) -> String {
        let mut trouble = job(text).unwrap_err();
        assert_eq!(trouble.exit, Exit::Usage);
        trouble.causes.remove(0).message
    }

    fn message(text: &str) -> String {
        let message = trouble(text);
        message
            .split_once("job.toml")
            .map_or(message.clone(), |(_, rest)| rest.to_owned())
    }

    #[test]
    fn paths_are_relative_to_the_job_file() {
        let job = job(&format!("{SMALL}[jump]\nauthorized_keys = ['key']\n")).unwrap();
        assert!(job.jump.is_absolute() && job.jump.ends_with("j"));
        assert_eq!(job.target, Path::new("/t"));
        assert_eq!(job.authorized_keys, ["ssh-ed25519 AAAA me"]);
    }

    #[test]
    fn an_error_names_line_and_key() {
        let said = message(&SMALL.replace("number = 3", "number = 'x'"));
        assert!(said.starts_with(":5:10: `number`: "), "{said}");
        let said = message(&format!("{SMALL}sizes = 3\n"));
        assert!(said.starts_with(":8:1: `sizes`: unknown field"), "{said}");
    }

    #[test]
    fn a_fleet_that_nothing_can_go_by_is_refused_with_its_key() {
        let said = message(&format!("{SMALL}[fleet]\nbatches = []\n"));
        assert!(said.contains("[fleet] batches = []"), "{said}");
    }

    #[test]
    fn a_hook_names_its_interpreter() {
        for named in [
            "[hooks]\nbefore = 'hook'\n",
            "[[hook]]\nat = 'saved'\nrun = 'hook'\n",
        ] {
            let said = trouble(&format!("{SMALL}{named}"));
            assert!(said.contains("does not begin with #!"), "{said}");
        }
        let said = trouble(&format!("{SMALL}[[hook]]\nat = 'saved'\nrun = 'none'\n"));
        assert!(said.contains("cannot read"), "{said}");
    }
}
