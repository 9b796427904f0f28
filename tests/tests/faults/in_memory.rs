//! Nodes whose jump system lies in memory: what it is booted from is damaged, and what a power cut takes.

use std::process::ExitStatus;

use anyhow::{Context as _, Result, ensure};
use jump_tests::machines::disk;
use jumplab::experiments::faults::End;
use jumplab::journey::Push;
use jumplab::small::Checkpoint;
use jumplab::vm::loader::{Choice, is_on_esp};
use jumplab::vm::{Guest as _, Role, Uml, until};
use jumpspec::boot::uefi::{BOOT_NEXT, BOOT_ORDER, DIRECTORY};
use jumpspec::disk::SECTOR;
use jumpspec::places::{KEPT_ROOT, ON_ESP};
use jumpspec::selector::{self, ENV};

use crate::bench::Bench;
use crate::edit;
use crate::lab::{BOOT, Lab, WAITS, said};
use crate::loader::UNPACKING;
use crate::old::push;

/// Bytes that are looked for: a cluster of the EFI system partition.
const PIECE: usize = 4096;
/// How long the new system may take to be sound.
const HEALTH: &str = "20s";
/// Makes the EFI system partition one that cannot be written to, as the kernel does where it finds a fault.
const READ_ONLY: &str =
    "umount /dev/ubda1 2>&-; mkdir -p /run/held; mount -o ro /dev/ubda1 /run/held";
/// The cure that is told.
const WRITABLE: &str = "mount -o remount,rw /run/held";
/// What the jump system says when it waits for its image.
const AWAITS: &str = "jump: wait for the target image and check it";

/// The environment is a file of a FAT there, which keeps no journal: only a whole block is believed.
pub(crate) fn environment(bench: &mut Bench) -> Result<()> {
    for (fault, bytes) in [
        ("environment block on the ESP empty when armed", &[][..]),
        ("environment block on the ESP torn when armed", &[b'#'; 512]),
    ] {
        let lab = bench.node_in_memory(Checkpoint::Armed, fault)?;
        edit::write_to_esp(&lab, &kept(&selector::file(ENV)), bytes)?;
        bench.ends(&lab, End::Old)?;
    }
    Ok(())
}

/// A signed GRUB has no digests: it starts a kernel that finds no init, or nothing.
pub(crate) fn root_damaged(bench: &mut Bench) -> Result<()> {
    for (fault, half) in [
        ("the root of a jump system in memory is cut", true),
        ("the root of a jump system in memory is empty", false),
    ] {
        let lab = bench.node_in_memory(Checkpoint::Armed, fault)?;
        let mut bytes = edit::read_from_esp(&lab, &kept(KEPT_ROOT))?;
        bytes.truncate(if half { bytes.len() / 2 } else { 0 });
        edit::write_to_esp(&lab, &kept(KEPT_ROOT), &bytes)?;
        bench.ends(&lab, End::Old)?;
    }
    let fault = "the root of a jump system in memory is another than was packed, and boots";
    let lab = bench.node_in_memory(Checkpoint::Armed, fault)?;
    let mut bytes = edit::read_from_esp(&lab, &kept(KEPT_ROOT))?;
    // A kernel passes over zeros behind an archive.
    bytes.extend([0; PIECE]);
    edit::write_to_esp(&lab, &kept(KEPT_ROOT), &bytes)?;
    let seen = bench.ends_telling(&lab, End::Old, "is not what was packed")?;
    ensure!(
        seen.booted == [Choice::Jump, Choice::Old],
        "{:?}",
        seen.booted
    );
    Ok(())
}

/// The node waits for it, reachable; when nobody sends it in time, until somebody does.
pub(crate) fn image_lost(bench: &mut Bench) -> Result<()> {
    let fault = "power cut while a jump system in memory unpacks, and nobody sends its image again";
    let lab = bench.node_in_memory(Checkpoint::Armed, fault)?;
    let piece = piece_of(&edit::read_from_esp(&lab, &kept(KEPT_ROOT))?)?;
    lab.pass(Choice::Jump)?;
    loses_its_image(bench, &lab)?;
    ensure_erased(&lab, Role::Esp, &piece)
}

/// One whose next boot is the one in which it waits for its image before the commit.
pub(crate) fn loses_its_image(bench: &mut Bench, lab: &Lab) -> Result<()> {
    let jump = lab.boot(Choice::Jump)?;
    until(AWAITS, BOOT, || said(&jump, AWAITS))?;
    let admin = resume(lab, &jump)?;
    until(UNPACKING, BOOT, || said(&jump, UNPACKING))?;
    jump.kill()?;
    admin.end()?;
    bench.ends_telling(lab, End::Jump, "nothing of the target image has come")?;

    let jump = lab.boot(Choice::Jump)?;
    until(WAITS, BOOT, || said(&jump, WAITS))?;
    let admin = resume(lab, &jump)?;
    jump.wait_for_end(BOOT)?;
    lab.pass(Choice::Jump)?;
    admin.end()?;
    bench.ends(lab, End::New).map(drop)
}

