//! What every command needs that talks to nodes, as its options have it: read and resolved once, for
//! all nodes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Exit, Trouble};
use crate::node::args::NodeArgs;
use crate::node::run_dir::StateDir;
use crate::node::ssh::{HostKeys, Route};
use crate::terminal::interrupt::Interrupt;

/// The tools of one command.
pub(crate) struct Tools {
    /// Whether programs read what is printed, one JSON object a line.
    pub(crate) json: bool,
    /// What ssh reads in the place of its usual files.
    pub(crate) ssh_config: Option<PathBuf>,
    /// Where runs are kept.
    pub(crate) state: StateDir,
    /// The program that goes to the node.
    pub(crate) jumpinit: Arc<[u8]>,
    pub(crate) interrupt: Interrupt,
    /// Whether Ctrl-C leaves also ssh alone, which it reaches by itself.
    apart: bool,
}

impl Tools {
    /// Finds and reads what the options name, or what stands where they name nothing.
    pub(crate) fn resolve(args: &NodeArgs) -> Result<Self, Trouble> {
        let connection = &args.connection;
        let state = StateDir::find(connection.state_dir.as_deref());
        Ok(Self {
            json: connection.json,
            ssh_config: connection.ssh_config.clone(),
            state: state.map_err(|error| Trouble::failed("state-dir", &error))?,
            jumpinit: jumpinit(args.jumpinit.as_deref())?.into(),
            interrupt: Interrupt::listen()?,
            apart: false,
        })
    }

    /// The same tools, which Ctrl-C leaves alone.
    pub(crate) fn undisturbed(&self) -> Self {
        Self {
            json: self.json,
            ssh_config: self.ssh_config.clone(),
            state: self.state.clone(),
            jumpinit: Arc::clone(&self.jumpinit),
            interrupt: Interrupt::never(),
            apart: true,
        }
    }

    /// How to reach `node`'s old or new system.
    pub(crate) fn route(&self, node: &str) -> Route {
        Route {
            host: node.to_owned(),
            config: self.ssh_config.clone(),
            keys: HostKeys::Admins,
            apart: self.apart,
        }
    }
}

/// Reads the program that goes to the node: the one at `given`, or the one beside this program.
fn jumpinit(given: Option<&Path>) -> Result<Vec<u8>, Trouble> {
    let missing = |why: String| Trouble::new(Exit::Usage, "jumpinit-missing", why);
    let path = match given {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()
            .map(|program| program.with_file_name("jumpinit"))
            .map_err(|error| missing(format!("cannot tell where this program is: {error}")))?,
    };
    fs::read(&path).map_err(|error| {
        missing(format!("cannot read {}: {error}", path.display()))
            .hint("name the static jumpinit with --jumpinit PATH (`cargo xtask dist` makes it)")
    })
}
