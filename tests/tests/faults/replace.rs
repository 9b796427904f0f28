//! Faults while the node is being replaced: after the commit only jump and the new system are right.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jump_tests::machines::sabotage;
use jumplab::experiments::faults::End;
use jumplab::run;
use jumplab::small::Checkpoint;
use jumplab::vm::loader::Choice;
use jumplab::vm::{Role, Table, until};
use jumpspec::job::Wait;
use jumpspec::places;
use jumpspec::plan::Plan;
use jumpspec::run::journal::SLOT;
use jumpspec::selector::ENV;
use jumpspec::words::digest::Digest;

use crate::bench::Bench;
use crate::lab::{BOOT, Lab, WAITS, said};
use crate::loader::UNPACKING;
use crate::{edit, old};
use jump_tests::machines::disk;

/// The partition of the new root.
const ROOT: u32 = 2;
/// Enough for all but the hook, on a busy machine.
const REPLACE: Duration = Duration::from_secs(40);
/// How often jump begins to replace.
const TRIES: usize = 3;
/// What an injected unit waits for: the new root is being filled.
const WHILE_UNPACKING: &str = "until [ -d /jump/new/usr/lib ]; do sleep 0.02; done\n";

fn cut(bench: &mut Bench, fault: &str, line: &str, after: Duration) -> Result<()> {
    let lab = bench.armed(fault)?;
    lab.cut(Choice::Jump, line, after)?;
    let seen = bench.ends(&lab, End::New)?;
    ensure!(
        seen.booted == [Choice::Jump, Choice::New],
        "{:?}",
        seen.booted
    );
    Ok(())
}

pub(crate) fn cut_table(bench: &mut Bench) -> Result<()> {
    let line = "jump: write the partition table";
    cut(
        bench,
        "power cut as the table is written",
        line,
        Duration::ZERO,
    )
}

pub(crate) fn cut_mkfs(bench: &mut Bench) -> Result<()> {
    cut(
        bench,
        "power cut in mkfs",
        "jump: make ext4 on partition 2",
        Duration::ZERO,
    )
}

pub(crate) fn cut_unpack(bench: &mut Bench) -> Result<()> {
    cut(
        bench,
        "power cut while unpacking",
        UNPACKING,
        Duration::from_millis(300),
    )
}

pub(crate) fn cut_grub(bench: &mut Bench) -> Result<()> {
    let line = "jump: install GRUB";
    cut(
        bench,
        "power cut while GRUB is installed",
        line,
        Duration::from_millis(300),
    )
}

/// The kernel cannot be told of a partition's new end while somebody uses it.
pub(crate) fn busy_partition(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("a partition that changes is mounted by somebody")?;
    edit::plan(&lab, |plan| resize(plan, 240))?;
    edit::landing(&lab, |landing| {
        sabotage::unit(
            landing,
            "mkdir -p /mnt/held; mount -o ro /dev/ubda2 /mnt/held",
        )
    })?;
    bench.ends_telling(&lab, End::Jump, "partition").map(drop)
}

/// Gives the new root that many MiB.
fn resize(plan: &mut Plan, mib: u64) {
    for partition in &mut plan.disk.after {
        if partition.number == ROOT {
            partition.sectors = mib << 11;
        }
    }
}

pub(crate) fn no_space(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the new root is too small")?;
    edit::plan(&lab, |plan| resize(plan, 48))?;
    bench.ends_telling(&lab, End::Jump, "No space left")?;
    let lab = bench.armed("the new root has too few inodes")?;
    edit::landing(&lab, few_inodes)?;
    bench
        .ends_telling(&lab, End::Jump, "No space left")
        .map(drop)
}

/// mke2fs makes an inode for each of so many bytes (mke2fs.conf(5)).
fn few_inodes(landing: &Path) -> Result<()> {
    let config = "[defaults]\n\tinode_ratio = 1048576\n\tblocksize = 4096\n";
    Ok(std::fs::write(landing.join("etc/mke2fs.conf"), config)?)
}

