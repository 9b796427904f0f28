//! What goes in comes out, here and with GNU tar.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use jumparchive::{
    Decision, Image, PackOptions, Packer, Tree, UnpackOptions, unpack, unpack_stream, verify,
};
use tempfile::TempDir;

use crate::{Case, listing, planted};

pub(crate) const CASES: &[Case] = &[
    (
        "everything_survives_a_round_trip",
        true,
        everything_survives,
    ),
    (
        "a_stream_gives_the_same_tree",
        true,
        a_stream_gives_the_same_tree,
    ),
    (
        "gnu_tar_lists_and_extracts_the_same_tree",
        true,
        gnu_tar_extracts,
    ),
    (
        "gnu_tars_own_archives_are_understood",
        true,
        gnu_tars_archives,
    ),
    (
        "the_same_tree_gives_the_same_bytes_elsewhere",
        true,
        same_bytes,
    ),
    (
        "files_shorter_than_they_say_are_padded_and_told",
        false,
        shorter,
    ),
    ("what_vanishes_is_told", false, vanishing),
];

/// A planted tree and its image.
struct Planted {
    scratch: TempDir,
    tree: PathBuf,
    image: PathBuf,
}

impl Planted {
    fn new() -> Result<Self> {
        let scratch = tempfile::tempdir()?;
        let (tree, image) = (
            scratch.path().join("tree"),
            scratch.path().join("image.tar.zst"),
        );
        fs::create_dir(&tree)?;
        planted::plant(&tree)?;
        pack(&tree, &image)?;
        Ok(Self {
            scratch,
            tree,
            image,
        })
    }

    fn directory(&self, name: &str) -> Result<(PathBuf, File)> {
        let path = self.scratch.path().join(name);
        fs::create_dir(&path)?;
        let file = File::open(&path)?;
        Ok((path, file))
    }
}

fn pack(tree: &Path, image: &Path) -> Result<()> {
    let report = pack_with(tree, image, &|_| ())?.report;
    ensure!(report == jumparchive::Report::default(), "{report:?}");
    Ok(())
}

fn pack_with(tree: &Path, image: &Path, progress: &dyn Fn(u64)) -> Result<jumparchive::Packed> {
    let out = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(image)?;
    let mut packer = Packer::new(out, &PackOptions::default())?;
    packer.add_tree(&Tree::open(tree)?, &|_| Decision::Store, progress)?;
    Ok(packer.finish(None)?)
}

fn everything_survives() -> Result<()> {
    let planted = Planted::new()?;
    let image = verify(Image::open(File::open(&planted.image)?)?, &|_| ())?;
    let (copy, fd) = planted.directory("copy")?;
    let summary = unpack(&image, fd.as_fd(), &UnpackOptions::default())?;
    ensure!(summary.entries == image.entry_count());
    listing::compare(&planted.tree, &copy)
}

fn a_stream_gives_the_same_tree() -> Result<()> {
    let planted = Planted::new()?;
    let (copy, fd) = planted.directory("copy")?;
    let input = std::io::BufReader::new(File::open(&planted.image)?);
    unpack_stream(input, fd.as_fd(), &UnpackOptions::default())?;
    listing::compare(&planted.tree, &copy)
}

fn gnu_tar_extracts() -> Result<()> {
    let planted = Planted::new()?;
    let (copy, _) = planted.directory("copy")?;
    run(Command::new("tar")
        .args(["--zstd", "-tf"])
        .arg(&planted.image))?;
    let mut extract = Command::new("tar");
    extract
        .args(["--zstd", "-xpf"])
        .arg(&planted.image)
        .arg("-C")
        .arg(&copy);
    // POSIX ACLs ride as the attributes that the kernel has them in. GNU tar turns
    // down some of those of symlinks and devices, so its complaints do not count.
    extract.args(["--numeric-owner", "--xattrs", "--xattrs-include=*"]);
    run(&mut extract)?;
    listing::compare(&planted.tree, &copy)
}

fn gnu_tars_archives() -> Result<()> {
    let planted = Planted::new()?;
    // GNU tar writes ACLs as text under keys of its own, which are refused still.
    for (name, format) in [("posix", "--format=posix"), ("gnu", "--format=gnu")] {
        let archive = planted.scratch.path().join(format!("{name}.tar"));
        run(Command::new("tar")
            .args([format, "--numeric-owner", "--no-xattrs", "--no-acls", "-cf"])
            .arg(&archive)
            .arg("-C")
            .arg(&planted.tree)
            .arg("."))?;
        let (copy, fd) = planted.directory(name)?;
        jumparchive::unpack_tar(fs::read(&archive)?, fd.as_fd(), &UnpackOptions::default())?;
        for path in ["large", "dir/twin", "setuid", "null", "fifo", "long-target"] {
            let is = |root: &Path| -> Result<_> {
                use std::os::unix::fs::MetadataExt;
                let is = root.join(path).symlink_metadata()?;
                Ok((is.mode(), is.uid(), is.size(), is.rdev(), is.nlink()))
            };
            ensure!(is(&planted.tree)? == is(&copy)?, "{name}: {path}");
        }
    }
    Ok(())
}

fn same_bytes() -> Result<()> {
    let planted = Planted::new()?;
    let (copy, fd) = planted.directory("another name")?;
    let image = Image::open(File::open(&planted.image)?)?;
    unpack(&image, fd.as_fd(), &UnpackOptions::default())?;
    let again = planted.scratch.path().join("again.tar.zst");
    pack(&copy, &again)?;
    ensure!(
        fs::read(&planted.image)? == fs::read(&again)?,
        "the bytes differ"
    );
    Ok(())
}

fn shorter() -> Result<()> {
    // Files in sysfs say 4096 bytes and give fewer.
    let tree = Path::new("/sys/class/net/lo/statistics");
    let scratch = tempfile::tempdir()?;
    let image = scratch.path().join("image");
    let report = pack_with(tree, &image, &|_| ())?.report;
    ensure!(
        report.changed.contains(&"rx_bytes".to_owned()),
        "{report:?}"
    );
    verify(Image::open(File::open(image)?)?, &|_| ())?;
    Ok(())
}

fn vanishing() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let (tree, image) = (scratch.path().join("tree"), scratch.path().join("image"));
    fs::create_dir(&tree)?;
    for name in ["a", "b", "c"] {
        fs::write(tree.join(name), name)?;
    }
    // When the first file is done, the directory has been listed.
    let after_first = |done| {
        if done == 1 {
            drop(fs::remove_file(tree.join("b")));
        }
    };
    let finished = pack_with(&tree, &image, &after_first)?;
    ensure!(
        finished.report.vanished == ["b"] && finished.entries == 3,
        "{finished:?}"
    );
    verify(Image::open(File::open(image)?)?, &|_| ())?;
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {stderr}");
    Ok(())
}
