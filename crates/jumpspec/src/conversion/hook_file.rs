//! Hooks as files: scripts with what the script of 2009 had as arguments, taken from the environment.

use std::fmt::Write as _;

use super::shell::Line;
use super::words::quoted;
use crate::job::Joint;

/// Where what a hook `saved` puts aside is, and is found by one of `restored`.
pub(super) const ASIDE: &str = "/var/lib/jump2nr";

/// A hook's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HookFile {
    pub(super) at: Joint,
    /// Below the directory: `hooks/saved`.
    pub(super) path: String,
    pub(super) text: String,
}

/// The script of 2009, as its hooks know it.
#[derive(Clone, Debug, Default)]
pub(super) struct Prologue {
    /// Its name.
    pub(super) me: String,
    /// Statements outside of its branches that all of them may need, as they were written.
    pub(super) shared: String,
}

impl Prologue {
    /// The begin of the hook for a joint.
    pub(super) fn begin(&self, at: Joint) -> String {
        let mut text = format!(
            "#!/bin/bash\n# What {} did here and the job does not do by itself. A power cut runs it again from its start.\n",
            self.me
        );
        // Writing to a String cannot fail.
        let _ = writeln!(text, "me={}", quoted(&self.me));
        text += "TARGET_PARTITION=\"$JUMP_ROOT_DEVICE\"\n";
        let _ = writeln!(text, "JUMP_DIR={ASIDE}");
        if at == Joint::Saved {
            text += "JUMP_MNT=\"$JUMP_SAVED\"\n";
        }
        if at != Joint::Prep {
            text += "LOGFILE=\"$JUMP_LOG/restore.log\"\n";
        }
        text += &self.shared;
        text += match at {
            Joint::Prep => "cd /root || exit 1\n",
            Joint::Saved => {
                "mkdir -p -m 0700 \"$JUMP_MNT$JUMP_DIR\" && cd \"$JUMP_MNT$JUMP_DIR\" || exit 1\n"
            }
            _ => "",
        };
        text
    }
}

/// The end of a hook: as in 2009, only an `exit` of its own makes it fail.
pub(super) fn end(at: Joint, puts_aside: bool) -> String {
    let cleared = (at == Joint::Restored && puts_aside).then_some("rm -rf \"$JUMP_DIR\"\n");
    format!("{}exit 0\n", cleared.unwrap_or_default())
}

/// Statements of a script, as they were written, with where they stood.
pub(super) fn statement(file: &str, lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    if let Some(first) = lines.iter().find(|line| !line.is_comment()) {
        let _ = writeln!(text, "\n# {file}:{}", first.number);
    }
    for line in lines {
        text += line.text;
        text.push('\n');
    }
    text
}

/// A command of a `remote` line: each ran in a shell of its own, in root's home, and its failure ended
/// the run.
pub(super) fn remote(file: &str, number: usize, command: &str) -> String {
    format!("\n# {file}:{number}\n(cd /root\n{command}\n) || exit 1\n")
}
