//! Options of the commands that talk to nodes, as they are typed. What follows from them is in
//! [`super::tools`].

use std::path::PathBuf;

use clap::Args;

/// Options of all commands that log in to other hosts.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConnectionArgs {
    /// Read this ssh_config instead of the usual ones
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// Print one JSON object a line on stdout
    #[arg(long)]
    pub(crate) json: bool,
    /// Where runs are kept [default: $XDG_STATE_HOME/jump or ~/.local/state/jump]
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// Options of all commands that talk to nodes.
#[derive(Args, Clone, Debug)]
pub(crate) struct NodeArgs {
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
    /// The static jumpinit to use on the node [default: beside this program]
    #[arg(long, value_name = "PATH")]
    pub(crate) jumpinit: Option<PathBuf>,
}
