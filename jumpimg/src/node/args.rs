//! Options of the commands that talk to nodes, and what follows from them: the way to a node, the
//! program that goes there, where runs are kept.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use crate::error::{Exit, Trouble};
use crate::node::run_dir::StateDir;
use crate::node::ssh::{HostKeys, Route};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_ssh_are_not_node_names() {
        assert!(node_name("-oProxyCommand=x").is_err());
        assert!(node_name("root@node07").is_ok());
    }
}
