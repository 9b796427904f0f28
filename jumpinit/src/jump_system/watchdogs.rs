//! What frees a node whose jump system hangs: watchdogs, and a deadline for the proof.
//!
//! systemd pets the hardware's watchdog (`systemd.watchdog_sec=` on the kernel's command
//! line), which catches a kernel or an init that hangs. This program pets another one,
//! which catches this program.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpsys::kernel::watchdog::{self, Watchdog};

use crate::run::reporter::Reporter;

/// Seconds until a machine whose jump system hangs is reset; a loaded disk may hold the
/// petting thread up for some.
const PATIENCE: u32 = 60;
/// The kernel's own watchdog, which works as long as the kernel does: below
/// `/lib/modules/RELEASE/`, in the order in which they need each other.
const SOFTDOG: [&str; 2] = [
    "kernel/drivers/watchdog/watchdog.ko",
    "kernel/drivers/watchdog/softdog.ko",
];

/// Arms a watchdog that nobody else holds. Without any, that is told.
pub(crate) fn arm(reporter: &mut Reporter) -> Option<Watchdog> {
    let armed = free_watchdog().map_or_else(software_watchdog, Ok);
    match armed {
        Ok(watchdog) => Some(watchdog),
        Err(error) => {
            reporter.note(format!(
                "no watchdog: a jump system that hangs stays hung: {error:#}"
            ));
            None
        }
    }
}

fn free_watchdog() -> Option<Watchdog> {
    let devices = watchdog::devices().unwrap_or_default();
    devices
        .iter()
        .find_map(|device| Watchdog::arm(device, PATIENCE).ok())
}

fn software_watchdog() -> Result<Watchdog> {
    let release = jumpsys::kernel::system::kernel()?.release;
    let modules = Path::new("/lib/modules").join(release);
    let before = watchdog::devices().unwrap_or_default();
    // What is no file is built in, or is missed by what comes after it.
    let there = SOFTDOG.map(|module| modules.join(module));
    for module in there.iter().filter(|module| module.exists()) {
        jumpsys::kernel::module::load(module)?;
    }
    let fresh = |device: &PathBuf| !before.contains(device);
    let devices = watchdog::devices()?;
    let device = devices.into_iter().find(fresh);
    let device = device.context("softdog is loaded and gives no device")?;
    Ok(Watchdog::arm(&device, PATIENCE)?)
}

/// Stops it, as well as the driver lets itself be stopped.
pub(crate) fn disarm(watchdog: Option<Watchdog>, reporter: &mut Reporter) {
    if let Some(Err(error)) = watchdog.map(Watchdog::disarm) {
        reporter.note(format!("the watchdog may reset this node: {error}"));
    }
}
