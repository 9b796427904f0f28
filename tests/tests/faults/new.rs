//! A new system that does not become the default, and the last commits.

use std::time::Duration;

use anyhow::{Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::vm::loader::Choice;
use jumplab::vm::until;
use jumpspec::boot::environment::{State, TRIES};
use jumpspec::job::Wait;
use jumpspec::places;
use jumpspec::step::{Stage, Step};

use crate::bench::Bench;
use crate::edit;
use crate::lab::{self, BOOT, Lab};

/// Enough for a sound new system on a busy machine, and soon over for another.
const HEALTH: Duration = Duration::from_secs(20);
/// Bytes that hold an ext4's superblock.
const MIB: u64 = 1 << 20;
/// Why jump stays after the new system's tries.
const NOT_CONFIRMED: &str = "the new system was not confirmed";

/// A new system that reboots has this many tries, no more and no fewer.
fn ends_after_its_tries(bench: &mut Bench, lab: &Lab) -> Result<()> {
    let seen = bench.ends_telling(lab, End::Jump, NOT_CONFIRMED)?;
    let tries = seen
        .booted
        .iter()
        .filter(|choice| **choice == Choice::New)
        .count();
    ensure!(tries == usize::from(TRIES), "{:?}", seen.booted);
    Ok(())
}

pub(crate) fn panics(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the init of the new system is a program that ends")?;
    edit::hook(&lab, "ln -sf /bin/false /sbin/init")?;
    ends_after_its_tries(bench, &lab)
}

pub(crate) fn wrong_root(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("root= of the new system names no file system")?;
    lab.pass(Choice::Jump)?;
    edit::root(&lab, |root| {
        let path = root.join("boot/grub/grub.cfg");
        let config = std::fs::read_to_string(&path)?;
        let wrong = config.replace("root=UUID=", "root=UUID=00000000");
        ensure!(wrong != config, "{config}");
        Ok(std::fs::write(&path, wrong)?)
    })?;
    ends_after_its_tries(bench, &lab)
}

/// The new system goes back by itself, at once: it does not use up its tries.
fn gives_up(bench: &mut Bench, fault: &str, script: &str, reason: &str) -> Result<()> {
    let lab = bench.armed(fault)?;
    edit::plan(&lab, |plan| plan.wait.health = Wait(HEALTH))?;
    edit::hook(&lab, script)?;
    let seen = bench.ends_telling(&lab, End::Jump, reason)?;
    let booted = [Choice::Jump, Choice::New, Choice::Jump];
    ensure!(seen.booted == booted, "{:?}", seen.booted);
    let name = format!("{}1.log", places::FAILED_BOOT);
    let log = edit::landing(&lab, |landing| {
        Ok(std::fs::read_to_string(
            landing.join(places::LOG).join(&name),
        )?)
    })?;
    for wanted in [reason, "== units that failed", "== kernel log"] {
        ensure!(
            log.contains(wanted),
            "no {wanted:?} in what was kept of the boot:\n{log}"
        );
    }
    Ok(())
}

pub(crate) fn emergency(bench: &mut Bench) -> Result<()> {
    let line =
        "UUID=ffffffff-0000-4000-8000-000000000000 /srv ext4 x-systemd.device-timeout=2s 0 2";
    let fault = "fstab of the new system names a file system that is not there";
    gives_up(
        bench,
        fault,
        &format!("echo '{line}' >>/etc/fstab"),
        "it was not confirmed when",
    )
}

pub(crate) fn unreachable(bench: &mut Bench) -> Result<()> {
    gives_up(
        bench,
        "sshd of the new system is masked",
        "ln -sf /dev/null /etc/systemd/system/ssh.service",
        "sshd does not answer",
    )?;
    gives_up(
        bench,
        "the new system has no network settings",
        "rm -f /etc/systemd/network/10-*",
        "vec0",
    )
}

/// A unit of the new system that changes who the node is before sshd starts, as machinery of
/// clouds does.
fn identity_changed_by(script: &str) -> String {
    let unit = "etc/systemd/system/other.service";
    format!(
        "printf '%s\\n' '[Unit]' 'DefaultDependencies=no' 'After=systemd-remount-fs.service' \
         'Before=ssh.service sysinit.target' '[Service]' 'Type=oneshot' \
         'ExecStart=/bin/sh /etc/other' >/{unit}\n\
         mkdir -p /etc/systemd/system/sysinit.target.wants\n\
         ln -s ../other.service /etc/systemd/system/sysinit.target.wants/\n\
         cat >/etc/other <<'END'\n{script}\nEND"
    )
}

/// It answers in every way, and is not the node that it was made.
pub(crate) fn another_node(bench: &mut Bench) -> Result<()> {
    for (fault, script, reason) in [
        (
            "the first boot gives the node another name",
            "echo other >/etc/hostname; hostname other",
            "its host name is",
        ),
        (
            "the first boot makes new host keys",
            "rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -A",
            "it is another node: sshd has",
        ),
        (
            "the first boot disables the keys of root",
            "sed -i 's/^ssh-/no-pty,command=\"false\" ssh-/' /root/.ssh/authorized_keys",
            "that may log in as root are gone or changed",
        ),
    ] {
        gives_up(bench, fault, &identity_changed_by(script), reason)?;
    }
    Ok(())
}

/// Only the health check and the admin host confirm.
pub(crate) fn false_mark(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("somebody else marks the new system as sound")?;
    edit::plan(&lab, |plan| {
        plan.wait.health = Wait(HEALTH);
        let steps = &mut plan.steps.new;
        let confirm = steps.iter().position(|step| *step == Step::Confirm);
        steps.insert(confirm.unwrap_or_default(), Step::CheckAdmin);
    })?;
    let mark =
        "echo 'f /run/jump-admin 0600 root root - 0123456789abcdef' >/etc/tmpfiles.d/mark.conf";
    edit::hook(&lab, &format!("mkdir -p /etc/tmpfiles.d\n{mark}"))?;
    bench
        .ends_telling(&lab, End::Jump, "the admin host has not logged in")
        .map(drop)
}

/// What the environment says is what counts; the journal is written after it.
pub(crate) fn second_commit(bench: &mut Bench) -> Result<()> {
    for (fault, state) in [
        (
            "power cut before the environment gives the tries",
            State::Jump,
        ),
        ("power cut after it, before the journal", State::Try(TRIES)),
    ] {
        let lab = bench.armed(fault)?;
        lab.pass(Choice::Jump)?;
        edit::environment(&lab, state)?;
        edit::journal(&lab, |journal| {
            journal.stage = Stage::Replace;
            journal.done = false;
        })?;
        let seen = bench.ends(&lab, End::New)?;
        let jumps = seen.booted.iter().filter(|choice| **choice == Choice::Jump);
        ensure!(
            jumps.count() == usize::from(state == State::Jump),
            "{:?}",
            seen.booted
        );
    }
    Ok(())
}

/// GRUB finds the new system by the raw sector. With no jump system to go to there is nothing to
/// wait for.
pub(crate) fn landing_lost(bench: &mut Bench) -> Result<()> {
    for (fault, lost) in [
        ("the landing file system's superblock is lost", 0..MIB),
        (
            "all of the landing partition but the superblock",
            MIB..u64::MAX,
        ),
    ] {
        let lab = bench.armed(fault)?;
        lab.pass(Choice::Jump)?;
        edit::zero_landing(&lab, lost)?;
        let seen = bench.ends(&lab, End::New)?;
        ensure!(seen.booted == [Choice::New], "{:?}", seen.booted);
    }
    Ok(())
}

/// Going back would be a loop: every boot leads to the new system.
pub(crate) fn landing_lost_and_unsound(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the landing file system is lost, and a unit never comes up")?;
    edit::plan(&lab, |plan| {
        plan.wait.health = Wait(HEALTH);
        plan.health.units = vec!["missing.service".to_owned()];
    })?;
    lab.pass(Choice::Jump)?;
    edit::zero_landing(&lab, 0..MIB)?;
    let guest = lab.boot(Choice::New)?;
    // The confirmation says so first, and then the deadline, which would reset.
    for said in ["could not", "it was not confirmed when"] {
        let line = format!("the jump system is lost: {said}");
        until(&line, BOOT, || lab::said(&guest, &line))?;
    }
    let status = lab.status(&guest)?;
    ensure!(status["system"] == "new", "{status}");
    guest.kill()
}

/// The new system is the default already: the rest is done at its next boot.
pub(crate) fn cut_swap(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("power cut while the landing partition becomes swap")?;
    lab.boot(Choice::Jump)?.wait_for_end(BOOT)?;
    lab.cut(
        Choice::New,
        "give the landing partition back",
        Duration::from_millis(20),
    )?;
    let seen = bench.ends(&lab, End::New)?;
    ensure!(seen.booted == [Choice::New], "{:?}", seen.booted);
    Ok(())
}
