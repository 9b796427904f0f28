//! The command line, today's and that of 2009.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::node::args::ConnectionArgs;
use crate::node::ssh::{HostKeys, Route};

/// Names by which this program is jump2nr.
const NAMES: [&str; 2] = ["jump2nr", "jump2nr.pl"];

const EXAMPLES: &str = "\
Examples:
  jumpimg jump2nr -cfg nextrel.cfg node07             every line, here and on node07
  jumpimg jump2nr -cfg nextrel.cfg --dry-run node07   show the lines with their values
  jumpimg jump2nr -cfg nextrel.cfg --from 63 node07   go on after mending line 63
  jump2nr -cfg nextrel.cfg node07 node08              the same by the old name (a link)

Exit codes: 0 done, 1 a line failed, 2 wrong usage or a wrong file, 4 some of several hosts did not
finish, 130 interrupted. docs/jump2nr.md has the language.";

/// Runs a configuration file of jump2nr.pl, of 2009, line by line
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Jump2nrArgs {
    /// The configuration file; -cfg, as in 2009, is the same
    #[arg(long, value_name = "FILE")]
    pub(crate) cfg: PathBuf,
    /// Show every line with its values; nothing is run, here or there
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Go on from this line; what the lines before it define is defined, nothing else of them is done
    #[arg(long, value_name = "LINE")]
    pub(crate) from: Option<usize>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// The hosts, one after the other, each as root
    #[arg(required = true, value_name = "HOST", value_parser = host_name)]
    pub(crate) host: Vec<String>,
}

impl Jump2nrArgs {
    /// A host as a course goes to it.
    pub(super) fn destination(&self, host: &str) -> Destination {
        let route = Route {
            host: format!("root@{host}"),
            config: self.connection.ssh_config.clone(),
            keys: HostKeys::Admins,
            apart: false,
        };
        let host = host.to_owned();
        Destination { host, route }
    }
}

/// A host.
pub(super) struct Destination {
    /// As it was named.
    pub(super) host: String,
    /// How it is reached.
    pub(super) route: Route,
}

/// A host's name, which becomes part of commands.
fn host_name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if text.contains('@') {
        return Err("hosts are logged in to as root: leave out the account".to_owned());
    }
    let is_name = !text.is_empty() && !text.starts_with(['-', '.']) && text.bytes().all(plain);
    is_name
        .then(|| text.to_owned())
        .ok_or_else(|| "not a host name".to_owned())
}

/// The command line as clap can read it: by the name of 2009 it is that of `jumpimg jump2nr`, and
/// there `-cfg` is `--cfg`.
pub(crate) fn as_clap_reads(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut given = given.into_iter();
    let program = given.next().unwrap_or_default();
    let name = Path::new(&program).file_name().unwrap_or_default();
    let mut is_ours = NAMES.iter().any(|known| name == *known);
    let mut arguments = if is_ours {
        vec!["jumpimg".into(), "jump2nr".into()]
    } else {
        vec![program]
    };
    for argument in given {
        let text = argument.to_str().unwrap_or_default();
        let is_old = is_ours && (text == "-cfg" || text.starts_with("-cfg="));
        is_ours |= text == "jump2nr";
        arguments.push(if is_old {
            format!("-{text}").into()
        } else {
            argument
        });
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_2009_has_the_options_of_2009() {
        let read = |line: &str| {
            let read = as_clap_reads(line.split(' ').map(OsString::from));
            let words = read.iter().map(|word| word.to_str().unwrap());
            words.collect::<Vec<_>>().join(" ")
        };
        let today = "jumpimg jump2nr --cfg nextrel.cfg testsys";
        for line in [
            "jump2nr.pl -cfg nextrel.cfg testsys",
            "/usr/local/bin/jump2nr -cfg nextrel.cfg testsys",
            "jumpimg jump2nr -cfg nextrel.cfg testsys",
            today,
        ] {
            assert_eq!(read(line), today);
        }
        assert_eq!(read("jump2nr -cfg=a b"), "jumpimg jump2nr --cfg=a b");
        assert_eq!(read("jumpimg push -cfg a"), "jumpimg push -cfg a");
    }

    #[test]
    fn what_a_shell_would_take_apart_is_no_host() {
        for name in ["node07", "node07.example.org", "10.0.0.7", "fe80::1"] {
            assert!(host_name(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "-oProxyCommand=x",
            "a b",
            "$(x)",
            "a;b",
            "root@node07",
            "../x",
        ] {
            assert!(host_name(name).is_err(), "{name}");
        }
    }
}
