//! Variables: the names and values that an environment can have, and none that would change what a
//! program is rather than what it is told; and the values that single nodes have of their own.

use std::collections::BTreeMap;

use super::Job;

/// What begins the name of every variable of ours.
pub const PREFIX: &str = "JUMP_";
/// In templates: the node, as it is named on the command line, without an account.
pub const HOST: &str = "_HOST";
/// In templates: the node's host name.
pub const NODE: &str = "_NODE";
/// In templates: the run's id.
pub const RUN: &str = "_RUN";
/// In templates: a percent sign.
pub const PERCENT: &str = "_PERCENT";
/// Bytes of the longest name.
const LONGEST_NAME: usize = 64;
/// Bytes of the longest value.
pub const LONGEST_VALUE: usize = 4096;

/// What programs, their loader (ld.so(8)), shells and languages take for an order.
const TAKEN: [&str; 25] = [
    HOST,
    NODE,
    RUN,
    PERCENT,
    "BASH_ENV",
    "BASHOPTS",
    "CDPATH",
    "ENV",
    "GCONV_PATH",
    "GLOBIGNORE",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "LANG",
    "LANGUAGE",
    "LOCPATH",
    "LOGNAME",
    "OLDPWD",
    "PATH",
    "PS4",
    "PWD",
    "SHELL",
    "SHELLOPTS",
    "TMPDIR",
    "USER",
];
/// What begins the names of more of these.
const TAKEN_PREFIXES: [&str; 9] = [
    PREFIX, "LC_", "LD_", "MALLOC_", "NLSPATH", "PERL", "PYTHON", "RUBY", "SYSTEMD_",
];

/// What is wrong with a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Its name is none.
    Name,
    /// Its name means something to programs or to us.
    Taken,
    /// Its value is not one line, or too long.
    Value,
}

/// What is wrong with a variable, if something is.
pub fn doubt(name: &str, value: &str) -> Option<Doubt> {
    let sound = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_name = name.chars().all(sound) && name.starts_with(|c: char| !c.is_ascii_digit());
    if !is_name || name.len() > LONGEST_NAME {
        return Some(Doubt::Name);
    }
    if TAKEN.contains(&name) || TAKEN_PREFIXES.iter().any(|it| name.starts_with(it)) {
        return Some(Doubt::Taken);
    }
    let broken = value.len() > LONGEST_VALUE || value.chars().any(char::is_control);
    broken.then_some(Doubt::Value)
}

/// The node's name of a command line, without an account: `node07` of `root@node07`.
pub fn host(named: &str) -> &str {
    named.rsplit_once('@').map_or(named, |(_, host)| host)
}

impl Job {
    /// The variables of a node, by its name without an account: those of the job, over them its row of
    /// the table, over that its own of the job.
    pub fn variables_of(
        &self,
        host: &str,
        row: Option<&BTreeMap<String, String>>,
    ) -> BTreeMap<String, String> {
        let own = self.node.get(host);
        let layers = [Some(&self.variables), row, own];
        let all = layers.into_iter().flatten().flatten();
        all.map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}
