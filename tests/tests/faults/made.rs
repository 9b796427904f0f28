//! Nodes whose landing partition is made in free room: it is there for the run alone.

use anyhow::{Context as _, Result, ensure};
use jump_tests::machines::disk;
use jumplab::experiments::faults::End;
use jumplab::journey::Push;
use jumplab::small::Checkpoint;
use jumplab::vm::Guest as _;
use jumplab::vm::loader::Choice;
use jumpsys::disk::partition::read_table;

use crate::bench::Bench;
use crate::lab::{BOOT, Lab};
use crate::old::{push, wait_for};

/// The partitions of the node's disk, by number.
fn numbers(lab: &Lab) -> Result<Vec<u32>> {
    let table = read_table(&lab.node.node.disk)?;
    Ok(table.partitions().iter().map(|it| it.number).collect())
}

/// A push that is cut when the partition has just been made.
fn cut_when_made(lab: &Lab) -> Result<()> {
    let (old, first) = push(lab)?;
    wait_for(lab, &first, &[r#""done""#, r#""step":"add-landing""#])?;
    old.kill()?;
    drop(first);
    ensure!(numbers(lab)? == [1, 2, 3], "{:?}", numbers(lab)?);
    Ok(())
}

/// The next push takes the partition for its own, and it is gone in the end.
pub(crate) fn cut(bench: &mut Bench) -> Result<()> {
    let fault = "power cut when the landing partition was made";
    let lab = bench.node_without_swap(Checkpoint::Fresh, fault)?;
    cut_when_made(&lab)?;
    bench.ends(&lab, End::Old)?;
    let (old, second) = push(&lab)?;
    let ended = old.wait_for_end(BOOT);
    ended.with_context(|| second.said().unwrap_or_default())?;
    drop(second);
    bench.ends(&lab, End::New)?;
    // The third is the one that the job makes.
    ensure!(numbers(&lab)? == [1, 2, 4], "{:?}", numbers(&lab)?);
    Ok(())
}

/// An abort after a cut, and a rehearsal: the disk's first sector is what it was, to the byte.
pub(crate) fn taken_back(bench: &mut Bench) -> Result<()> {
    let fault = "abort after the landing partition was made";
    let lab = bench.node_without_swap(Checkpoint::Fresh, fault)?;
    let before = disk::sectors(&lab.node.node, 0, 1)?;
    cut_when_made(&lab)?;
    let mut old = lab.boot(Choice::Old)?;
    old.wait_for_ssh(BOOT)?;
    let abort = lab.node.job.command("abort", old.ssh_config(), &["--yes"]);
    let log = lab.node.node.folder.join("abort.log");
    let mut abort = Push::start(lab.network.inside(&abort), &log)?;
    let (ended, said) = abort.wait(BOOT)?;
    ensure!(ended.success(), "{ended}\n{said}");
    let known = old.ssh("grep -c 'ubda3' /proc/partitions; true")?;
    ensure!(known.trim() == "0", "the kernel still has it: {known}");
    old.kill()?;
    ensure!(
        disk::sectors(&lab.node.node, 0, 1)? == before,
        "the table is another"
    );
    bench.ends(&lab, End::Old)?;

    let mut old = lab.boot(Choice::Old)?;
    old.wait_for_ssh(BOOT)?;
    let options = ["--yes", "--rehearse"];
    let rehearsal = lab.node.job.push(old.ssh_config(), &options);
    let log = lab.node.node.folder.join("rehearsal.log");
    let mut rehearsal = Push::start(lab.network.inside(&rehearsal), &log)?;
    let ended = old.wait_for_end(BOOT);
    ended.with_context(|| rehearsal.said().unwrap_or_default())?;
    lab.pass(Choice::Jump)?;
    let old = lab.boot(Choice::Old)?;
    let (ended, said) = rehearsal.wait(BOOT)?;
    ensure!(ended.success(), "{ended}\n{said}");
    old.kill()?;
    ensure!(
        disk::sectors(&lab.node.node, 0, 1)? == before,
        "the table is another"
    );
    bench.ends(&lab, End::Old).map(drop)
}
