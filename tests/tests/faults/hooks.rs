//! Hooks of the admin's own that fail, and a power cut in each of them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::journey::Push;
use jumplab::small::Checkpoint;
use jumplab::vm::loader::Choice;
use jumplab::vm::until;
use jumpspec::job::{Joint, OnFailure};
use jumpspec::places;
use jumpspec::step::Step;

use crate::bench::Bench;
use crate::edit;
use crate::lab::{self, BOOT, Lab};
use crate::old;

/// What a hook says that fails.
const COMPLAINT: &str = "no such luck";
/// A hook that says its try, and stays for ever in its first one.
const STAYS_ONCE: &str = "echo $JUMP_TRY >>$JUMP_LOG/tries-$JUMP_JOINT\n\
     sync\n\
     [ $JUMP_TRY != 1 ] || { echo hook-in-$JUMP_JOINT >/dev/console; exec sleep 1000; }";

/// Writes a job's hook; its table.
fn wish(lab: &Lab, at: Joint, script: &str) -> Result<String> {
    let path = lab.node.node.folder.join(at.name());
    std::fs::write(&path, format!("#!/bin/sh\nset -e\n{script}\n"))?;
    Ok(format!(
        "\n[[hook]]\nat = '{at}'\nrun = '{}'\n",
        path.display()
    ))
}

/// Nothing is changed by a hook `prep` that fails, and a hook `saved` ends the run with the old system as
/// it was.
pub(crate) fn fails_on_old(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "hooks fail on the old system")?;
    let fails = format!("echo $JUMP_NODE, $JUMP_JOINT, $SITE: {COMPLAINT} >&2; exit 3");
    let prep = wish(&lab, Joint::Prep, &fails)?;
    let saved = wish(&lab, Joint::Saved, &fails)?;
    lab.node
        .job
        .append(&format!("{saved}{prep}\n[variables]\nSITE = 'basement'\n"))?;
    let (old, mut push) = old::push(&lab)?;
    let (ended, said) = push.wait(BOOT)?;
    for wanted in ["node07, prep, basement: no such luck", "[hook-failed]"] {
        ensure!(
            !ended.success() && said.contains(wanted),
            "{ended}, no {wanted:?} in\n{said}"
        );
    }
    let events = std::fs::read_to_string(lab.node.run_folder().join("events.jsonl"))?;
    ensure!(!events.contains("swap-off"), "it went on:\n{events}");
    wish(&lab, Joint::Prep, "echo $JUMP_DISK $JUMP_TRY")?;
    old.kill()?;
    let (old, mut push) = old::push(&lab)?;
    let (ended, said) = push.wait(BOOT)?;
    let wanted = "node07, saved, basement: no such luck";
    ensure!(!ended.success() && said.contains(wanted), "{ended}\n{said}");
    old.kill()?;
    bench.ends(&lab, End::Old).map(drop)
}

/// The node stays in the jump system, which runs the hook again when it is told to go on. What fails later
/// and is only to be told is in the report.
pub(crate) fn fails_after_the_commit(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("hooks fail after the commit")?;
    let once = format!("[ $JUMP_TRY != 1 ] || {{ echo {COMPLAINT}; exit 3; }}");
    edit::hook_at(&lab, Joint::Committed, &once)?;
    for joint in [Joint::Firstboot, Joint::Finished] {
        edit::hook_at(
            &lab,
            joint,
            &format!("echo $JUMP_JOINT, {COMPLAINT}; exit 3"),
        )?;
    }
    edit::plan(&lab, |plan| {
        for step in &mut plan.steps.new {
            if let Step::Hook(hook) = step {
                hook.on_failure = OnFailure::Tell;
            }
        }
    })?;
    let seen = bench.ends_telling(&lab, End::Jump, "the hook hooks/committed (committed)")?;
    let reason = seen.reason.unwrap_or_default();
    ensure!(
        reason.contains(COMPLAINT) && reason.contains("[hook-failed]"),
        "{reason}"
    );
    resume(&lab)?;
    bench.ends(&lab, End::New)?;
    let report = in_new(&lab, "report.json")?;
    for joint in ["firstboot", "finished"] {
        let told = format!("the hook hooks/{joint} ({joint})");
        ensure!(report.contains(&told), "no {told:?} in {report}");
    }
    Ok(())
}

/// The same while the new root is being filled: it is made anew then.
pub(crate) fn fails_in_the_new_root(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("a hook fails in the new root")?;
    let once =
        format!("[ $JUMP_TRY != 1 ] || {{ echo {COMPLAINT}; exit 3; }}; touch $JUMP_NEW_ROOT/mark");
    edit::hook_at(&lab, Joint::Restored, &once)?;
    bench.ends_telling(&lab, End::Jump, "the hook hooks/restored (restored)")?;
    resume(&lab)?;
    bench.ends(&lab, End::New)?;
    edit::root(&lab, |root| {
        ensure!(root.join("mark").exists(), "the hook left no mark");
        Ok(())
    })
}

