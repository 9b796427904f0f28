//! A hook as a plan has it: which script, where it is run, for how long, and what its failure leads to.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::job::{Joint, OnFailure, Wait};
use crate::words::digest::Digest;

/// Where a hook's programs are looked for: its `PATH`, the one that every program is given.
pub const PATH: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// Bytes of the longest first line: the kernel looks at no more (Linux, `BINPRM_BUF_SIZE`).
const LONGEST_LINE: usize = 254;
/// Looks a program up in `PATH` (env(1)).
const ENV: [&str; 2] = ["/usr/bin/env", "/bin/env"];

/// Bytes that hooks may add to what is saved.
pub const MOST_ADDED: u64 = 32 << 20;

/// A hook that is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its number among the job's, from 1, in the order in which they run.
    pub number: u32,
    /// Where it is run.
    pub at: Joint,
    /// The file on the admin host, as the job names it.
    pub name: String,
    /// The script's length in bytes.
    pub size: u64,
    /// The script's digest.
    pub digest: Digest,
    /// How long it may take.
    pub timeout: Wait,
    /// What follows from its failure.
    pub on_failure: OnFailure,
}

impl Hook {
    /// The script's file name, wherever it is kept.
    pub fn file_name(&self) -> String {
        format!("{}-{}", self.number, self.at)
    }
}

/// A script on the admin host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it says.
    pub text: String,
    /// What it is run by.
    pub interpreter: Interpreter,
}

impl Script {
    /// A script by its text.
    ///
    /// # Errors
    /// Without an interpreter that the kernel would start.
    pub fn new(text: String) -> Result<Self, NoInterpreter> {
        let interpreter = Interpreter::of(&text)?;
        Ok(Self { text, interpreter })
    }
}

/// Why a text is no script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoInterpreter {
    /// It says none.
    #[error("does not begin with #! and the path of its interpreter")]
    None,
    /// The kernel would look for it in the directory that the hook happens to run in.
    #[error("begins with #!, but not with an absolute path of its interpreter")]
    Relative,
    /// The kernel would cut it off.
    #[error("has a first line of more than {LONGEST_LINE} bytes, which the kernel cuts off")]
    TooLong,
}

/// What a script's first line starts (execve(2), "Interpreter scripts").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The absolute path that the kernel starts.
    program: String,
    /// What that looks up in [`PATH`], where it is env(1).
    looked_up: Option<String>,
}

impl Interpreter {
    /// What the first line of `text` starts.
    fn of(text: &str) -> Result<Self, NoInterpreter> {
        let line = text.split('\n').next().unwrap_or_default();
        let command = line.strip_prefix("#!").ok_or(NoInterpreter::None)?;
        // Only what the kernel takes for white space: a carriage return is a part of the name.
        let mut words = command.split([' ', '\t']).filter(|word| !word.is_empty());
        let program = words.next().ok_or(NoInterpreter::None)?;
        if !program.starts_with('/') {
            return Err(NoInterpreter::Relative);
        }
        if line.len() > LONGEST_LINE {
            return Err(NoInterpreter::TooLong);
        }
        let looked_up = ENV.contains(&program).then(|| {
            // Options, and variables that are set, stand before it.
            words.find(|word| !word.starts_with('-') && !word.contains('='))
        });
        Ok(Self {
            program: program.to_owned(),
            looked_up: looked_up.flatten().map(str::to_owned),
        })
    }

    /// The paths that tell whether a system has it.
    pub fn paths(&self) -> Vec<String> {
        let found = self.looked_up.iter().flat_map(|name| in_path(name));
        std::iter::once(self.program.clone()).chain(found).collect()
    }

    /// Whether a system has it that has these of [`Interpreter::paths`].
    pub fn is_among(&self, there: &BTreeSet<String>) -> bool {
        let looked_up = |name: &String| in_path(name).any(|path| there.contains(&path));
        there.contains(&self.program) && self.looked_up.as_ref().is_none_or(looked_up)
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        match &self.looked_up {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

fn in_path(name: &str) -> impl Iterator<Item = String> {
    let is_path = name.starts_with('/');
    let as_it_is = is_path.then(|| name.to_owned());
    let directories = PATH.iter().filter(move |_| !is_path);
    as_it_is
        .into_iter()
        .chain(directories.map(move |directory| format!("{directory}/{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreter(line: &str) -> Result<String, NoInterpreter> {
        let script = Script::new(format!("{line}\nset -e\n"))?;
        Ok(script.interpreter.to_string())
    }

    #[test]
    fn a_script_names_what_the_kernel_starts() {
        for (line, said) in [
            ("#!/bin/sh", "/bin/sh"),
            ("#! /bin/sh -e", "/bin/sh"),
            ("#!/usr/bin/env python3", "/usr/bin/env python3"),
            ("#!/usr/bin/env -S LANG=C perl -w", "/usr/bin/env perl"),
            ("#!/bin/sh\r", "/bin/sh\r"),
        ] {
            assert_eq!(interpreter(line).as_deref(), Ok(said), "{line}");
        }
        assert_eq!(interpreter("echo"), Err(NoInterpreter::None));
        assert_eq!(interpreter("#!"), Err(NoInterpreter::None));
        assert_eq!(interpreter("#!perl"), Err(NoInterpreter::Relative));
        let long = format!("#!/{}", "x".repeat(300));
        assert_eq!(interpreter(&long), Err(NoInterpreter::TooLong));
    }

    #[test]
    fn what_env_starts_has_to_be_there_too() {
        let there = |paths: &[&str]| paths.iter().map(ToString::to_string).collect();
        let python = Interpreter::of("#!/usr/bin/env python3").unwrap();
        assert!(python.is_among(&there(&["/usr/bin/env", "/bin/python3"])));
        assert!(!python.is_among(&there(&["/usr/bin/env"])));
        assert!(!python.is_among(&there(&["/bin/python3"])));
        let shell = Interpreter::of("#!/bin/sh").unwrap();
        assert!(shell.is_among(&there(&["/bin/sh"])));
        assert_eq!(shell.paths(), ["/bin/sh"]);
    }
}
