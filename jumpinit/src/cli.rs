//! The command line. `jumpimg` is who calls it; people see it when they look for help.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};
use jumpspec::job::CopyWish;
use jumpspec::step::ImageRole;
use jumpspec::words::relpath::RelPath;
use jumpspec::words::shown;
use serde::Serialize;

use crate::hand::extract::ExtractArgs;

/// Carries a jump plan out on a node. `jumpimg push` uploads this program and calls it;
/// as /etc/rc.local it is the jump system's whole work.
#[derive(Debug, Parser)]
#[command(
    name = "jumpinit",
    version,
    about,
    after_help = "Examples:\n  jumpinit facts --save etc/ssh --save root\n  jumpinit status"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what this node is, as JSON
    Facts {
        /// Also measure this path, which is to be saved
        #[arg(long, value_name = "PATH")]
        save: Vec<RelPath>,
        /// Also say whether there is a program at this path, which a hook is run by
        #[arg(long, value_name = "PATH")]
        interpreter: Vec<PathBuf>,
        /// Also look at this copy, a JSON object with `from` and `to` as in the job
        #[arg(long, value_name = "COPY", value_parser = parse_copy)]
        copy: Vec<CopyWish>,
    },
    /// Print which system this is and how far a run has come, as JSON
    Status,
    /// Fill the landing partition, from where the journal stands; nothing boots it yet
    Stage {
        /// The directory with bundle and toolbox
        #[arg(long)]
        work: PathBuf,
    },
    /// Take the bytes of an image from standard input
    Receive {
        /// The directory with bundle and toolbox
        #[arg(long, required_unless_present = "run")]
        work: Option<PathBuf>,
        /// The run whose jump system waits for the image, in memory
        #[arg(long, value_name = "ID", conflicts_with = "work")]
        run: Option<String>,
        /// Which image
        #[arg(long)]
        image: Image,
        /// The byte of the image that comes first
        #[arg(long)]
        offset: u64,
    },
    /// Turn the boot sector of a node that is staged: jump once
    Arm {
        /// The directory with bundle and toolbox
        #[arg(long)]
        work: PathBuf,
    },
    /// Take an arm back that has stood for too long; `arm` starts this
    KeepArm {
        /// The directory with the bundle
        #[arg(long)]
        work: PathBuf,
    },
    /// Keep the machine's watchdog running until the jump system has it; `reboot` starts this
    KeepWatchdog,
    /// Stop swapping to a device, and be killed first if memory runs out; `stage` starts this
    SwapOff {
        /// The device
        device: PathBuf,
    },
    /// Order the reboot that a node is armed for
    Reboot {
        /// The directory with the bundle
        #[arg(long)]
        work: PathBuf,
    },
    /// Restore loader and swap of the old system while nothing is replaced
    TakeBack {
        /// A directory with bundle or plan; besides, the plan on the landing partition counts
        #[arg(long)]
        work: Option<PathBuf>,
        /// The run that is taken back, and no other
        #[arg(long, value_name = "ID")]
        run: Option<String>,
    },
    /// Take the admin host's secret from standard input: it has logged in
    Hello,
    /// In the jump system, before its commit: reboot into the old system
    TurnBack {
        /// The run that is meant, and no other
        #[arg(long, value_name = "ID")]
        run: String,
    },
    /// In a jump system that gave up: replace anew, after a reboot
    Resume {
        /// The run that is meant, and no other
        #[arg(long, value_name = "ID")]
        run: String,
    },
    /// In a jump system that gave up: put the bundle's plan and image in the place of its own
    Exchange {
        /// The directory with the bundle
        #[arg(long)]
        work: PathBuf,
    },
    /// Print what the node keeps of the run that is under way, as JSON
    Kept,
    /// Print the log of the run that is under way, or of the last one
    Events {
        /// What the jump system could read of a boot of the new system that failed
        #[arg(long)]
        failed_boot: bool,
    },
    /// Go back if the jump system has not begun in time; a unit of its own calls this
    Vigil,
    /// Make one attempt to replace the old system; the jump system's /etc/rc.local calls this
    Replace,
    /// Confirm the new system and finish; its first-boot unit calls this
    Finish,
    /// Go back to the jump system unless the new one is confirmed in time; a unit calls this
    Deadline,
    /// Unpack an image or another archive below a directory
    #[command(after_help = EXTRACT)]
    Extract(ExtractArgs),
}

const EXTRACT: &str = "\
Every entry is made anew and below DIRECTORY; what cannot be kept exactly is refused.

Examples:
  jumpinit extract node.tar.zst /mnt
  xz -dc old.tar.xz | jumpinit extract - /mnt

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused: DIRECTORY then holds a part.";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Image {
    Jump,
    Target,
}

impl From<Image> for ImageRole {
    fn from(image: Image) -> Self {
        match image {
            Image::Jump => Self::Jump,
            Image::Target => Self::Target,
        }
    }
}

impl Cli {
    /// Does what the command line says.
    pub(crate) fn run(self) -> Result<()> {
        match self.command {
            Command::Facts {
                save,
                interpreter,
                copy,
            } => print(&crate::node::facts::gather(&save, &interpreter, &copy)?),
            Command::Status => {
                crate::node::view::narrow()?;
                print(&crate::node::status::read()?)
            }
            Command::Stage { work } => crate::old_system::stage::run(&work),
            Command::Receive {
                work,
                run,
                image,
                offset,
            } => match (work, run) {
                (Some(work), _) if crate::jump_system::resume::is_here() => {
                    crate::jump_system::resume::receive(&work, offset)
                }
                (Some(work), _) => crate::old_system::stage::receive(&work, image.into(), offset),
                (None, run) => crate::jump_system::resume::receive_awaited(
                    &run.unwrap_or_default(),
                    image.into(),
                    offset,
                ),
            },
            Command::Arm { work } => crate::old_system::arm::run(&work),
            Command::KeepArm { work } => crate::old_system::arm::keep(&work),
            Command::KeepWatchdog => crate::old_system::watchdog::keep(),
            Command::SwapOff { device } => crate::steps::landing::swap_off_first_to_die(&device),
            Command::Reboot { work } => crate::old_system::arm::reboot(&work),
            Command::TakeBack { work, run } => {
                crate::old_system::take_back::run(work.as_deref(), run.as_deref())
            }
            Command::Hello => crate::orders::admin_mark::run(),
            Command::TurnBack { run } => crate::jump_system::resume::turn_back(&run),
            Command::Resume { run } => crate::jump_system::resume::resume(&run),
            Command::Exchange { work } => crate::jump_system::resume::exchange(&work),
            Command::Kept => {
                crate::node::view::narrow()?;
                print(&crate::node::records::read()?)
            }
            Command::Events { failed_boot } => {
                crate::node::view::narrow()?;
                crate::node::records::print_log(failed_boot)
            }
            Command::Vigil => crate::jump_system::vigil::keep(),
            Command::Replace => crate::jump_system::attempt::run(),
            Command::Finish => crate::new_system::main::run(),
            Command::Deadline => crate::new_system::deadline::run(),
            Command::Extract(args) => crate::hand::extract::run(&args),
        }
    }
}

fn parse_copy(text: &str) -> Result<CopyWish, serde_json::Error> {
    serde_json::from_str(text)
}

fn print(value: &impl Serialize) -> Result<()> {
    println!("{}", shown::json(&serde_json::to_string(value)?));
    Ok(())
}
