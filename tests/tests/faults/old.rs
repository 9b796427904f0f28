//! Faults while the old system is being staged.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::images;
use jumplab::journey::Push;
use jumplab::small::Checkpoint;
use jumplab::vm::loader::Choice;
use jumplab::vm::{Guest as _, Uml, copy_sparse, until_every};

use crate::bench::Bench;
use crate::edit;
use crate::lab::{BOOT, Lab};

/// Bytes at the beginning of the landing partition that are wiped before anything is made there.
const WIPED: u64 = 128 << 10;

/// A running old system and what is pushed to it.
pub(crate) fn push(lab: &Lab) -> Result<(Uml<'_>, Push)> {
    let mut old = lab.boot(Choice::Old)?;
    old.wait_for_ssh(BOOT)?;
    let push = lab.node.job.push(old.ssh_config(), &["--yes"]);
    let log = lab.node.node.folder.join("push.log");
    Ok((old, Push::start(lab.network.inside(&push), &log)?))
}

/// Waits until the node has told an event with those words.
pub(crate) fn wait_for(lab: &Lab, push: &Push, words: &[&str]) -> Result<()> {
    let told = || {
        // There are none before the plan is made.
        let events = std::fs::read_to_string(lab.node.run_folder().join("events.jsonl"));
        let events = events.unwrap_or_default();
        let has_all = |line: &str| words.iter().all(|word| line.contains(word));
        Ok(events.lines().any(has_all))
    };
    let waited = until_every(Duration::from_millis(10), &words.join(", "), BOOT, told);
    waited
        .with_context(|| push.said().unwrap_or_default())
        .map(drop)
}

/// The old system is as it was, and the next push is as good as the first.
pub(crate) fn power_cut(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(
        Checkpoint::Fresh,
        "power cut while the jump image is unpacked",
    )?;
    let (old, first) = push(&lab)?;
    wait_for(&lab, &first, &[r#""begin""#, r#""step":"unpack-jump""#])?;
    old.kill()?;
    drop(first);
    bench.ends(&lab, End::Old)?;
    let (old, second) = push(&lab)?;
    let ended = old.wait_for_end(BOOT);
    ended.with_context(|| second.said().unwrap_or_default())?;
    let choice = lab.node.choose()?.choice;
    ensure!(
        choice == Choice::Jump,
        "the second push did not arm: {}",
        second.said()?
    );
    Ok(())
}

/// The landing partition is neither swap nor a file system then: the run's journal says that it is ours,
/// and what swap it was.
pub(crate) fn cut_before_mkfs(bench: &mut Bench) -> Result<()> {
    let fault = "power cut between wiping the landing partition and its file system";
    let lab = bench.node(Checkpoint::Fresh, fault)?;
    let (old, first) = push(&lab)?;
    wait_for(&lab, &first, &[r#""begin""#, r#""step":"make-landing""#])?;
    old.kill()?;
    drop(first);
    edit::zero_landing(&lab, 0..WIPED)?;
    bench.ends(&lab, End::Old)?;
    let (old, second) = push(&lab)?;
    let ended = old.wait_for_end(BOOT);
    ended.with_context(|| second.said().unwrap_or_default())?;
    drop(second);
    // Its swap is back in the end, by its old UUID.
    bench.ends(&lab, End::New).map(drop)
}

/// What a signal ended is a failure that is told, and not done again.
pub(crate) fn killed(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "jumpinit is killed while it stages")?;
    let (old, mut push) = push(&lab)?;
    wait_for(&lab, &push, &[r#""begin""#, r#""step":"unpack-jump""#])?;
    old.ssh("kill -KILL $(pidof jumpinit)")?;
    let (ended, said) = push.wait(BOOT)?;
    ensure!(
        !ended.success() && said.contains("remote-killed"),
        "{ended}\n{said}"
    );
    let begun = said.matches(r#""step":"make-landing""#).count();
    ensure!(begun <= 2, "it was done again, {begun} lines:\n{said}");
    old.kill()?;
    bench.ends(&lab, End::Old).map(drop)
}

/// The digest is compared where the image has arrived.
pub(crate) fn received_damaged(bench: &mut Bench) -> Result<()> {
    let fault = "the image changes between its plan and its upload";
    let lab = bench.node(Checkpoint::Fresh, fault)?;
    let image = lab.node.node.folder.join("target.tar.zst");
    copy_sparse(&images::path(images::SMALL_NODE), &image)?;
    lab.node
        .job
        .set("images", "target", &image.display().to_string())?;
    let (old, mut push) = push(&lab)?;
    wait_for(&lab, &push, &[r#""begin""#, r#""step":"make-landing""#])?;
    edit::flip(&image)?;
    let (ended, said) = push.wait(BOOT)?;
    ensure!(
        !ended.success() && said.contains("digest"),
        "{ended}\n{said}"
    );
    old.kill()?;
    bench.ends(&lab, End::Old)?;
    Ok(())
}

/// Unattended, an armed node goes on; one that is being staged stays as it is.
pub(crate) fn admin_goes_away(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(
        Checkpoint::Fresh,
        "the admin host goes away while it stages",
    )?;
    let (old, first) = push(&lab)?;
    wait_for(&lab, &first, &[r#""need""#, "target"])?;
    drop(first);
    old.power_off(BOOT)?;
    bench.ends(&lab, End::Old)?;

    let lab = bench.armed("the admin host is away from the arming on")?;
    let seen = bench.ends(&lab, End::New)?;
    ensure!(
        seen.booted == [Choice::Jump, Choice::New],
        "{:?}",
        seen.booted
    );
    Ok(())
}
