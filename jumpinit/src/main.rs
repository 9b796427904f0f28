//! jumpinit: the one program that runs on a node, in all three systems. `jumpimg` uploads
//! it to the old one; it is `/etc/rc.local` itself in the jump system; a unit starts it
//! at the new system's first boot.

mod boot;
mod cli;
mod conduct;
mod hand;
mod jump_system;
mod new_system;
mod node;
mod old_system;
mod orders;
mod run;
mod steps;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;
use hand::extract::Refused;
use jumpspec::run::exit::NodeExit;
use jumpspec::words::shown;
use jumpsys::lock::LockError;
use node::lock::Forbidden;

fn main() -> ExitCode {
    let done = if is_rc_local() {
        jump_system::main::run()
    } else {
        cli::Cli::parse().run()
    };
    match done {
        Ok(()) => NodeExit::Done.status().into(),
        Err(error) => {
            eprintln!("error: {}", shown::line(&format!("{error:#}")));
            if let Some(hint) = refused(&error).and_then(Refused::hint) {
                eprintln!("hint: {hint}");
            }
            exit(&error).status().into()
        }
    }
}

/// That another call is still at work is no failure of this one: `jumpimg` tries again.
fn exit(error: &anyhow::Error) -> NodeExit {
    let busy = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(LockError::Held { .. }))
    };
    if error.chain().any(busy) {
        NodeExit::Busy
    } else if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
        forbidden.exit()
    } else if refused(error).is_some() {
        NodeExit::Refused
    } else {
        NodeExit::Failed
    }
}

fn refused(error: &anyhow::Error) -> Option<&Refused> {
    error.downcast_ref()
}

/// Called as `/etc/rc.local`, without argument (sysvinit) or with `start` (systemd's
/// rc-local.service); with any other it is the ordinary program.
fn is_rc_local() -> bool {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_default();
    let is_rc_local = Path::new(&name)
        .file_name()
        .is_some_and(|name| name == "rc.local");
    is_rc_local && arguments.next().is_none_or(|argument| argument == "start")
}