/// A push that still follows sends the image, and the new system says on the ESP why it goes back.
pub(crate) fn unsound(bench: &mut Bench) -> Result<()> {
    let fault = "a unit never comes up, after a jump system that lay in memory";
    let lab = bench.node_in_memory(Checkpoint::Fresh, fault)?;
    let job = std::fs::read_to_string(lab.node.job.file())?;
    let unsound = job
        .replace("ssh.service", "missing.service")
        .replace("[wait]", &format!("[wait]\nhealth = {HEALTH:?}"));
    std::fs::write(lab.node.job.file(), unsound)?;
    let (old, follows) = push(&lab)?;
    let ended = old.wait_for_end(BOOT);
    ended.with_context(|| follows.said().unwrap_or_default())?;
    lab.pass(Choice::Jump)?;
    lab.pass(Choice::Jump)?;
    follows.end()?;
    let seen = bench.ends_telling(&lab, End::Jump, "missing.service")?;
    ensure!(
        seen.booted == [Choice::New, Choice::Jump],
        "{:?}",
        seen.booted
    );
    Ok(())
}

/// Nothing of the run is left on the EFI system partition, nor of the jump system's host key.
pub(crate) fn taken_back(bench: &mut Bench) -> Result<()> {
    let fault = "abort of a run whose jump system would lie in memory";
    let lab = bench.node_in_memory(Checkpoint::Armed, fault)?;
    let piece = piece_of(&edit::read_from_esp(&lab, &kept(KEPT_ROOT))?)?;
    let vars = lab.node.firmware().variables();
    let armed = vars.read(BOOT_ORDER)?;
    vars.remove(BOOT_NEXT)?;
    let mut old = lab.boot(Choice::Old)?;
    old.wait_for_ssh(BOOT)?;
    old.ssh(READ_ONLY)?;
    let (ended, said) = abort_from(&lab, &old)?;
    ensure!(
        !ended.success() && said.contains("remount,rw"),
        "{ended}\n{said}"
    );
    ensure!(
        vars.read(BOOT_ORDER)? != armed,
        "the firmware's order is as it was: {said}"
    );
    old.ssh(WRITABLE)?;
    let (ended, said) = abort_from(&lab, &old)?;
    ensure!(ended.success(), "{ended}\n{said}");
    old.kill()?;
    ensure!(
        !is_on_esp(&lab.node.node.disk, DIRECTORY)?,
        "/{DIRECTORY} is still there"
    );
    ensure_erased(&lab, Role::Esp, &piece)?;
    bench.ends(&lab, End::Old).map(drop)
}

/// The admin takes the run back from the old system.
pub(crate) fn abort(lab: &Lab) -> Result<()> {
    let mut old = lab.boot(Choice::Old)?;
    old.wait_for_ssh(BOOT)?;
    let (ended, said) = abort_from(lab, &old)?;
    ensure!(ended.success(), "{ended}\n{said}");
    old.kill()
}

fn abort_from(lab: &Lab, old: &Uml<'_>) -> Result<(ExitStatus, String)> {
    let abort = (lab.node.job).command("abort", old.ssh_config(), &["--yes"]);
    let log = lab.node.node.folder.join("abort.log");
    Push::start(lab.network.inside(&abort), &log)?.wait(BOOT)
}

/// A piece of the packed root, which is nowhere else.
pub(crate) fn piece_of(root: &[u8]) -> Result<Vec<u8>> {
    let middle = root.len() / 2 / PIECE * PIECE;
    let piece = root.get(middle..middle + PIECE);
    Ok(piece.context("the root is empty")?.to_vec())
}

/// No file's end is in the middle of a piece, wherever a file system has put it.
pub(crate) fn ensure_erased(lab: &Lab, role: Role, piece: &[u8]) -> Result<()> {
    let place = disk::place(&lab.node.node, role)?;
    let sectors = (place.end - place.start) / SECTOR;
    let all = disk::sectors(&lab.node.node, place.start / SECTOR, sectors)?;
    let found = all.windows(PIECE).step_by(512).any(|it| it == piece);
    ensure!(!found, "the jump system's root is still on the disk");
    Ok(())
}

/// The admin comes back.
fn resume(lab: &Lab, jump: &Uml<'_>) -> Result<Push> {
    // What has said so may not answer yet.
    until("the jump system answers", BOOT, || jump.offers_ssh())?;
    let job = lab.node.job.file().display().to_string();
    let options = ["--yes", "--job", job.as_str()];
    let resume = (lab.node.job).command("resume", jump.ssh_config(), &options);
    let log = lab.node.node.folder.join("resume.log");
    Push::start(lab.network.inside(&resume), &log)
}

/// Where something of the run is on the EFI system partition.
fn kept(place: &str) -> String {
    format!("{ON_ESP}/{place}")
}
