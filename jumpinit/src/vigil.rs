//! Watches over a jump system whose init never comes to `/etc/rc.local`: one that stands
//! in an emergency shell, or waits for a unit for ever. A unit of its own, which needs
//! nothing but the root file system, runs it from early on.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use jumpspec::places;
use jumpspec::selector::State;
use jumpsys::restart::{RebootVia, reboot};
use jumpsys::root::{Owner, Root};

use crate::context::read_plan;
use crate::reporter::{Reporter, uptime_ms};
use crate::selector;

const NAME: &str = "etc/systemd/system/jump-vigil.service";
const WANTS: &str = "etc/systemd/system/sysinit.target.wants/jump-vigil.service";
/// Needs nothing, and outlives what an emergency stops.
const UNIT: &str = "\
[Unit]
Description=Go back to the old system if the jump system never begins
DefaultDependencies=no
IgnoreOnIsolate=yes

[Service]
Type=exec
ExecStart=/etc/rc.local vigil
";

/// Puts the unit into the jump system.
pub(crate) fn install(root: &Root) -> Result<()> {
    root.write(NAME, UNIT.as_bytes(), Owner::root(0o644))?;
    root.symlink(WANTS, &format!("/{NAME}"))?;
    Ok(())
}

/// Says that the jump system has begun its work.
pub(crate) fn begun(reporter: &mut Reporter) {
    if let Err(error) = std::fs::write(Path::new("/").join(places::BEGUN), "") {
        reporter.note(format!("cannot write /{}: {error}", places::BEGUN));
    }
}

/// Waits as long as the proof may take. If the work has not begun by then and the
/// selector has turned to the old system, which is whole, reboots into it.
pub(crate) fn keep() -> Result<()> {
    let plan = read_plan(&Path::new("/").join(places::PLAN))?;
    let limit = plan.wait.prove.0;
    std::thread::sleep(limit.saturating_sub(Duration::from_millis(uptime_ms())));
    let has_begun = Path::new("/").join(places::BEGUN).exists();
    if has_begun || selector::read_state(Path::new("/")) != Some(State::Old) {
        return Ok(());
    }
    Reporter::to_console().note(format!(
        "the jump system has not begun after {} s: back to the old system",
        limit.as_secs()
    ));
    Ok(reboot(RebootVia::Kernel)?)
}
