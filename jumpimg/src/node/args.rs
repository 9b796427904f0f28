//! Options of the commands that talk to nodes, as they are typed. What follows from them is in
//! [`super::tools`].

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jumpspec::planner::{Hangs, Rehearsal};

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

/// Options of a push that is only tried.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RehearsalArgs {
    /// Only try: the node reboots into the jump system, which proves itself and reboots into the
    /// old one, where everything is made as it was. With =ram kexec starts the jump system in memory, in
    /// seconds: it shows nothing of firmware and loader, and nothing is written to any partition
    #[arg(
        long,
        value_name = "HOW",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "firmware"
    )]
    rehearse: Option<How>,
    /// With --rehearse=ram: also on a node without a hardware watchdog, where somebody can turn the
    /// power off and on
    #[arg(long, requires = "rehearse")]
    without_watchdog: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// By firmware and loader, as a push goes
    Firmware,
    /// By kexec, in memory
    Ram,
}

impl RehearsalArgs {
    /// Which rehearsal it is, if it is one.
    pub(crate) fn rehearsal(self) -> Option<Rehearsal> {
        let hangs = if self.without_watchdog {
            Hangs::Hand
        } else {
            Hangs::Watchdog
        };
        Some(match self.rehearse? {
            How::Firmware => Rehearsal::Firmware,
            How::Ram => Rehearsal::InMemory(hangs),
        })
    }
}
