//! `cargo xtask write-order`: a journey's writes, in every order in which a power cut could have left
//! them on the disk.
//!
//! A real journey is recorded. For each flush in the windows where the next boot changes hands, the
//! disk is built as it was then, and with random subsets of the writes up to the next flush, some of
//! them torn at a sector; GRUB is asked what it boots from each. Only what the promise allows at that
//! moment may come of it, with an intact kernel. Some of the disks are booted in QEMU.
//!
//! A write that QEMU had begun and not finished at a flush counts as flushed; all later ones may or may
//! not be on the disk, in the order of the log where they overlap.

mod answer;
mod disk;
mod log;
mod record;
mod replay;
mod story;
mod tally;
mod window;

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use jumpspec::disk::SECTOR;
use jumpsys::boot::bootsector::BootSector;

use self::disk::Disk;
use self::log::Log;
use self::replay::{Found, Replay};
use self::story::Story;
use self::window::Places;
use crate::vm::{Node, Role, Table, Victim, loader};

pub use record::Recording;

/// The recording's name below `target/vm/runs/`.
const NAME: &str = "write-order";

/// What to replay, and how much of it.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What the random subsets come from
    #[arg(long, value_name = "X", default_value_t = 1)]
    pub seed: u64,
    /// Random subsets of the writes between two flushes
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub subsets: u32,
    /// Disks of each window to boot in QEMU besides
    #[arg(long, value_name = "K", default_value_t = 1)]
    pub boot: usize,
    /// Replay the recording of an earlier call
    #[arg(long)]
    pub again: bool,
    /// As if the node had sent no flush: has to lose it, or nothing here can be believed
    #[arg(long)]
    pub without_flushes: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

impl Default for Options {
    /// A little of everything, and nothing booted.
    fn default() -> Self {
        Self {
            seed: 1,
            subsets: 3,
            boot: 0,
            again: false,
            without_flushes: false,
            json: false,
        }
    }
}

/// Records a journey and replays it; fails if a node would be lost.
pub fn write_order(options: &Options) -> Result<()> {
    let recording = if options.again {
        Recording::reuse(&Victim::prepare(Table::Mbr)?, NAME)
    } else {
        record::journey(NAME)?
    };
    replay(&recording, options)
}

/// Replays a recording; fails if a node would be lost.
pub fn replay(recording: &Recording, options: &Options) -> Result<()> {
    let started = Instant::now();
    let mut found = look(recording, options)?;
    eprintln!(
        "write-order: {} write orders in {} s, {} lost; {} of them are booted",
        found.tally.orders(),
        started.elapsed().as_secs(),
        found.tally.lost().len(),
        found.samples.len()
    );
    for sample in std::mem::take(&mut found.samples) {
        match answer::answers(&sample, &recording.node) {
            Ok(()) => found.tally.booted(sample.window),
            Err(error) => found.tally.lose(sample.window, format!("{error:#}")),
        }
    }
    // Those are wanted where no flush was sent.
    if !options.without_flushes {
        for lost in found.tally.lost() {
            eprintln!("lost: {lost}");
        }
    }
    if options.json {
        println!("{}", serde_json::to_string_pretty(&found.tally)?);
    } else {
        print!("{}", found.tally.table());
    }
    match found.tally.lost().len() {
        0 => Ok(()),
        lost => bail!("{lost} write orders lose the node; seed {}", options.seed),
    }
}

/// Asks GRUB about every disk.
fn look(recording: &Recording, options: &Options) -> Result<Found> {
    let log = Log::read(&recording.log)?;
    let places = places(&recording.node)?;
    let (story, env) = tell(recording, &log, &places)?;
    let mut epochs = log.epochs();
    let mut windows = window::windows(&log, &story, &places)?;
    if options.without_flushes {
        (epochs, windows) = window::without_flushes(&epochs, windows);
    }
    let digests = |disk: &Path| loader::choose(disk).map(|boot| boot.digests);
    let replay = Replay {
        log: &log,
        story: &story,
        epochs: &epochs,
        windows: &windows,
        env: env.start * SECTOR..env.end * SECTOR,
        kernels: [digests(&recording.start)?, digests(&recording.node.disk)?],
        subsets: options.subsets,
        boot: options.boot,
        seed: options.seed,
        kept_losses: if options.without_flushes { 0 } else { 2 },
        folder: &recording.node.folder,
    };
    let workers = std::thread::available_parallelism()?.get();
    replay::all(&replay, &recording.start, workers)
}

/// Where things are on the node's disk.
fn places(node: &Node) -> Result<Places> {
    let sectors = |bytes: Range<u64>| bytes.start / SECTOR..bytes.end / SECTOR;
    let partitions = node.table.partitions().into_iter();
    let mut partitions = partitions.filter_map(|partition| node.table.place(partition.role));
    let first = partitions.next().context("the disk has no partitions")?;
    let landing = node.table.place(Role::Swap);
    Ok(Places {
        landing: sectors(landing.context("the disk has no landing partition")?),
        partitions: first.start / SECTOR,
        end: node.table.disk_bytes() / SECTOR,
    })
}

/// What the log tells, and where on the disk the environment block is, in sectors: as GRUB finds it
/// when the boot sector is turned.
fn tell(recording: &Recording, log: &Log, places: &Places) -> Result<(Story, Range<u64>)> {
    let mut sector = [0; 512];
    File::open(&recording.start)?.read_exact_at(&mut sector, 0)?;
    let standard = BootSector::new(sector).kernel_sector();
    let (arm, _) = Story::armed(log, standard)?;
    let disk = Disk::copy(&recording.start, &recording.node.folder.join("armed.img"))?;
    for (_, write) in log.writes(0..arm) {
        disk.apply(log, &write)?;
    }
    let landing = recording.node.table.partition(Role::Swap);
    let landing = landing.context("the disk has no landing partition")?;
    let env = loader::environment(disk.path(), landing.number)?;
    let env = env.start + places.landing.start..env.end + places.landing.start;
    Ok((Story::read(log, standard, env.start)?, env))
}
