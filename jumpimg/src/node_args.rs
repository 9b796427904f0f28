//! What the commands that talk to nodes have in common: options, the program that goes
//! to the node, and what all nodes together come to.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::run_dir::StateDir;
use crate::ssh::{HostKeys, Route};
use crate::trouble::{Exit, Trouble};
use crate::voice::Voice;

/// Options of all commands that talk to nodes.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodeArgs {
    /// Read this ssh_config instead of the usual ones
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// Print one JSON object a line on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// The static jumpinit to use on the node [default: beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) jumpinit: Option<PathBuf>,
    /// Where runs are kept [default: $XDG_STATE_HOME/jump or ~/.local/state/jump]
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

impl NodeArgs {
    /// How to reach `node`'s old or new system.
    pub(crate) fn route(&self, node: &str) -> Route {
        Route {
            host: node.to_owned(),
            config: self.ssh_config.clone(),
            keys: HostKeys::Admins,
        }
    }

    /// Where runs are kept.
    pub(crate) fn state(&self) -> Result<StateDir, Trouble> {
        StateDir::find(self.state_dir.as_deref())
            .map_err(|error| Trouble::failed("state-dir", &error))
    }

    /// The program that goes to the node.
    pub(crate) fn jumpinit(&self) -> Result<Vec<u8>, Trouble> {
        let path = match &self.jumpinit {
            Some(path) => path.clone(),
            None => std::env::current_exe()
                .map(|program| program.with_file_name("jumpinit"))
                .map_err(|error| {
                    Trouble::new(
                        Exit::Usage,
                        "jumpinit-missing",
                        format!("cannot tell where this program is: {error}"),
                    )
                })?,
        };
        fs::read(&path).map_err(|error| {
            Trouble::new(
                Exit::Usage,
                "jumpinit-missing",
                format!("cannot read {}: {error}", path.display()),
            )
            .hint("name the static jumpinit with --jumpinit PATH (`cargo xtask dist` makes it)")
        })
    }
}

/// A node's name, as ssh takes it.
pub(crate) fn node_name(text: &str) -> Result<String, String> {
    let sound = !text.is_empty()
        && !text.starts_with('-')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    if sound {
        Ok(text.to_owned())
    } else {
        Err("not a host name".to_owned())
    }
}

/// Does the same with all nodes, one after another; a node that fails does not stop the next, Ctrl-C
/// does.
pub(crate) fn each(
    nodes: &[String],
    json: bool,
    mut act: impl FnMut(&str, &mut Voice) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let mut exits = Vec::new();
    for node in nodes {
        let mut voice = Voice::new(node, json);
        let done = act(node, &mut voice).and_then(|()| voice.end());
        let exit = done.map_err(|trouble| voice.trouble(&trouble));
        exits.push(exit);
        if exit == Err(Exit::Interrupted) {
            break;
        }
    }
    sum(&exits)
}

/// What several nodes come to: the one's own exit code, 3 when all were refused, 4 when
/// only some are done.
fn sum(exits: &[Result<(), Exit>]) -> Result<(), Trouble> {
    let Some(first) = exits.iter().find_map(|exit| exit.err()) else {
        return Ok(());
    };
    let all = |wanted: Exit| exits.iter().all(|exit| *exit == Err(wanted));
    let exit = match exits {
        _ if exits.contains(&Err(Exit::Interrupted)) => Exit::Interrupted,
        [_] => first,
        _ if all(Exit::Refused) => Exit::Refused,
        _ => Exit::SomeNodes,
    };
    Err(Trouble::told(exit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_ssh_are_not_node_names() {
        assert!(node_name("-oProxyCommand=x").is_err());
        assert!(node_name("root@node07").is_ok());
    }

    #[test]
    fn one_refused_of_two_is_a_run_that_some_did_not_finish() {
        let exit = |exits: &[Result<(), Exit>]| sum(exits).map_err(|trouble| trouble.exit);
        assert_eq!(exit(&[Ok(()), Err(Exit::Refused)]), Err(Exit::SomeNodes));
        assert_eq!(
            exit(&[Err(Exit::Refused), Err(Exit::Refused)]),
            Err(Exit::Refused)
        );
        assert_eq!(exit(&[Err(Exit::Failed)]), Err(Exit::Failed));
        assert_eq!(exit(&[Ok(()), Ok(())]), Ok(()));
    }
}
