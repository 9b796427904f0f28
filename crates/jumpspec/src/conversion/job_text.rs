//! The job file, written to be read.

use std::fmt::Write as _;

use super::hook_file::HookFile;
use super::images::Images;
use super::saved::Saved;
use crate::nextrel::DiskPartition;
use crate::words::relpath::RelPath;

/// What a job file is written from.
pub(super) struct JobText<'a> {
    /// What it was made of: `nextrel.cfg and jump2.sh`.
    pub(super) made_of: &'a str,
    pub(super) images: &'a Images,
    pub(super) landing: &'a str,
    pub(super) target: &'a DiskPartition,
    pub(super) saved: Option<&'a Saved>,
    pub(super) variables: &'a std::collections::BTreeMap<String, String>,
    pub(super) hooks: &'a [HookFile],
    /// Hooks whose files are not there yet.
    pub(super) missing: &'a [HookFile],
}

impl JobText<'_> {
    /// The text.
    pub(super) fn written(&self) -> String {
        let mut text = format!(
            "# Made of {} by `jumpimg convert`; CONVERTED.md says what became of each line.\n# docs/job.md has all keys.\n",
            self.made_of
        );
        let jump = entry("jump", self.images.jump.name.as_str());
        let target = entry("target", self.images.target.name.as_str());
        text += "\n[images]\n";
        text += &jump;
        text += &target;
        text += "\n[landing]\n";
        text += &entry("partition", self.landing);
        text += &self.layout();
        if let Some(saved) = self.saved {
            let paths: Vec<&str> = saved.paths.iter().map(RelPath::as_str).collect();
            text += "\n[save]\n";
            text += &entry("paths", paths);
            text += &entry("accounts", saved.accounts);
        }
        text += &self.variables();
        for hook in self.hooks {
            text.push('\n');
            text += &table(hook);
        }
        for hook in self.missing {
            text +=
                "\n# The file is not there yet: put it there, and take the comment signs away.\n";
            for line in table(hook).lines() {
                let _ = writeln!(text, "# {line}");
            }
        }
        text
    }

    fn layout(&self) -> String {
        let disk = entry("disk", self.target.disk.as_str());
        let number = entry("number", i64::from(self.target.number));
        format!(
            "\n[layout]\n{disk}\n[[layout.partition]]\n{number}action = \"format\"\nmount = \"/\"\nfs = \"ext4\"\n"
        )
    }

    fn variables(&self) -> String {
        if self.variables.is_empty() {
            return String::new();
        }
        let lines = self
            .variables
            .iter()
            .map(|(name, value)| entry(name, value.as_str()));
        format!("\n[variables]\n{}", lines.collect::<String>())
    }
}

fn table(hook: &HookFile) -> String {
    let at = entry("at", hook.at.name());
    format!("[[hook]]\n{at}{}", entry("run", hook.path.as_str()))
}

/// `key = value`, as TOML has it; keys are bare here.
fn entry(key: &str, value: impl Into<toml::Value>) -> String {
    format!("{key} = {}\n", value.into())
}
