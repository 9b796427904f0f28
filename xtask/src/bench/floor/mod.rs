//! The floor below which no extraction can go: the same files from memory, by two threads, with
//! the least system calls. A process of its own, `cargo xtask bench-floor`, whose clock starts
//! once everything is in its memory.

mod snapshot;
mod write;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use jumplab::run;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::stat::{Mode, umask};

use super::ground::{Ground, settle};
use super::input::Input;
use super::measure::Sample;
use super::measure::{self, Cost};
use snapshot::Snapshot;

/// Has the floor measured on a fresh file system.
pub(super) fn measure(ground: &Ground, input: &Input) -> Result<Sample> {
    ground.interrupt.check()?;
    let place = ground.place(super::ground::DISK)?;
    settle();
    let mut floor = run::command(std::env::current_exe()?, ["bench-floor"]);
    let said = run::capture(floor.arg(&input.root).arg(&place.folder))?;
    place.holds(&input.census)?;
    place.disk.unmount()?;
    Ok(measure::parse(&said)?.into())
}

/// `cargo xtask bench-floor`: takes the tree at `from` into memory, makes it anew at `to`, and
/// prints what the second half cost.
pub(crate) fn perform(from: &Path, to: &Path) -> Result<()> {
    let snapshot = Snapshot::take(from)?;
    // Modes are given as they are to be.
    umask(Mode::empty());
    let before = measure::cpu(&getrusage(UsageWho::RUSAGE_SELF)?);
    let begun = Instant::now();
    write::tree(&snapshot, to)?;
    let wall = begun.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    measure::tell(&Cost::new(wall, &usage, before))
}
