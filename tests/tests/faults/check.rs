//! What `jumpimg check` refuses, or tells, before anything is changed.

use anyhow::{Context as _, Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::run;
use jumplab::small::Checkpoint;
use jumplab::vm::loader::Choice;
use jumplab::vm::{Guest as _, Uml};
use jumpspec::planner::refusal::RefusalCode;

use crate::bench::Bench;
use crate::lab::{BOOT, Lab};

/// Of a command that a check refused.
const REFUSED: i32 = 3;
/// btrfs's magic number and LVM's label, where the kernel's tools look for them
/// (btrfs: `fs/btrfs/disk-io.h`; LVM2: `lib/label/label.h`).
const BTRFS: (&str, u64) = ("_BHRfS_M", 0x10040);
const LVM: [(&str, u64); 2] = [("LABELONE", 512), ("LVM2 001", 536)];

/// A running old system that is asked by `jumpimg check`.
pub(crate) struct Asked<'a> {
    lab: &'a Lab,
    old: Uml<'a>,
}

impl<'a> Asked<'a> {
    pub(crate) fn start(lab: &'a Lab) -> Result<Self> {
        let mut old = lab.boot(Choice::Old)?;
        old.wait_for_ssh(BOOT)?;
        Ok(Self { lab, old })
    }

    /// It is not needed any more.
    pub(crate) fn end(self) -> Result<()> {
        self.old.kill()
    }

    /// What the check says, and its exit code.
    pub(crate) fn check(&self) -> Result<(Option<i32>, String)> {
        let check = self.lab.node.job.check(self.old.ssh_config());
        let output = run::output(&mut self.lab.network.inside(&check))?;
        let said = [output.stdout, output.stderr].concat();
        Ok((
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        ))
    }

    /// Prepares the node by a script; the check then has to refuse it with that code.
    pub(crate) fn refused(
        &self,
        bench: &mut Bench,
        fault: &str,
        script: &str,
        code: RefusalCode,
    ) -> Result<()> {
        self.old.ssh(script)?;
        let (exit, said) = self.check()?;
        ensure!(
            exit == Some(REFUSED),
            "with {fault}: exit code {exit:?}: {said}"
        );
        ensure!(
            said.contains(&code.to_string()),
            "with {fault}: no {code} in {said}"
        );
        bench.checked(fault, End::Refused, &code.to_string());
        Ok(())
    }
}

/// GRUB writes to ext4 alone; anything but swap is somebody's data besides.
pub(crate) fn landing(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(
        Checkpoint::Fresh,
        "a landing partition that GRUB cannot write to",
    )?;
    lab.node.job.set("landing", "partition", "/dev/ubda1")?;
    let asked = Asked::start(&lab)?;
    let put = |(text, offset): (&str, u64)| {
        format!("printf %s '{text}' | dd of=/dev/ubda1 bs=1 seek={offset} conv=notrunc 2>&-; ")
    };
    let wipe = "dd if=/dev/zero of=/dev/ubda1 bs=1M count=1 2>&-; ";
    let btrfs = format!("swapoff -a; {wipe}{}sync", put(BTRFS));
    asked.refused(
        bench,
        "landing on btrfs",
        &btrfs,
        RefusalCode::LandingHoldsData,
    )?;
    let lvm = format!("{wipe}{}{}sync", put(LVM[0]), put(LVM[1]));
    asked.refused(bench, "landing in LVM", &lvm, RefusalCode::LandingStacked)?;
    let mounted = format!("{wipe}mke2fs -qF /dev/ubda1 && mount /dev/ubda1 /mnt");
    asked.refused(
        bench,
        "landing mounted",
        &mounted,
        RefusalCode::LandingMounted,
    )?;
    asked.end()
}

/// The kernel takes any name of up to 64 bytes.
pub(crate) fn host_names(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "a host name that is none")?;
    let asked = Asked::start(&lab)?;
    let long = "x".repeat(64);
    for (fault, name) in [
        ("host name of 64 characters", long.as_str()),
        ("host name in UTF-8", "kn\u{f6}ten"),
        ("host name with a space", "node 07"),
        ("no host name", ""),
    ] {
        let set = format!("printf %s '{name}' >/proc/sys/kernel/hostname");
        asked.refused(bench, fault, &set, RefusalCode::HostnameInvalid)?;
    }
    asked.end()
}

/// What no software can promise is said beforehand.
pub(crate) fn watchdog(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "no hardware watchdog")?;
    let asked = Asked::start(&lab)?;
    let (exit, said) = asked.check()?;
    ensure!(exit == Some(0), "{exit:?}: {said}");
    let note = said
        .lines()
        .find_map(|line| line.find("no hardware watchdog").map(|at| &line[at..]));
    let note = note.with_context(|| format!("it does not tell: {said}"))?;
    bench.checked("no hardware watchdog", End::Told, note);
    asked.end()
}

/// A run that is under way is nobody else's, and its own admin host begins no second one.
pub(crate) fn two_hosts(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("a second admin host")?;
    let mut old = lab.start(Choice::Old)?;
    old.wait_for_ssh(BOOT)?;
    let run = lab.node.plan()?.run;
    for (fault, job) in [
        (
            "another admin host pushes to an armed node",
            lab.node.job.elsewhere(),
        ),
        (
            "a push to an armed node a second time",
            lab.node.job.clone(),
        ),
    ] {
        let push = job.push(old.ssh_config(), &["--yes"]);
        let output = run::output(&mut lab.network.inside(&push))?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let code = output.status.code();
        ensure!(
            code == Some(REFUSED),
            "with {fault}: exit code {code:?}: {said}"
        );
        ensure!(
            said.contains("jump-in-progress") && said.contains(&*run),
            "{said}"
        );
        bench.checked(fault, End::Refused, "jump-in-progress");
    }
    old.kill()?;
    let choice = lab.node.choose()?.choice;
    ensure!(
        choice == Choice::Jump,
        "what was refused has disarmed the node"
    );
    Ok(())
}
