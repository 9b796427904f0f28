//! Nodes that boot by a UEFI: what their firmware and its variables do to a run, and what lies about
//! where their loader looks.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use jump_tests::machines::disk;
use jumplab::experiments::faults::End;
use jumplab::run;
use jumplab::small::Checkpoint;
use jumplab::vm::Role;
use jumplab::vm::loader::Choice;
use jumpspec::boot::uefi::{BOOT_CURRENT, BOOT_NEXT, BOOT_ORDER};
use jumpspec::disk::SECTOR;

use crate::bench::Bench;
use crate::edit;
use crate::lab::{BOOT, Lab};
use crate::old::{push, wait_for};

/// What an installer's medium is known by, and its menu, at which it waits.
const MEDIUM: [(&str, &str); 2] = [
    (".disk/info", "Debian GNU/Linux 12 \"Bookworm\"\n"),
    (
        "boot/grub/grub.cfg",
        "set timeout=-1\nmenuentry Install { true; }\n",
    ),
];

/// Room for a firmware's variables: a page for each of few.
const STORE: &str = "size=64k";

/// What jumpinit makes first where firmware without entries looks, while it is being written.
const HALF: &str = "::/EFI/BOOT/.grub.cfg.jump-new";

/// What the firmware was told is not what it does: that is seen before anything is destroyed.
pub(crate) fn ignored(bench: &mut Bench) -> Result<()> {
    let lab = bench.node_with_uefi(Checkpoint::Armed, "a firmware that ignores BootNext")?;
    lab.node.firmware().variables().remove(BOOT_NEXT)?;
    bench.ends(&lab, End::Old)?;

    let lab = bench.node_with_uefi(Checkpoint::Armed, "a firmware that keeps BootNext")?;
    let vars = lab.node.firmware().variables();
    let next = vars.read(BOOT_NEXT)?.context("it is not armed")?;
    ensure!(lab.node.choose()?.choice == Choice::Jump, "it is armed");
    vars.write(BOOT_NEXT, &next)?;
    lab.start(Choice::Jump)?.wait_for_end(BOOT)?;
    bench.ends_telling(&lab, End::Old, "has not spent BootNext")?;

    let lab = bench.node_with_uefi(Checkpoint::Armed, "a firmware that resets BootOrder")?;
    let vars = lab.node.firmware().variables();
    let armed = vars.read(BOOT_ORDER)?.context("there is no order")?;
    lab.pass(Choice::Jump)?;
    let turned = vars.read(BOOT_ORDER)?;
    ensure!(turned != Some(armed.clone()), "the order was not turned");
    vars.write(BOOT_ORDER, &armed)?;
    bench.ends(&lab, End::Old).map(drop)
}

/// GRUB looks for one on every disk, if nothing keeps it from that.
pub(crate) fn medium(bench: &mut Bench) -> Result<()> {
    let lab = bench.node_with_uefi(Checkpoint::Armed, "an installer's medium in the node")?;
    disk::with_mounted(&lab.node.node, Role::Data, |data| {
        for (name, text) in MEDIUM {
            let path = data.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(data))?;
            std::fs::write(path, text)?;
        }
        Ok(())
    })?;
    let seen = bench.ends(&lab, End::New)?;
    let wanted = [Choice::Jump, Choice::Jump, Choice::New, Choice::New];
    ensure!(seen.booted == wanted, "{:?}", seen.booted);
    Ok(())
}

/// The store fills up once the check has seen room in it: nothing is armed, and no half of an entry stays.
pub(crate) fn full(bench: &mut Bench) -> Result<()> {
    let lab = bench.node_with_uefi(
        Checkpoint::Fresh,
        "a variable store that is full when armed",
    )?;
    let store = Store::of(&lab)?;
    let before = lab.node.firmware().variables().names()?;
    let (old, mut push) = push(&lab)?;
    wait_for(&lab, &push, &["begin", "write-selector"])?;
    store.fill()?;
    let (ended, said) = push.wait(BOOT)?;
    ensure!(
        !ended.success() && said.contains("No space left"),
        "{ended}\n{said}"
    );
    old.kill()?;
    store.empty()?;
    let mut after = lab.node.firmware().variables().names()?;
    after.retain(|name| name != BOOT_CURRENT);
    ensure!(before == after, "{before:?} have become {after:?}");
    bench.ends(&lab, End::Old).map(drop)
}

