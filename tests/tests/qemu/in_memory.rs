//! Rehearsals in memory: kexec starts the jump system, the machine is reset, and the disk is what it was.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumparchive::Tree;
use jumplab::journey::{BOOT, Job, Portrait, Push};
use jumplab::vm::{Guest as _, Hardware, Machine, Node, Role, Table, Victim, until};
use jumplab::{golden, images, run};
use jumpspec::words::digest::Digest;

use jump_tests::machines::disk;

use crate::status;

/// From the first look at the node until it is back, on a busy machine.
const REHEARSAL: Duration = Duration::from_mins(30);
/// Sectors in front of the first partition: the table, and GRUB's core image.
const BOOT_AREA: u64 = 2048;
/// Sectors of a swap area's first page, which has its signature.
const PAGE: u64 = 8;
/// What a push says before the root is packed.
const PACKING: &str = "ok  unpack the jump system";
/// What the name of the jump system's kernel ends in.
const RELEASE_OF_JUMP: &str = "-amd64";
/// What the name of the old system's kernel ends in.
const KIND_OF_OLD: &str = "-cloud-amd64";

/// It proves itself, comes back, and nothing outside of file systems has changed.
pub(crate) fn rehearse() -> Result<()> {
    let node = Victim::prepare(Table::Mbr)?.copy("in-memory")?;
    let mut lab = Lab::start(&node, &Hardware::default())?;
    lab.ensure_refused_without_a_word_on_watchdogs()?;
    let (ended, said) = lab.rehearse(&["--without-watchdog"])?;
    ensure!(ended, "{said}");
    for proved in [
        "the disks are the planned ones",
        "the network is up",
        "sshd answers",
        "the admin host logs in",
    ] {
        ensure!(said.contains(proved), "{proved:?} was not proved: {said}");
    }
    ensure!(said.contains("firmware, loader and boot order"), "{said}");
    lab.ensure_as_before()
}

/// The jump system's root is cut through: its kernel panics, and restarts the machine.
pub(crate) fn panics() -> Result<()> {
    let node = Victim::prepare(Table::Mbr)?.copy("in-memory-panic")?;
    let lab = Lab::start(&node, &Hardware::default())?;
    lab.ensure_comes_back_from("truncate -s 16M $root", &["--without-watchdog"])
}

/// Nothing of the jump system comes up, and nothing of it fails: the machine's watchdog, which the old
/// system has armed, is left.
pub(crate) fn hangs() -> Result<()> {
    let node = Victim::prepare(Table::Mbr)?.copy("in-memory-hang")?;
    give_watchdog_driver(&node)?;
    let hardware = Hardware {
        watchdog: true,
        ..Hardware::default()
    };
    let lab = Lab::start(&node, &hardware)?;
    lab.ensure_comes_back_from(&format!("printf '{}' >>$root", asleep()?), &[])
}

/// An archive with an init that sleeps, as printf takes it: a kernel unpacks one archive after the other
/// (its documentation, driver-api/early-userspace/buffer-format).
fn asleep() -> Result<String> {
    let scratch = tempfile::tempdir()?;
    let init = scratch.path().join("sbin/init");
    fs::create_dir(scratch.path().join("sbin"))?;
    fs::write(&init, "#!/bin/sh\nwhile :; do sleep 60; done\n")?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755))?;
    let mut packed = Vec::new();
    let tree = Tree::open(scratch.path())?;
    jumparchive::pack_initramfs(&tree, &[], &mut packed, 3, &|_| ())?;
    Ok(packed.iter().fold(String::new(), |mut text, byte| {
        // A string takes whatever it is given.
        write!(text, "\\{byte:03o}").ok();
        text
    }))
}

/// The old system gets the jump image's kernel, for its own has no driver for QEMU's watchdog; and one that
/// does not stop it at a reboot.
fn give_watchdog_driver(node: &Node) -> Result<()> {
    let golden = golden::make(images::JUMP, &golden::Options::default())?;
    let of_jump = |kind: &str| named(&golden.join("boot"), kind, RELEASE_OF_JUMP);
    let (kernel, initrd) = (of_jump("vmlinuz-")?, of_jump("initrd.img-")?);
    disk::with_mounted(node, Role::Boot, |boot| {
        for (from, kind) in [(&kernel, "vmlinuz-"), (&initrd, "initrd.img-")] {
            fs::copy(from, named(boot, kind, KIND_OF_OLD)?)?;
        }
        let config = boot.join("grub/grub.cfg");
        let text = fs::read_to_string(&config)?;
        let runs_on = text.replace(" ro ", " ro watchdog.stop_on_reboot=0 ");
        ensure!(text != runs_on, "{} has no kernel", config.display());
        Ok(fs::write(config, runs_on)?)
    })?;
    disk::with_mounted(node, Role::Root, |root| {
        let modules = golden.join("usr/lib/modules/.");
        let mut copy = run::command("cp", ["--archive"]);
        run::quiet(copy.arg(modules).arg(root.join("usr/lib/modules")))
    })
}

