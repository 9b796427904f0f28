//! Nodes that boot by a BIOS and whose jump system lies in memory, booted from their /boot.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use jump_tests::machines::disk;
use jumplab::experiments::faults::End;
use jumplab::small::Checkpoint;
use jumplab::vm::loader::{Choice, is_on};
use jumplab::vm::{BOOT_UUID, Role};
use jumpspec::places::{KEPT_KERNEL, KEPT_ROOT, ON_BOOT};
use jumpspec::selector::{self, ENV, OLD_SECTOR};

use crate::bench::Bench;
use crate::edit;
use crate::in_memory::{abort, ensure_erased, loses_its_image, piece_of};
use crate::lab::Lab;

/// Only a whole block is believed.
pub(crate) fn environment(bench: &mut Bench) -> Result<()> {
    for (fault, bytes) in [
        ("environment block on /boot empty when armed", &[][..]),
        ("environment block on /boot torn when armed", &[b'#'; 512]),
    ] {
        let lab = bench.node_in_boot(Checkpoint::Armed, fault)?;
        change(&lab, &selector::file(ENV), |path| {
            Ok(std::fs::write(path, bytes)?)
        })?;
        bench.ends(&lab, End::Old)?;
    }
    Ok(())
}

/// The loader asks for the digests of what it boots.
pub(crate) fn root_damaged(bench: &mut Bench) -> Result<()> {
    type Damage = fn(&Path) -> Result<()>;
    let damages: [(&str, &str, Damage); 3] = [
        ("a bit of the root on /boot flipped", KEPT_ROOT, edit::flip),
        ("the root on /boot is cut", KEPT_ROOT, edit::cut),
        (
            "a bit of the kernel on /boot flipped",
            KEPT_KERNEL,
            edit::flip,
        ),
    ];
    for (fault, place, damage) in damages {
        let lab = bench.node_in_boot(Checkpoint::Armed, fault)?;
        change(&lab, place, damage)?;
        let seen = bench.ends(&lab, End::Old)?;
        ensure!(seen.booted == [Choice::Old], "{:?}", seen.booted);
    }
    Ok(())
}

/// The node waits for it, reachable; when nobody sends it in time, until somebody does.
pub(crate) fn image_lost(bench: &mut Bench) -> Result<()> {
    let fault = "power cut while a jump system in memory unpacks, booted from /boot";
    let lab = bench.node_in_boot(Checkpoint::Armed, fault)?;
    let piece = piece_of_root(&lab)?;
    loses_its_image(bench, &lab)?;
    ensure_gone(&lab, &piece)
}

/// Nothing of the run is left on /boot, nor of the jump system's host key.
pub(crate) fn taken_back(bench: &mut Bench) -> Result<()> {
    let fault = "abort of a run whose jump system would be booted from /boot";
    let lab = bench.node_in_boot(Checkpoint::Armed, fault)?;
    let piece = piece_of_root(&lab)?;
    let old = change(&lab, &selector::file(OLD_SECTOR), |path| {
        Ok(std::fs::read(path)?)
    })?;
    edit::write(&lab, 0, &old)?;
    abort(&lab)?;
    ensure_gone(&lab, &piece)?;
    bench.ends(&lab, End::Old).map(drop)
}

/// Does something with a file of the run.
fn change<T: Send>(
    lab: &Lab,
    place: &str,
    edit: impl FnOnce(&Path) -> Result<T> + Send,
) -> Result<T> {
    disk::with_mounted(&lab.node.node, Role::Boot, |boot| edit(&kept(boot, place)))
}

fn kept(boot: &Path, place: &str) -> PathBuf {
    boot.join(ON_BOOT).join(place)
}

fn piece_of_root(lab: &Lab) -> Result<Vec<u8>> {
    change(lab, KEPT_ROOT, |path| piece_of(&std::fs::read(path)?))
}

fn ensure_gone(lab: &Lab, piece: &[u8]) -> Result<()> {
    ensure!(
        !is_on(&lab.node.node.disk, BOOT_UUID, ON_BOOT)?,
        "/{ON_BOOT} is still there"
    );
    ensure_erased(lab, Role::Boot, piece)
}
