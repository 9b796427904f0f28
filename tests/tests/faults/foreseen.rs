//! What would have gone wrong later, and is refused by `jumpimg check` on a running node.

use anyhow::{Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::small::Checkpoint;
use jumplab::vm::copy_sparse;
use jumpspec::planner::refusal::RefusalCode;

use crate::bench::Bench;
use crate::check::Asked;

/// The landing partition, as the old system calls it.
const LANDING: &str = "/dev/ubda1";
/// Files in memory, more than the guest has (256 MiB): the rest is swapped out, and would not fit back.
const FILL_MEMORY: &str = "mkdir -p /run/full && mount -t tmpfs -o size=400m full /run/full && \
    dd if=/dev/urandom of=/run/full/it bs=1M count=330 status=none";

/// Nobody knows what it is: neither this program nor blkid.
pub(crate) fn unknown_content(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "contents that nobody knows")?;
    lab.node.job.set("landing", "partition", LANDING)?;
    let asked = Asked::start(&lab)?;
    let put = format!(
        "swapoff -a; dd if=/dev/zero of={LANDING} bs=1M count=1 2>&-; \
         printf 'a file system of tomorrow' | dd of={LANDING} bs=512 seek=3 conv=notrunc 2>&-; sync"
    );
    asked.refused(
        bench,
        "a landing partition with contents that nobody knows",
        &put,
        RefusalCode::LandingHoldsData,
    )?;
    asked.end()
}

/// swapoff would need more memory than there is.
pub(crate) fn memory(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "swap in use that memory cannot take")?;
    let asked = Asked::start(&lab)?;
    asked.refused(
        bench,
        "swap in use that memory cannot take",
        FILL_MEMORY,
        RefusalCode::SwapInUse,
    )?;
    asked.end()
}

/// By its UUIDs nobody can tell which device a boot would take: the plan goes by other names, and says so.
pub(crate) fn clone(bench: &mut Bench) -> Result<()> {
    let fault = "a copy of the disk in the same node";
    let mut lab = bench.node(Checkpoint::Fresh, fault)?;
    let copy = lab.node.node.folder.join("copy.img");
    copy_sparse(&lab.node.node.disk, &copy)?;
    lab.board.behind = vec![(copy, "COPY".to_owned())];
    let asked = Asked::start(&lab)?;
    let (exit, said) = asked.check()?;
    ensure!(exit == Some(0), "{exit:?}: {said}");
    for wanted in [
        "has GRUB's boot sector too",
        "stands for another device of this node",
    ] {
        ensure!(said.contains(wanted), "no {wanted:?} in {said}");
    }
    bench.checked(fault, End::Told, "its swap gets another UUID");
    asked.end()
}

/// A limit that only a step would have met, long after the commit.
pub(crate) fn limits(bench: &mut Bench) -> Result<()> {
    let fault = "a wait that is over before it begins";
    let lab = bench.node(Checkpoint::Fresh, fault)?;
    lab.node.job.append("\n[wait]\nhealth = \"0s\"\n")?;
    let asked = Asked::start(&lab)?;
    asked.refused(bench, fault, "true", RefusalCode::WaitOutOfBounds)?;
    asked.end()
}

/// The kernel goes on with the table that it read when the disk was found.
pub(crate) fn stale_table(bench: &mut Bench) -> Result<()> {
    let fault = "a partition table that the kernel has not read again";
    let lab = bench.node(Checkpoint::Fresh, fault)?;
    let asked = Asked::start(&lab)?;
    // Byte 12 of the third entry of an MBR (at byte 446) is the least of the partition's length.
    let change = "printf '\\001' | dd of=/dev/ubda bs=1 seek=490 conv=notrunc 2>&-; sync";
    asked.refused(bench, fault, change, RefusalCode::PartitionTableStale)?;
    asked.end()
}
