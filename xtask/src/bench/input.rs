//! The tree that ours and the peers work on, the same for all.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumplab::{golden, run};

use super::census::Census;
use super::commands;
use super::ground::Ground;
use super::scratch;

/// The image whose golden root is the input: about 46,000 files and 1.5 GB.
const GOLDEN: &str = "bench-debian12";

/// A tree and its archives.
#[derive(Debug)]
pub(super) struct Input {
    /// The tree.
    pub(super) root: PathBuf,
    /// What it holds.
    pub(super) census: Census,
    /// Ours, at level 3.
    pub(super) image: PathBuf,
    /// `tar | zstd -3`.
    pub(super) zstd: PathBuf,
    /// `tar -cz`.
    pub(super) gzip: PathBuf,
}

impl Input {
    /// Makes the tree from `given`, which is only read, or else from a golden root.
    ///
    /// An image leaves out what belongs to one machine, and tar does not. So what is packed by all
    /// is what GNU tar takes out of an image of the root: of that, an image leaves out nothing.
    pub(super) fn make(ground: &Ground, given: Option<&Path>) -> Result<Self> {
        let golden = match given {
            Some(root) => root.to_path_buf(),
            None => golden::make(GOLDEN, &golden::Options::default())?,
        };
        let place = |name| ground.scratch.path(name);
        let (root, image) = (place("root"), place("ours.tar.zst"));
        eprintln!("bench: preparing the input");
        run_quietly(&commands::build(&ground.dist, &golden, &image))?;
        std::fs::create_dir(&root)?;
        let attributes = ["--xattrs", "--xattrs-include=*", "--numeric-owner"];
        let mut tar = run::command("tar", ["--zstd", "-xpf"]);
        run::quiet(tar.arg(&image).args(attributes).arg("-C").arg(&root))?;
        let census = Census::take(&root)?;
        ground.interrupt.check()?;
        Ok(Self {
            root,
            census,
            image,
            zstd: place("peer.tar.zst"),
            gzip: place("peer.tgz"),
        })
    }

    /// Makes those archives of the tree that no run has made yet, for runs that extract them.
    pub(super) fn pack(&self, ground: &Ground) -> Result<()> {
        let (root, dist) = (&self.root, &ground.dist);
        if !self.zstd.exists() {
            eprintln!("bench: packing the input by tar | zstd and by jumpimg");
            run_quietly(&commands::tar_zstd(root, &self.zstd))?;
            // The image at hand is that of the golden root.
            run_quietly(&commands::build(dist, root, &self.image))?;
        }
        if !self.gzip.exists() {
            eprintln!("bench: packing the input by tar -cz (a minute or two)");
            run_quietly(&commands::tar_gzip(root, &self.gzip))?;
        }
        ground.interrupt.check()
    }

    /// Removes tree and archives: what comes next may need the room.
    pub(super) fn remove(self) -> Result<()> {
        let archives = [self.image, self.zstd, self.gzip];
        let mut places = std::iter::once(self.root).chain(archives);
        places.try_for_each(|place| scratch::remove(&place))
    }
}

fn run_quietly(command: &commands::Command) -> Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    run::quiet(&mut run::command(program, arguments))
}
