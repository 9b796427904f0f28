//! How cost grows: images of ever more small files, built, verified and extracted.

use anyhow::Result;
use jumplab::statistics::Spread;
use serde::Serialize;

use super::census::Census;
use super::commands;
use super::contest::Work;
use super::fresh::Shape;
use super::ground::Ground;
use super::measure::Cost;
use super::small_files;

/// How many files the trees have.
const COUNTS: [u64; 3] = [50_000, 200_000, 1_000_000];

/// The file systems that each is made on and extracted to: of one size, so that only the files
/// differ.
const DISK: Shape = Shape {
    size: 6 << 30,
    inodes: Some(1_100_000),
};

/// What one number of files cost.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Growth {
    /// How many.
    pub(super) files: u64,
    /// Bytes of the image.
    pub(super) size: u64,
    /// Building it.
    pub(super) build: Cost,
    /// Verifying it.
    pub(super) verify: Cost,
    /// Extracting it, a run each.
    pub(super) extracts: Vec<Cost>,
}

impl Growth {
    /// Microseconds by the clock that an extraction takes for each file.
    pub(super) fn time_per_file(&self) -> Option<Spread> {
        self.per_file(|cost| cost.wall)
    }

    /// Microseconds of CPU that an extraction takes for each file.
    pub(super) fn cpu_per_file(&self) -> Option<Spread> {
        self.per_file(|cost| cost.cpu)
    }

    /// Peaks of memory of each run of a work, in bytes.
    pub(super) fn peaks(&self, work: Work) -> Vec<u64> {
        match work {
            Work::Build => vec![self.build.peak],
            Work::Verify => vec![self.verify.peak],
            Work::Extract => self.extracts.iter().map(|cost| cost.peak).collect(),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer than 2^52 files"
    )]
    fn per_file(&self, seconds: impl Fn(&Cost) -> f64) -> Option<Spread> {
        let files = self.files as f64;
        Spread::of(self.extracts.iter().map(|cost| seconds(cost) * 1e6 / files))
    }
}

/// Makes an image of each number of files, and extracts them in turn.
pub(super) fn measure(ground: &Ground) -> Result<Vec<Growth>> {
    let mut growth = Vec::new();
    let mut expected = Vec::new();
    for files in COUNTS {
        let (made, census) = prepare(ground, files)?;
        growth.push(made);
        expected.push(census);
    }
    // As in a contest, one run that does not count: the dearest, so that all memory was used.
    if let (Some(made), Some(census)) = (growth.last(), expected.last()) {
        extract(ground, made.files, census)?;
    }
    for round in 0..ground.rounds {
        for turn in 0..COUNTS.len() {
            // The first of a round is another each time.
            let at = (turn + round) % COUNTS.len();
            let cost = extract(ground, growth[at].files, &expected[at])?;
            tell("extract", growth[at].files, &cost);
            growth[at].extracts.push(cost);
        }
    }
    Ok(growth)
}

/// Makes a tree and its image. The tree is on a file system of its own, with which it goes at
/// once: a million files are not removed one by one in less than minutes.
fn prepare(ground: &Ground, files: u64) -> Result<(Growth, Census)> {
    eprintln!("bench: making {files} small files");
    let (place, image) = (ground.place(DISK)?, image(ground, files));
    let root = &place.folder;
    small_files::make(root, files)?;
    let census = Census::take(root)?;
    let built = ground.make(&commands::build(&ground.dist, root, &image), root, &image)?;
    tell("build", files, &built.cost);
    place.disk.unmount()?;
    let verify = ground.read(&commands::verify(&ground.dist, &image), &image)?;
    tell("verify", files, &verify);
    let growth = Growth {
        files,
        size: built.size.unwrap_or_default(),
        build: built.cost,
        verify,
        extracts: Vec::new(),
    };
    Ok((growth, census))
}

fn extract(ground: &Ground, files: u64, expected: &Census) -> Result<Cost> {
    let (place, image) = (ground.place(DISK)?, image(ground, files));
    let command = commands::extract_and_sync(&ground.dist, &image, &place.folder);
    let cost = ground.read(&command, &image)?;
    place.holds(expected)?;
    place.disk.unmount()?;
    Ok(cost)
}

fn image(ground: &Ground, files: u64) -> std::path::PathBuf {
    ground.scratch.path(&format!("small-{files}.tar.zst"))
}

fn tell(what: &str, files: u64, cost: &Cost) {
    let Cost { wall, cpu, peak } = cost;
    eprintln!(
        "bench: growth: {what} {files}: {wall:.2} s, {cpu:.2} s of CPU, {} MiB",
        peak >> 20
    );
}