/// From the middle of the new root on nothing can be written.
pub(crate) fn write_error(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the disk fails to write in the middle of the new root")?;
    let middle = disk::place(&lab.node.node, Role::Root)?.start + (64 << 20);
    let jump = lab.boot(Choice::Jump)?;
    until("it unpacks", BOOT, || said(&jump, UNPACKING))?;
    jump.fail_writes_from(middle)?;
    until("it waits", BOOT, || said(&jump, WAITS))?;
    jump.kill()?;
    bench
        .ends_telling(&lab, End::Jump, "unpack the new system")
        .map(drop)
}

/// The image was whole when jump proved itself.
pub(crate) fn read_error(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the staged image cannot be read after the commit")?;
    lab.cut(Choice::Jump, UNPACKING, Duration::ZERO)?;
    unreadable(&lab)?;
    bench
        .ends_telling(&lab, End::Jump, "target.tar.zst")
        .map(drop)
}

/// Damages the list of the staged image's blocks: the file is there, and reading it is an error.
fn unreadable(lab: &Lab) -> Result<()> {
    // Replays the file system's journal.
    edit::landing(lab, |landing| Ok(edit::staged_image(landing).metadata()?))?;
    let place = disk::place(&lab.node.node, Role::Swap)?;
    let device = format!("{}?offset={}", lab.node.node.disk.display(), place.start);
    let set = "set_inode_field /jump/image/target.tar.zst block[0] 0";
    run::quiet(&mut run::command("debugfs", ["-w", "-R", set, &device]))
}

/// All that was unpacked is read from the disk again, and held against the image.
pub(crate) fn corrupted(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("a byte of an unpacked file changes without a word")?;
    edit::landing(&lab, |landing| {
        sabotage::unit(
            landing,
            "until grep -qs 12 /jump/new/etc/debian_version; do sleep 0.02; done\n\
             printf 9 | dd of=/jump/new/etc/debian_version conv=notrunc",
        )
    })?;
    bench
        .ends_telling(&lab, End::Jump, "debian_version")
        .map(drop)
}

/// What makes the node itself is put back whole, or not at all.
pub(crate) fn saved_files(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the saved files are gone")?;
    edit::landing(&lab, |landing| {
        Ok(std::fs::remove_file(landing.join(places::SAVED))?)
    })?;
    bench.ends_telling(&lab, End::Jump, "saved")?;
    let lab = bench.armed("a bit of the saved files flipped")?;
    edit::landing(&lab, |landing| edit::flip(&landing.join(places::SAVED)))?;
    bench.ends_telling(&lab, End::Jump, "saved").map(drop)
}

/// Killed once; the watchdog, which nobody pets then, makes it begin again.
pub(crate) fn killed(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("jumpinit is killed (SIGKILL) while it unpacks")?;
    edit::landing(&lab, |landing| {
        edit::softdog(landing)?;
        sabotage::unit(
            landing,
            &format!(
                "[ ! -e /etc/killed ] || exit 0\n{WHILE_UNPACKING}\
                 touch /etc/killed; sync -f /etc\n{}",
                sabotage::signal("KILL")
            ),
        )
    })?;
    let seen = bench.ends(&lab, End::New)?;
    let booted = [Choice::Jump, Choice::Jump, Choice::New];
    ensure!(seen.booted == booted, "{:?}", seen.booted);
    Ok(())
}

pub(crate) fn little_memory(bench: &mut Bench) -> Result<()> {
    let mut lab = bench.armed("128 MiB of memory")?;
    lab.jump_board.memory_mib = 128;
    bench.ends(&lab, End::New).map(drop)
}

/// Two slots: one may be lost. Without any, nothing is written.
pub(crate) fn journal(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("one journal slot torn after the commit")?;
    lab.cut(Choice::Jump, UNPACKING, Duration::ZERO)?;
    tear(&lab, 0)?;
    bench.ends(&lab, End::New)?;

    let lab = bench.armed("both journal slots torn after the commit")?;
    lab.cut(Choice::Jump, UNPACKING, Duration::ZERO)?;
    tear(&lab, 0)?;
    tear(&lab, 1)?;
    let before = Untouched::of(&lab)?;
    bench.ends_telling(&lab, End::Jump, "journal")?;
    ensure!(before == Untouched::of(&lab)?, "in doubt, it has written");
    Ok(())
}

