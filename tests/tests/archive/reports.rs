//! What an image cannot hold as it was is told and counted; with `--strict` it is refused.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::LabCase;
use crate::lab::Lab;
use crate::programs::{Outcome, build, extract, verify};
use crate::torture;

pub(crate) const CASES: &[LabCase] = &[
    ("sockets_are_left_out_and_counted", sockets),
    ("strict_refuses_sockets", strict_sockets),
    ("a_file_that_changes_while_read_is_told", changing),
    (
        "strict_refuses_a_file_that_changes_while_read",
        strict_changing,
    ),
    ("strict_takes_a_tree_that_lies_still", strict_still),
];

/// The file that changes, larger than what is read at once.
const BUSY: &str = "usr/lib/busy";
const BUSY_SIZE: u64 = 48 << 20;

/// A small tree, and a directory for its image.
fn planted(lab: &Lab) -> Result<(PathBuf, PathBuf)> {
    let place = lab.place()?;
    let (tree, out) = (place.join("tree"), place.join("out"));
    fs::create_dir(&tree)?;
    fs::create_dir(&out)?;
    torture::plant_system(&tree)?;
    Ok((tree, out))
}

fn ensure_empty(directory: &Path) -> Result<()> {
    let left = fs::read_dir(directory)?.count();
    ensure!(left == 0, "{left} files were left behind");
    Ok(())
}

/// Binds three sockets. They stay when nobody listens any more.
fn bind(tree: &Path) -> Result<()> {
    for name in ["a", "b", "c"] {
        // sun_path, unix(7), is shorter than the paths of the lab may be.
        let short = tempfile::tempdir()?;
        let link = short.path().join("tree");
        std::os::unix::fs::symlink(tree.join("var"), &link)?;
        drop(UnixListener::bind(link.join(name))?);
    }
    Ok(())
}

fn sockets(lab: &Lab) -> Result<()> {
    let (tree, out) = planted(lab)?;
    bind(&tree)?;
    let image = out.join("image.tar.zst");
    let report = json(build(&tree, &image, &["--json"])?)?;
    ensure!(report["sockets"] == 3, "{report}");
    let told = build(&tree, &image, &[])?.done()?.stdout;
    let line = told.lines().find(|line| line.contains("sockets"));
    ensure!(line.is_some_and(|line| line.contains('3')), "{told}");
    verify(&image)?;
    let copy = lab.place()?;
    extract(&image, &copy)?;
    ensure!(!copy.join("var/a").exists() && copy.join("var/run").is_symlink());
    Ok(())
}

fn strict_sockets(lab: &Lab) -> Result<()> {
    let (tree, out) = planted(lab)?;
    bind(&tree)?;
    let image = out.join("image.tar.zst");
    build(&tree, &image, &["--strict"])?.refused("socket")?;
    ensure_empty(&out)
}

fn changing(lab: &Lab) -> Result<()> {
    let (tree, out) = planted(lab)?;
    let image = out.join("image.tar.zst");
    let report = json(build_while_written(&tree, &image, &["--json"])?)?;
    ensure!(report["changed"] == serde_json::json!([BUSY]), "{report}");
    let told = build_while_written(&tree, &image, &[])?.done()?.stdout;
    ensure!(told.contains("changed") && told.contains(BUSY), "{told}");
    // It is still an image, and has as much of the file as there was.
    verify(&image)?;
    let copy = lab.place()?;
    extract(&image, &copy)?;
    let size = copy.join(BUSY).metadata()?.len();
    ensure!(size.abs_diff(BUSY_SIZE) <= 1, "{size}");
    Ok(())
}

fn strict_changing(lab: &Lab) -> Result<()> {
    let (tree, out) = planted(lab)?;
    let image = out.join("image.tar.zst");
    build_while_written(&tree, &image, &["--strict"])?.refused(BUSY)?;
    ensure_empty(&out)
}

fn strict_still(lab: &Lab) -> Result<()> {
    let (tree, out) = planted(lab)?;
    let image = out.join("image.tar.zst");
    build(&tree, &image, &["--strict"])?.done()?;
    verify(&image)
}

/// Builds while a file is written to and changes its size, from before to after.
fn build_while_written(tree: &Path, image: &Path, more: &[&str]) -> Result<Outcome> {
    let file = File::create(tree.join(BUSY))?;
    for at in (0..BUSY_SIZE).step_by(1 << 20) {
        file.write_all_at(&torture::noise(1 << 20), at)?;
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                file.set_len(BUSY_SIZE + 1)?;
                file.write_all_at(b"new", 0)?;
                file.set_len(BUSY_SIZE)?;
            }
            std::io::Result::Ok(())
        });
        let built = build(tree, image, more);
        done.store(true, Ordering::Relaxed);
        let written = writer.join();
        written.ok().context("the writer panicked")??;
        built
    })
}

fn json(outcome: Outcome) -> Result<Value> {
    Ok(serde_json::from_str(&outcome.done()?.stdout)?)
}