/// The variables can be written no more when the order is to be turned, and when the new system is to be
/// the default: both before anything hangs on them.
pub(crate) fn read_only(bench: &mut Bench) -> Result<()> {
    let fault = "variables that are read-only when the order is turned";
    let lab = bench.node_with_uefi(Checkpoint::Armed, fault)?;
    let store = Store::of(&lab)?;
    store.pass_read_only(&lab, Choice::Jump)?;
    bench.ends_telling(&lab, End::Old, "Read-only file system")?;
    drop(store);

    let fault = "variables that are read-only when the new system is confirmed";
    let lab = bench.node_with_uefi(Checkpoint::Armed, fault)?;
    let store = Store::of(&lab)?;
    lab.pass(Choice::Jump)?;
    lab.pass(Choice::Jump)?;
    store.pass_read_only(&lab, Choice::New)?;
    bench
        .ends_telling(&lab, End::Jump, "Read-only file system")
        .map(drop)
}

/// A node's variables on a file system that has room for few.
struct Store(PathBuf);

impl Store {
    /// Moves them there.
    fn of(lab: &Lab) -> Result<Self> {
        let folder = lab.node.firmware().folder().join("efi/efivars");
        let kept = folder.with_extension("kept");
        run::quiet(run::command("cp", ["--archive"]).arg(&folder).arg(&kept))?;
        let mount = ["-t", "tmpfs", "-o", STORE, "jump-store"];
        run::quiet(run::command("mount", mount).arg(&folder))?;
        let store = Self(folder);
        let mut copy = run::command("cp", ["--archive"]);
        run::quiet(copy.arg(kept.join(".")).arg(&store.0))?;
        Ok(store)
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    fn fill(&self) -> Result<()> {
        let mut file = File::create(self.filler())?;
        loop {
            match file.write_all(&[0; 4096]) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn empty(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    /// Boots `choice`, which finds the variables read-only, to its end.
    fn pass_read_only(&self, lab: &Lab, choice: Choice) -> Result<()> {
        ensure!(
            lab.node.choose()?.choice == choice,
            "another system is next"
        );
        let remount = |how| run::quiet(run::command("mount", ["-o", how]).arg(&self.0));
        remount("remount,ro")?;
        let ended = lab.start(choice)?.wait_for_end(BOOT);
        remount("remount,rw")?;
        ended.map(drop)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let unmounted = run::quiet(run::command("umount", ["--lazy"]).arg(&self.0));
        if let Err(error) = unmounted {
            println!("{error:#}");
        }
    }
}

/// A power cut between a file's name and its clusters: FAT keeps no journal, and the kernel writes the
/// name first. What is half there is mended before it is written to again.
pub(crate) fn half_written(bench: &mut Bench) -> Result<()> {
    let lab = bench.node_with_uefi(Checkpoint::Armed, "a file of the ESP without its clusters")?;
    let node = &lab.node.node;
    let place = node.table.place(Role::Esp).context("no ESP")?;
    let image = edit::esp(&lab)?;
    let tool = |name: &str| run::command(name, ["-i", &image]);
    run::quiet(tool("mmd").arg("::/EFI/BOOT"))?;
    run::feed(tool("mcopy").args(["-", HALF]), &[b'x'; 3000])?;
    let clusters = run::capture(tool("mshowfat").arg(HALF))?;
    let (_, clusters) = clusters.rsplit_once('<').context("mshowfat says nothing")?;
    let numbers = clusters.split(|it: char| !it.is_ascii_digit());
    let numbers: Vec<u64> = numbers.filter_map(|it| it.parse().ok()).collect();
    let [first, last] = numbers[..] else {
        bail!("{clusters} are not in one piece");
    };
    let disk = File::options().read(true).write(true).open(&node.disk)?;
    let mut head = [0; 64];
    disk.read_exact_at(&mut head, place.start)?;
    let half = |at: usize| u64::from(u16::from_le_bytes([head[at], head[at + 1]]));
    // Microsoft's FAT specification: reserved sectors, number of FATs, sectors of one (FAT32).
    let (reserved, tables, length) = (half(14), u64::from(head[16]), half(36));
    for table in 0..tables {
        let at = place.start + (reserved + table * length) * SECTOR;
        let entries = usize::try_from((last - first + 1) * 4)?;
        disk.write_all_at(&vec![0; entries], at + first * 4)?;
    }
    bench.ends(&lab, End::New).map(drop)
}
