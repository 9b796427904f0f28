//! What all parts of a bench stand on: programs, scratch folder, input, and the ways in which a
//! command is run there so that each finds the same conditions.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jumplab::dist::Dist;
use jumplab::interrupt::Interrupt;
use jumplab::vm::Mount;
use walkdir::WalkDir;

use super::census::Census;
use super::commands::Command;
use super::fresh::{self, Shape};
use super::measure::Sample;
use super::measure::{self, Cost};
use super::scratch::{self, Scratch};

/// The file system that the input is extracted to.
pub(super) const DISK: Shape = Shape {
    size: 4 << 30,
    inodes: None,
};

/// Programs, scratch and input.
#[derive(Debug)]
pub(super) struct Ground {
    /// Ours.
    pub(super) dist: Dist,
    /// How many pairs a match has.
    pub(super) rounds: usize,
    /// Ctrl-C.
    pub(super) interrupt: Interrupt,
    /// Where everything is written.
    pub(super) scratch: Scratch,
}

impl Ground {
    /// Pairs of a match against gzip, which takes ten times as long as everything else.
    pub(super) fn gzip_rounds(&self) -> usize {
        self.rounds.min(2)
    }

    /// Times `command`, which makes `output` from `input`, and takes its size.
    pub(super) fn make(&self, command: &Command, input: &Path, output: &Path) -> Result<Sample> {
        scratch::remove(output)?;
        let cost = self.read(command, input)?;
        Ok(Sample {
            cost,
            size: Some(output.metadata()?.len()),
        })
    }

    /// Times `command`, which reads `input`, a file or a tree.
    pub(super) fn read(&self, command: &Command, input: &Path) -> Result<Cost> {
        self.interrupt.check()?;
        warm(input)?;
        settle();
        measure::cost(command)
    }

    /// Times an extraction of `archive` to a fresh file system, where it must leave what is
    /// `expected`.
    pub(super) fn extract(
        &self,
        command: impl FnOnce(&Path) -> Command,
        archive: &Path,
        expected: &Census,
    ) -> Result<Sample> {
        let place = self.place(DISK)?;
        let cost = self.read(&command(&place.folder), archive)?;
        place.holds(expected)?;
        place.disk.unmount()?;
        Ok(cost.into())
    }

    /// A folder on a fresh file system.
    pub(super) fn place(&self, shape: Shape) -> Result<Place> {
        let disk = fresh::mounted(&self.scratch, shape)?;
        let folder = disk.path().join("root");
        std::fs::create_dir(&folder)?;
        Ok(Place { disk, folder })
    }
}

/// A folder on a file system of its own.
#[derive(Debug)]
pub(super) struct Place {
    /// The file system.
    pub(super) disk: Mount,
    /// The folder.
    pub(super) folder: PathBuf,
}

impl Place {
    /// Fails where the folder holds anything else than `expected`: who leaves something out is
    /// quick.
    pub(super) fn holds(&self, expected: &Census) -> Result<()> {
        let found = Census::take(&self.folder)?;
        if found != *expected {
            bail!("an extraction left {found}, and not {expected}");
        }
        Ok(())
    }
}

/// Has the kernel write what others left to be written, before a clock starts.
pub(super) fn settle() {
    nix::unistd::sync();
}

/// Reads a file, or all files of a tree, so that they are in the page cache.
pub(super) fn warm(path: &Path) -> Result<()> {
    for entry in WalkDir::new(path) {
        let entry = entry.with_context(|| format!("cannot read {}", path.display()))?;
        if entry.file_type().is_file() {
            let mut file = File::open(entry.path())
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            std::io::copy(&mut file, &mut std::io::sink())?;
        }
    }
    Ok(())
}
