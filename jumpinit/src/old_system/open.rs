//! The run that an order on the old system is for.

use std::path::Path;

use anyhow::Result;
use jumpspec::places;
use jumpspec::plan::Plan;
use jumpspec::run::arm;
use jumpsys::kernel::system::boot_id;
use jumpsys::lock::RunLock;

use crate::node::bundle;
use crate::node::facts::{gather_disks, gather_uefi, jump_in_progress};
use crate::node::lock::{self, Forbidden};
use crate::run::context::Context;
use crate::run::reporter::Reporter;

/// The run of the bundle in `work`, if this is the boot that its plan was made in.
pub(super) fn run(work: &Path) -> Result<(RunLock, Context)> {
    let bundle = bundle::read(work)?;
    let lock = lock::lock(&bundle.plan.run)?;
    arm::in_its_boot(&bundle.plan, &boot_id()?).map_err(Forbidden::from)?;
    refuse_other_run(&bundle.plan)?;
    let cx = Context::new(
        bundle.plan,
        work.join(places::LANDING),
        Reporter::to_stdout(),
    )?;
    Ok((lock, cx.with_work(work)))
}

/// A run that another admin host has begun since the plan was made is not run over; what a dead
/// one has left is.
fn refuse_other_run(plan: &Plan) -> Result<()> {
    let disks = gather_disks()?;
    match jump_in_progress(&disks) {
        Some(jump) if jump.is_under_way(&disks, gather_uefi(&disks).as_ref()) => {
            Ok(lock::refuse_other(&jump.run, &plan.run)?)
        }
        _ => Ok(()),
    }
}
