//! Builds the disks that a power cut could have left, and asks GRUB what it boots from each.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::words::digest::Digest;

use super::disk::{Disk, Undo};
use super::log::Log;
use super::story::Story;
use super::tally::Tally;
use super::window::Window;
use crate::random::SplitMix;
use crate::vm::copy_sparse;
use crate::vm::loader::{self, Boot, Choice};

/// Of four writes of several sectors that land, so many land in part.
const TORN_OF_FOUR: u64 = 1;

/// What is replayed.
pub(super) struct Replay<'a> {
    pub(super) log: &'a Log,
    pub(super) story: &'a Story,
    /// The entries between flushes.
    pub(super) epochs: &'a [Range<usize>],
    pub(super) windows: &'a [Window],
    /// The environment block, in bytes of the disk: GRUB spends tries there.
    pub(super) env: Range<u64>,
    /// Kernel and initramfs of the old system and of the new one.
    pub(super) kernels: [[Digest; 2]; 2],
    /// Random subsets of each epoch's writes.
    pub(super) subsets: u32,
    /// Disks of each window to keep, to be booted.
    pub(super) boot: usize,
    pub(super) seed: u64,
    /// Lost disks that each worker keeps, of a GB or so.
    pub(super) kept_losses: usize,
    /// Where disks are kept.
    pub(super) folder: &'a Path,
}

/// A disk to boot for real.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) window: &'static str,
    pub(super) disk: PathBuf,
    /// What GRUB chose.
    pub(super) choice: Choice,
}

/// What one worker found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tally: Tally,
    pub(super) samples: Vec<Sample>,
}

/// A disk, by what of the log is on it.
#[derive(Debug, Clone, Copy)]
struct Order<'a> {
    window: &'a Window,
    epoch: usize,
    /// Which subset of the epoch's writes; none of them for `None`.
    subset: Option<u32>,
    allowed: &'a [Choice],
}

