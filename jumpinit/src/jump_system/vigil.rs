//! Watches over a jump system whose init never comes to `/etc/rc.local`: one that stands
//! in an emergency shell, or waits for a unit for ever. A unit of its own, which needs
//! nothing but the root file system, runs it from early on.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use jumpspec::places;
use jumpsys::kernel::restart::{RebootVia, reboot};
use jumpsys::kernel::system::uptime_ms;

use crate::node::bundle::read_plan;
use crate::node::landing::leads_back;
use crate::run::reporter::Reporter;

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
    if has_begun || !leads_back() {
        return Ok(());
    }
    Reporter::to_console().note(format!(
        "the jump system has not begun after {} s: back to the old system",
        limit.as_secs()
    ));
    Ok(reboot(RebootVia::Kernel)?)
}