/// Overwrites half of a slot.
fn tear(lab: &Lab, index: u64) -> Result<()> {
    edit::write(lab, edit::slot(lab, index)?, &[0x5a; SLOT / 2])
}

/// What must not be written to in doubt.
#[derive(PartialEq)]
struct Untouched {
    /// Boot sector, table and loaders.
    head: Digest,
    /// The journal's slots.
    journal: Vec<u8>,
    environment: Vec<u8>,
    /// All behind the landing partition.
    rest: Digest,
}

impl Untouched {
    fn of(lab: &Lab) -> Result<Self> {
        let node = &lab.node.node;
        let landing = disk::place(node, Role::Swap)?;
        let mut journal = vec![0; 2 * SLOT];
        let mut file = File::open(&node.disk)?;
        file.seek(SeekFrom::Start(edit::slot(lab, 0)?))?;
        file.read_exact(&mut journal)?;
        Ok(Self {
            head: disk::digest(node, 0..landing.start)?,
            journal,
            environment: edit::landing(lab, |landing| {
                Ok(std::fs::read(edit::selector(landing, ENV))?)
            })?,
            rest: disk::digest(node, landing.end..Table::Small.disk_bytes())?,
        })
    }
}

/// A push that waits is told, as is whoever logs in.
pub(crate) fn grub_install(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "grub-install of the new system fails")?;
    let hook = lab.node.node.folder.join("hook");
    let stub = "printf '#!/bin/sh\\necho no such luck >&2\\nexit 1\\n' >/usr/sbin/grub-install";
    // A hook sees the devices: its shell could not start anything in the background else.
    std::fs::write(
        &hook,
        format!("#!/bin/sh\n: </dev/null || exit 9\n{stub}\n"),
    )?;
    let hooks = format!("[hooks]\nrestored = '{}'\n", hook.display());
    lab.node.job.append(&hooks)?;
    let (old, mut push) = old::push(&lab)?;
    let down = old.wait_for_end(BOOT);
    down.with_context(|| push.said().unwrap_or_default())?;
    let jump = lab.boot(Choice::Jump)?;
    let (ended, said) = push.wait(BOOT)?;
    ensure!(ended.code() == Some(1), "{ended}\n{said}");
    for wanted in ["stuck-in-jump", "no such luck", "log in with `ssh"] {
        ensure!(said.contains(wanted), "no {wanted:?} in:\n{said}");
    }
    jump.kill()?;
    bench.ends_telling(&lab, End::Jump, "no such luck")?;
    let motd = edit::landing(&lab, |landing| {
        Ok(std::fs::read_to_string(landing.join("etc/motd"))?)
    })?;
    ensure!(motd.contains("no such luck"), "{motd}");
    Ok(())
}

/// Each of its tries ends in a reset.
pub(crate) fn reboot_loop(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("jump crashes each time that it unpacks")?;
    edit::landing(&lab, |landing| {
        sabotage::unit(landing, &format!("{WHILE_UNPACKING}reboot --force --force"))
    })?;
    let seen = bench.ends_telling(&lab, End::Jump, "3 times")?;
    let jumps = seen
        .booted
        .iter()
        .filter(|choice| **choice == Choice::Jump)
        .count();
    ensure!(jumps == TRIES + 1, "{:?}", seen.booted);
    let journal = seen.said["journal"].as_object().context("no journal")?;
    ensure!(journal["stage"] == "stuck", "{journal:?}");
    Ok(())
}

/// A hook that never ends does not hold the node longer than the job allows; the node stays, reachable.
pub(crate) fn takes_too_long(bench: &mut Bench) -> Result<()> {
    let lab =
        bench.armed("the hook `restored` never ends, and leaves a process of its own behind")?;
    edit::plan(&lab, |plan| plan.wait.replace = Wait(REPLACE))?;
    edit::hook(&lab, "setsid sleep 1000 & exec sleep 1000")?;
    bench
        .ends_telling(&lab, End::Jump, "was killed after")
        .map(drop)
}
