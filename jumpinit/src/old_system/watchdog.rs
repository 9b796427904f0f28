//! The machine's watchdog while kexec starts a jump system: armed by the old system, petted until its
//! shutdown kills whoever does, and left running.

use std::path::Path;
use std::thread::park;
use std::time::Duration;

use anyhow::{Result, anyhow};
use jumpsys::cmd::Program;
use jumpsys::kernel::process::{self, Oom};
use jumpsys::kernel::sysfs;
use jumpsys::kernel::watchdog::Watchdog;

use crate::node::facts;

/// Seconds for the end of the shutdown, and for the jump system's kernel until its own driver has it.
const PATIENCE: u32 = 300;
/// What the keeper says once it runs.
const READY: &str = "watching";
/// How long it may take until it does.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Starts it, where the machine has one.
pub(crate) fn start() -> Result<()> {
    if facts::watchdogs()?.is_empty() {
        return Ok(());
    }
    let keeper = Program::new("/proc/self/exe").arg("keep-watchdog");
    Ok(keeper.start_detached(READY, READY_LIMIT)?)
}

/// Its life. A watchdog whose holder is killed goes on (the kernel's watchdog-api.rst, "magic close").
pub(crate) fn keep() -> Result<()> {
    // Without these it keeps all the same, if less surely.
    process::when_out_of_memory(Oom::Spare).ok();
    process::leave_cgroups(Path::new(process::CGROUPS));
    let found = sysfs::watchdogs(Path::new(sysfs::SYS))?;
    let mut failed = None;
    for watchdog in found.into_iter().filter(facts::is_hardware) {
        match Watchdog::arm(&Path::new("/dev").join(watchdog.name), PATIENCE) {
            Ok(armed) => pet_until_killed(&armed),
            // Somebody else may have it.
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.map_or_else(|| anyhow!("the machine has no watchdog"), Into::into))
}

fn pet_until_killed(_armed: &Watchdog) -> ! {
    println!("{READY}");
    loop {
        park();
    }
}
