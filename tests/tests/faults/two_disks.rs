//! Nodes with a second disk, which is not replaced and has what a run needs: the landing partition, made
//! for the run, or the EFI system partition.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::run;
use jumplab::small::Checkpoint;
use jumplab::vm::loader::{Choice, is_on_esp};
use jumplab::vm::{Board, LoopDevice, Role};
use jumpspec::boot::uefi::DIRECTORY;
use jumpspec::disk::table::GPT_ESP;
use jumpsys::disk::partition::read_table;

use crate::bench::Bench;
use crate::lab::{BOOT, Lab};
use crate::loader::UNPACKING;
use crate::old::{push, wait_for};

/// What the second disk has: room for a landing partition behind its data.
const DISK: u64 = 400 << 20;
const DATA: Range<u64> = 1 << 20..17 << 20;
/// Before its first partition, and where the second copy of a GPT is.
const HEAD: Range<u64> = 0..1 << 20;
const TAIL: Range<u64> = DISK - (1 << 20)..DISK;
/// What the jump system says when it makes the new system's loader.
const LOADER: &str = "jump: install GRUB";

/// Gives the node a second disk with that table, by sfdisk's script, and that in its first partition.
fn second_disk(lab: &mut Lab, script: &str, content: &[u8]) -> Result<()> {
    let image = lab.node.node.beside();
    File::create(&image)?.set_len(DISK)?;
    LoopDevice::partition_new(&image, 512, script)?.detach()?;
    let disk = File::options().write(true).open(&image)?;
    disk.write_all_at(content, DATA.start)?;
    lab.board = Board::of(&lab.node.node);
    lab.jump_board = lab.board.clone();
    Ok(())
}

fn read(image: &Path, part: Range<u64>) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(part.end - part.start)?];
    File::open(image)?.read_exact_at(&mut bytes, part.start)?;
    Ok(bytes)
}

/// What of the second disk is nobody's to change.
fn theirs(lab: &Lab) -> Result<[Vec<u8>; 3]> {
    let image = lab.node.node.beside();
    Ok([
        read(&image, HEAD)?,
        read(&image, DATA)?,
        read(&image, TAIL)?,
    ])
}

/// Pushes until the old system is gone.
fn pushed(lab: &Lab) -> Result<()> {
    let (old, push) = push(lab)?;
    let ended = old.wait_for_end(BOOT);
    ended
        .with_context(|| push.said().unwrap_or_default())
        .map(drop)
}

/// Made there, cut when it is, made use of, cut in the replacement; in the end the disk is what it was.
pub(crate) fn landing(bench: &mut Bench) -> Result<()> {
    for label in ["dos", "gpt"] {
        let fault = format!("power cuts, the landing partition on a second disk ({label})");
        let mut lab = bench.node(Checkpoint::Fresh, &fault)?;
        let kind = if label == "dos" { "83" } else { "L" };
        let script = format!("label: {label}\nstart=1MiB, size=16MiB, type={kind}\n");
        second_disk(&mut lab, &script, b"somebody's data")?;
        lab.node.job.set("landing", "partition", "free")?;
        let before = theirs(&lab)?;
        let numbers = || -> Result<Vec<u32>> {
            let table = read_table(&lab.node.node.beside())?;
            Ok(table.partitions().iter().map(|it| it.number).collect())
        };
        let own = read(&lab.node.node.disk, HEAD)?;
        let (old, first) = push(&lab)?;
        wait_for(&lab, &first, &[r#""done""#, r#""step":"add-landing""#])?;
        old.kill()?;
        drop(first);
        ensure!(numbers()? == [1, 2], "{:?}", numbers()?);
        ensure!(
            read(&lab.node.node.disk, HEAD)? == own,
            "the other disk was written to"
        );
        bench.ends(&lab, End::Old)?;
        pushed(&lab)?;
        lab.jump_board.root = Some("/dev/ubdb2".to_owned());
        lab.cut(Choice::Jump, UNPACKING, Duration::from_millis(500))?;
        lab.cut(Choice::Jump, LOADER, Duration::from_millis(200))?;
        bench.ends(&lab, End::New)?;
        ensure!(
            theirs(&lab)? == before,
            "the second disk is not what it was"
        );
    }
    Ok(())
}

/// The EFI system partition moves there with its number, place and GUID, so that the firmware finds it.
pub(crate) fn esp(bench: &mut Bench) -> Result<()> {
    let fault = "power cuts, the EFI system partition on a second disk";
    let mut lab = bench.node_with_uefi(Checkpoint::Fresh, fault)?;
    let disk = lab.node.node.disk.clone();
    let place = lab.node.node.table.place(Role::Esp).context("no ESP")?;
    let esp = read(&disk, place.clone())?;
    let table = read_table(&disk)?;
    let mut partitions = table.partitions().iter();
    let found = partitions.find(|it| it.type_code == GPT_ESP);
    let found = found.context("no ESP")?;
    let id = found.partuuid.as_deref().unwrap_or_default();
    let script = format!(
        "label: gpt\nstart={}, size={}, type={GPT_ESP}, uuid={id}\n",
        found.start, found.sectors
    );
    run::quiet(
        run::command("sfdisk", ["--quiet", "--delete"])
            .arg(&disk)
            .arg("1"),
    )?;
    second_disk(&mut lab, &script, &esp)?;
    let image = lab.node.node.beside();
    let tables = || -> Result<_> { Ok((read(&image, HEAD)?, read(&image, TAIL)?)) };
    let before = tables()?;
    pushed(&lab)?;
    // The firmware's first boot of the jump system, and the one by its order.
    lab.pass(Choice::Jump)?;
    lab.cut(Choice::Jump, UNPACKING, Duration::from_millis(500))?;
    lab.cut(Choice::Jump, LOADER, Duration::from_millis(500))?;
    let seen = bench.ends(&lab, End::New)?;
    ensure!(seen.booted.ends_with(&[Choice::New]), "{:?}", seen.booted);
    ensure!(
        tables()? == before,
        "the table of the second disk was written"
    );
    ensure!(!is_on_esp(&disk, DIRECTORY)?, "the selector is still there");
    Ok(())
}
