//! A landing partition that is made for the run, in room that belongs to none, and removed at its end.
//! Whatever is cut off, there is none, or one with a journal that says whose it is.

use anyhow::{Context as _, Result, bail};
use jumpspec::disk::{Partition, SECTOR, Slot};
use jumpspec::run::failure::Code;
use jumpspec::run::journal::RESERVED_BYTES;
use jumpsys::disk::durable;
use jumpsys::disk::partition::{add_partition, read_table, remove_partition};
use jumpsys::disk::partnodes::{kernel_partitions, sync_kernel_partitions};

use super::landing::refuse_changed_landing;
use crate::node::cause::Cause;
use crate::node::journal::Ledger;
use crate::run::context::Context;

/// Adds the partition to the table and tells the kernel. What the room holds at its ends, of a
/// partition that once was there, goes first, and the journal comes first.
pub(crate) fn add(cx: &mut Context) -> Result<()> {
    let partition = planned(cx)?;
    let slot = partition.slot();
    let table = read_table(&cx.landing_disk)?;
    if table.partitions().iter().all(|it| it.slot() != slot) {
        refuse_taken(cx, table.kernel_extents(), slot)?;
        let extent = partition.extent();
        let (start, end) = (extent.start * SECTOR, extent.end() * SECTOR);
        let zeros = vec![0; usize::try_from(RESERVED_BYTES)?];
        for at in [start, end - RESERVED_BYTES] {
            durable::write_at(&cx.landing_disk, at, &zeros)?;
        }
        Ledger::open(&cx.landing_disk, end)?.write(cx.journal())?;
    }
    // Also where it is there: a cut may have left one copy of a GPT without it.
    add_partition(&cx.landing_disk, &partition)?;
    let mut known = kernel_partitions(&cx.landing_disk)?;
    if !known.contains(&slot) {
        known.push(slot);
        sync_kernel_partitions(&cx.landing_disk, &known)?;
    }
    cx.reread()?;
    refuse_changed_landing(cx)
}

/// The room must be what the planner saw before anything is written to it: what somebody has made there
/// since is his.
fn refuse_taken(cx: &Context, mut there: Vec<Slot>, slot: Slot) -> Result<()> {
    there.extend(kernel_partitions(&cx.landing_disk)?);
    let in_the_way = |it: &&Slot| it.number == slot.number || it.extent.overlaps(slot.extent);
    let Some(taken) = there.iter().find(in_the_way) else {
        return Ok(());
    };
    let why = format!(
        "partition {} of {} is where room was free when the plan was made",
        taken.number,
        cx.landing_disk.display()
    );
    bail!(Cause::new(Code::DiskChanged, why))
}

/// Removes the partition, which holds nothing any more, from the table and from the kernel. The table
/// first: a journal in free room is nobody's, and a partition without one would be.
pub(super) fn remove(cx: &mut Context) -> Result<()> {
    let slot = planned(cx)?.slot();
    remove_partition(&cx.landing_disk, slot)?;
    cx.forget()?;
    let mut known = kernel_partitions(&cx.landing_disk)?;
    if known.contains(&slot) {
        known.retain(|it| *it != slot);
        sync_kernel_partitions(&cx.landing_disk, &known)?;
    }
    Ok(())
}

fn planned(cx: &Context) -> Result<Partition> {
    let landing = &cx.plan.landing;
    let mut before = cx.plan.landing_disk().before.iter();
    let found = before.find(|it| it.number == landing.number);
    let found = found.filter(|it| it.extent() == landing.extent());
    Ok(found
        .context("the plan does not have its landing partition on the disk")?
        .unchanged())
}