/// Makes a jump system that has given up go on, and waits until it is down.
fn resume(lab: &Lab) -> Result<()> {
    let jump = lab.boot(Choice::Jump)?;
    until("the jump system waits", BOOT, || {
        Ok(lab::said(&jump, lab::WAITS)? && jump.offers_ssh()?)
    })?;
    let resume = lab.node.job.command("resume", jump.ssh_config(), &[]);
    let log = lab.node.node.folder.join("resume.log");
    let resume = Push::start(lab.network.inside(&resume), &log)?;
    let down = jump.wait_for_end(BOOT);
    down.with_context(|| resume.said().unwrap_or_default())
        .map(drop)
}

/// A file of the new system's logs.
fn in_new(lab: &Lab, name: &str) -> Result<String> {
    edit::root(lab, |root: &Path| {
        let path = root.join(places::NEW_LOG).join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    })
}

/// The new system goes back to the jump system, which says why.
pub(crate) fn fails_in_first_boot(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("a hook fails in the first boot")?;
    edit::hook_at(&lab, Joint::Firstboot, &format!("echo {COMPLAINT}; exit 3"))?;
    let seen = bench.ends_telling(&lab, End::Jump, COMPLAINT)?;
    let booted = [Choice::Jump, Choice::New, Choice::Jump];
    ensure!(seen.booted == booted, "{:?}", seen.booted);
    Ok(())
}

/// Each hook is run again, and knows that it is; one that was done is not.
pub(crate) fn cut(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("a power cut in each hook after the arming")?;
    let joints = [
        (Joint::Committed, Choice::Jump, "1\n2\n"),
        // Its first try was in a root that was made anew since.
        (Joint::Restored, Choice::Jump, "2\n"),
        (Joint::Firstboot, Choice::New, "1\n2\n"),
        (Joint::Finished, Choice::New, "1\n2\n"),
    ];
    for (joint, ..) in joints {
        edit::hook_at(&lab, joint, STAYS_ONCE)?;
    }
    for (joint, system, _) in joints {
        if joint == Joint::Firstboot {
            lab.pass(Choice::Jump)?;
        }
        lab.cut(system, &format!("hook-in-{joint}"), Duration::ZERO)?;
    }
    let seen = bench.ends(&lab, End::New)?;
    ensure!(seen.booted == [Choice::New], "{:?}", seen.booted);
    for (joint, _, tries) in joints {
        let found = in_new(&lab, &format!("tries-{joint}"))?;
        ensure!(found == tries, "{joint}: {found:?}");
    }
    Ok(())
}

/// The old system is as it was; by the next push what its hook adds is a part of the new one.
pub(crate) fn cut_on_old(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "power cut in a hook of the old system")?;
    let stays_once = "[ -e /data/$JUMP_JOINT ] || { touch /data/$JUMP_JOINT; sync; \
         echo hook-in-$JUMP_JOINT >/dev/console; exec sleep 1000; }\n";
    let adds = "mkdir -p $JUMP_SAVED/etc/site/deep\n\
         echo $JUMP_RUN >$JUMP_SAVED/etc/site/deep/added\n\
         chmod 0640 $JUMP_SAVED/etc/site/deep/added\n\
         ln -s deep/added $JUMP_SAVED/etc/site/link";
    let prep = wish(&lab, Joint::Prep, stays_once)?;
    let saved = wish(&lab, Joint::Saved, &format!("{stays_once}{adds}"))?;
    lab.node.job.append(&format!("{prep}{saved}"))?;
    for joint in [Joint::Prep, Joint::Saved] {
        let (old, push) = old::push(&lab)?;
        until("the hook is at work", BOOT, || {
            lab::said(&old, &format!("hook-in-{joint}"))
        })?;
        old.kill()?;
        drop(push);
    }
    bench.ends(&lab, End::Old)?;
    let (old, last) = old::push(&lab)?;
    let ended = old.wait_for_end(BOOT);
    ended.with_context(|| last.said().unwrap_or_default())?;
    drop(last);
    bench.ends(&lab, End::New)?;
    let added = edit::root(&lab, |root| {
        Ok(std::fs::read_to_string(root.join("etc/site/link"))?)
    })?;
    let run = in_new(&lab, "plan.json")?;
    ensure!(
        run.contains(added.trim()),
        "{added:?} is not the run of {run}"
    );
    Ok(())
}
