//! SELinux of a system that is not running: what its configuration says, and whether what is put
//! into it can be labelled.

use serde::{Deserialize, Serialize};

/// Where a system says how it uses SELinux (selinux_config(5)).
pub const CONFIG: &str = "etc/selinux/config";

/// How an image uses SELinux.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selinux {
    /// What happens to those that a rule forbids something.
    pub mode: Mode,
    /// The policy's name, a folder of `/etc/selinux`.
    pub policy: String,
    /// Whether the image can label files by that policy: it has setfiles(8) and the policy's
    /// file_contexts(5).
    pub labels: bool,
}

/// `SELINUX=` of [`CONFIG`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They fail.
    Enforcing,
    /// They are logged.
    Permissive,
    /// No rule is read.
    Disabled,
}

/// Mode and policy, by the text of [`CONFIG`]: of several lines the last counts. What is not
/// understood counts as enforcing, which asks for most.
pub fn parse(config: &str) -> Option<(Mode, String)> {
    let value = |key: &str| {
        let mut lines = config.lines().rev();
        let found = lines.find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
        found.map(|value| value.trim().to_ascii_lowercase())
    };
    let mode = match value("SELINUX")?.as_str() {
        "permissive" => Mode::Permissive,
        "disabled" => Mode::Disabled,
        _ => Mode::Enforcing,
    };
    let policy = value("SELINUXTYPE").unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let sound = !policy.is_empty() && policy.chars().all(is_name);
    Some((mode, if sound { policy } else { "targeted".to_owned() }))
}

/// Where a policy says which label a file gets (file_contexts(5)).
pub fn file_contexts(policy: &str) -> String {
    format!("etc/selinux/{policy}/contexts/files/file_contexts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_and_policy_are_read_as_selinux_reads_them() {
        let text = "# SELINUX= can be\nSELINUX=permissive\nSELINUXTYPE=default\n";
        let read = parse(text).unwrap();
        assert_eq!(read, (Mode::Permissive, "default".to_owned()));
        assert_eq!(parse("# nothing\n"), None);
    }

    #[test]
    fn what_is_not_understood_counts_as_enforcing() {
        let read = parse("SELINUX=maybe\nSELINUXTYPE=../../etc\n").unwrap();
        assert_eq!(read, (Mode::Enforcing, "targeted".to_owned()));
    }
}