/// The file in `folder` whose name begins and ends so.
fn named(folder: &Path, begins: &str, ends: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    let mut paths = entries.into_iter().map(|entry| entry.path());
    let found = paths.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(begins) && name.ends_with(ends)
    });
    found.with_context(|| format!("{} has no {begins}…{ends}", folder.display()))
}

/// A node, its job, and what is to be the same afterwards.
struct Lab {
    node: Node,
    job: Job,
    machine: Machine,
    before: Portrait,
    sectors: Vec<Digest>,
}

impl Lab {
    fn start(node: &Node, hardware: &Hardware) -> Result<Self> {
        let sectors = sectors(node)?;
        let mut machine = Machine::start(node, hardware)?;
        machine.wait_for_ssh(BOOT)?;
        let before = Portrait::take(&machine)?;
        let job = Job::write(&node.folder, node.table)?;
        Ok(Self {
            node: node.clone(),
            job,
            machine,
            before,
            sectors,
        })
    }

    /// QEMU's machine has no watchdog unless it is asked for.
    fn ensure_refused_without_a_word_on_watchdogs(&self) -> Result<()> {
        let mut push = self
            .job
            .push(self.machine.ssh_config(), &["--yes", "--rehearse=ram"]);
        let refused = push.output()?;
        let said = String::from_utf8_lossy(&refused.stderr);
        ensure!(
            refused.status.code() == Some(3),
            "{}: {said}",
            refused.status
        );
        ensure!(said.contains("[watchdog-missing]"), "{said}");
        Ok(())
    }

    /// Whether it ended well, and what was said.
    fn rehearse(&mut self, more: &[&str]) -> Result<(bool, String)> {
        let mut options = vec!["--yes", "--rehearse=ram"];
        options.extend(more);
        let push = self.job.push(self.machine.ssh_config(), &options);
        let mut push = Push::start(push, &self.node.folder.join("push.log"))?;
        let (ended, said) = push.wait(REHEARSAL)?;
        println!("{said}");
        Ok((ended.success(), said))
    }

    /// A jump system that is broken by `script`, with its packed root in `$root`, tells nothing.
    fn ensure_comes_back_from(self, script: &str, more: &[&str]) -> Result<()> {
        let mut lab = self;
        let mut options = vec!["--yes", "--rehearse=ram"];
        options.extend(more);
        let push = lab.job.push(lab.machine.ssh_config(), &options);
        let mut push = Push::start(push, &lab.node.folder.join("push.log"))?;
        until("the root is packed", REHEARSAL, || {
            Ok(push.said()?.contains(PACKING))
        })?;
        // What it orders next would start it.
        push.hold(true)?;
        lab.machine.wait_for("it is packed", REHEARSAL, |machine| {
            let at_work = machine.ssh("cat /proc/[0-9]*/comm")?;
            Ok(!at_work.contains("jumpinit"))
        })?;
        let root = "root=$(ls /dev/shm/jump-*/landing/jump/image/root.img) && ";
        lab.machine.ssh(&format!("{root}{script}"))?;
        push.hold(false)?;
        let (ended, said) = push.wait(REHEARSAL)?;
        println!("{said}");
        ensure!(ended.code() == Some(1), "{ended}: {said}");
        ensure!(
            said.contains("is its old system again: nothing was heard"),
            "{said}"
        );
        lab.ensure_as_before()
    }

    /// The old system runs, knows of no run, and its disk is what it was.
    fn ensure_as_before(mut self) -> Result<()> {
        self.machine.wait_for_ssh(BOOT)?;
        let after = Portrait::take(&self.machine)?;
        ensure!(
            self.before == after,
            "it was {:#?}\nit is {after:#?}",
            self.before
        );
        let status = status(&mut self.machine, &self.job)?;
        ensure!(status.contains(r#""system":"none""#), "{status}");
        let left = self
            .machine
            .ssh("ls -d /dev/shm/jump-* /run/jump-* 2>/dev/null; true")?;
        ensure!(left.trim().is_empty(), "it has left {left}");
        let node = self.node.clone();
        self.machine.power_off(BOOT)?;
        ensure!(
            sectors(&node)? == self.sectors,
            "what lies outside of file systems has changed"
        );
        Ok(())
    }
}

/// What no file system writes to: table and loader, and the swap's signature.
fn sectors(node: &Node) -> Result<Vec<Digest>> {
    let swap = disk::place(node, Role::Swap)?.start / 512;
    [(0, BOOT_AREA), (swap, PAGE)]
        .into_iter()
        .map(|(first, count)| Ok(Digest::of(&disk::sectors(node, first, count)?)))
        .collect()
}