impl Replay<'_> {
    /// Replays the log on `disk`; of the epochs in windows, looks at each `workers`-th from
    /// `worker` on.
    pub(super) fn work(&self, disk: &Disk, worker: usize, workers: usize) -> Result<Found> {
        let mut found = Found::default();
        let last = self.windows.iter().map(|window| window.epochs.end).max();
        let epochs = self.epochs.iter().enumerate();
        for (epoch, entries) in epochs.take(last.unwrap_or_default()) {
            let mut windows = self.windows.iter();
            let window = windows.find(|window| window.epochs.contains(&epoch));
            if let Some(window) = window.filter(|_| epoch % workers == worker) {
                self.epoch(disk, window, epoch, &mut found)?;
            }
            for (_, write) in self.log.writes(entries.clone()) {
                disk.apply(self.log, &write)?;
            }
        }
        Ok(found)
    }

    /// The flush before an epoch, and subsets of its writes.
    fn epoch(&self, disk: &Disk, window: &Window, epoch: usize, found: &mut Found) -> Result<()> {
        let Range { start, end } = self.epochs[epoch];
        let order = |subset, allowed| Order {
            window,
            epoch,
            subset,
            allowed,
        };
        let allowed = self.story.allowed(start, start);
        self.look(disk, order(None, &allowed), 0, found)?;
        let allowed = self.story.allowed(start, end);
        for subset in 0..self.subsets {
            let mut undo = Undo::default();
            let torn = self.scatter(disk, epoch, subset, &mut undo)?;
            let looked = torn.map_or(Ok(()), |torn| {
                self.look(disk, order(Some(subset), &allowed), torn, found)
            });
            disk.take_back(undo)?;
            looked?;
        }
        Ok(())
    }

    /// Makes some of the writes, some of those in part. Says how many sectors of those are missing;
    /// nothing, if all or none were made: those disks are looked at anyway.
    fn scatter(
        &self,
        disk: &Disk,
        epoch: usize,
        subset: u32,
        undo: &mut Undo,
    ) -> Result<Option<u64>> {
        let mut random = SplitMix::new(self.seed ^ (epoch as u64) << 20 ^ u64::from(subset));
        // Now few of them, now most.
        let of_four = 1 + random.draw() % 3;
        let (mut made, mut torn, mut left_out) = (0, 0, 0);
        for (_, write) in self.log.writes(self.epochs[epoch].clone()) {
            if random.draw() % 4 >= of_four {
                left_out += 1;
                continue;
            }
            made += 1;
            let tears = write.sectors > 1 && random.draw() % 4 < TORN_OF_FOUR;
            disk.put(self.log, &write, undo, |_| {
                let lands = !tears || random.draw().is_multiple_of(2);
                torn += u64::from(!lands);
                lands
            })?;
        }
        Ok((made > 0 && left_out + torn > 0).then_some(torn))
    }

    /// Asks GRUB. Its own writes are taken back.
    fn look(&self, disk: &Disk, order: Order<'_>, torn: u64, found: &mut Found) -> Result<()> {
        let mut undo = Undo::default();
        let length = usize::try_from(self.env.end - self.env.start)?;
        disk.keep(self.env.start, length, &mut undo)?;
        let boot = self.ask(disk, order);
        disk.take_back(undo)?;
        found
            .tally
            .count(order.window.name, order.subset.is_some(), torn);
        match boot {
            Ok(boot) => {
                found.tally.chose(order.window.name, boot.choice);
                self.sample(disk, order, boot.choice, found)
            }
            Err(error) => {
                let mut lost = format!("{}, {}: ", order.window.name, order.place());
                if found.tally.lost().len() < self.kept_losses {
                    let kept = self.keep(disk, "lost", order)?;
                    lost = format!("{lost}kept as {}: ", kept.display());
                }
                found
                    .tally
                    .lose(order.window.name, format!("{lost}{error:#}"));
                Ok(())
            }
        }
    }

    fn ask(&self, disk: &Disk, order: Order<'_>) -> Result<Boot> {
        let boot = self.check(loader::choose(disk.path())?, order.allowed)?;
        if order.window.jumps_once && boot.choice == Choice::Jump {
            let next = loader::choose(disk.path())?;
            ensure!(
                next.choice == Choice::Old,
                "GRUB boots the jump system again, which had its one try:\n{}",
                next.log
            );
        }
        Ok(boot)
    }

    /// Whether that may be booted now, and is whole.
    fn check(&self, boot: Boot, allowed: &[Choice]) -> Result<Boot> {
        let log = &boot.log;
        ensure!(
            allowed.contains(&boot.choice),
            "GRUB boots {:?}, and may only boot {allowed:?}; it printed:\n{log}",
            boot.choice
        );
        let whole = match boot.choice {
            Choice::Old => &self.kernels[0],
            Choice::New => &self.kernels[1],
            // Checked against what was staged.
            Choice::Jump => &boot.digests,
        };
        ensure!(
            *whole == boot.digests,
            "GRUB boots {:?} with a kernel or initramfs that is damaged; it printed:\n{log}",
            boot.choice
        );
        Ok(boot)
    }

    /// Keeps disks around the window's turn, to be booted.
    fn sample(
        &self,
        disk: &Disk,
        order: Order<'_>,
        choice: Choice,
        found: &mut Found,
    ) -> Result<()> {
        // From the flush behind the turn outwards, by turns of a flush and of a subset.
        let middle = order.window.turn + 1;
        let rank = order.epoch.abs_diff(middle) * 2 - usize::from(order.epoch > middle);
        let is_next = match order.subset {
            None => rank.is_multiple_of(2),
            Some(subset) => subset == 0 && !rank.is_multiple_of(2),
        };
        if is_next && rank < self.boot {
            let disk = self.keep(disk, "boot", order)?;
            let window = order.window.name;
            found.samples.push(Sample {
                window,
                disk,
                choice,
            });
        }
        Ok(())
    }

    fn keep(&self, disk: &Disk, why: &str, order: Order<'_>) -> Result<PathBuf> {
        let name = format!(
            "{why}-{}.img",
            order.place().replace(", ", "-").replace(' ', "-")
        );
        let kept = self.folder.join(name);
        copy_sparse(disk.path(), &kept)?;
        Ok(kept)
    }
}

impl Order<'_> {
    /// In words: what of the log is on the disk.
    fn place(&self) -> String {
        match self.subset {
            None => format!("flush {}", self.epoch),
            Some(subset) => format!("flush {}, subset {subset}", self.epoch),
        }
    }
}

/// Runs `workers` at once, each on a disk of its own.
pub(super) fn all(replay: &Replay<'_>, start: &Path, workers: usize) -> Result<Found> {
    let work = |worker: usize| {
        let disk = Disk::copy(start, &replay.folder.join(format!("replay-{worker}.img")))?;
        replay.work(&disk, worker, workers)
    };
    let results: Vec<Result<Found>> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || work(worker)))
            .collect();
        let joined = started.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined
            .map(|joined| joined.unwrap_or_else(|_| bail!("a worker panicked")))
            .collect()
    });
    let mut all = Found {
        // In the windows' order, whoever comes first.
        tally: Tally::new(replay.windows.iter().map(|window| window.name)),
        samples: Vec::new(),
    };
    for found in results {
        let found = found.context("cannot replay")?;
        all.tally.add(found.tally);
        all.samples.extend(found.samples);
    }
    Ok(all)
}
