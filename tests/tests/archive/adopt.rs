//! Archives that admins have become images, and images that any tar reads are still made.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use jumpspec::image::manifest::Manifest;

use crate::LabCase;
use crate::extracted_by::{GNU_TAR, gnu_tar_at};
use crate::lab::Lab;
use crate::listing::{Listing, ensure_equal_but};
use crate::losses::GNU_TAR_POSIX;
use crate::makers::{gnu_tar_posix, make_compressed};
use crate::programs::{adopt, build, extract, outcome, run, tool, verify};

pub(crate) const CASES: &[LabCase] = &[
    ("a_tgz_is_adopted", |lab| {
        adopted(lab, "old.tgz", &["gzip", "-1c"])
    }),
    ("a_tar_is_adopted", |lab| adopted(lab, "old.tar", &["cat"])),
    ("a_tar_zst_is_adopted", |lab| {
        adopted(lab, "old.tar.zst", &["zstd", "-q1c"])
    }),
    ("a_tar_xz_is_adopted", |lab| {
        adopted(lab, "old.tar.xz", &["xz", "-0c"])
    }),
    ("a_plain_tgz_has_its_manifest_beside_it", tgz),
    ("a_plain_tgz_is_the_same_each_time", same_tgz),
];

fn adopted(lab: &Lab, name: &str, compressor: &[&str]) -> Result<()> {
    let (source, place) = (lab.portable()?, lab.place()?);
    let (old, new, copy) = (
        place.join(name),
        place.join("new.tar.zst"),
        place.join("copy"),
    );
    make_compressed(gnu_tar_posix, &source.tree, &old, compressor)?;
    adopt(&old, &new)?;
    verify(&new)?;
    fs::create_dir(&copy)?;
    extract(&new, &copy)?;
    ensure_equal_but(&source.listing, &Listing::of(&copy)?, GNU_TAR_POSIX)
}

fn tgz(lab: &Lab) -> Result<()> {
    let (source, place) = (lab.portable()?, lab.place()?);
    let (plain, copy) = (place.join("plain.tgz"), place.join("copy"));
    build(&source.tree, &plain, &["--format", "tgz"])?.done()?;
    run(tool("gzip").arg("--test").arg(&plain))?;
    let beside = fs::read(place.join("plain.tgz.manifest.json"));
    let manifest: Manifest = serde_json::from_slice(&beside.context("no manifest")?)?;
    ensure!(manifest.name == "torture", "{}", manifest.name);
    let entries = source.listing.0.len() as u64;
    ensure!(manifest.entries == entries, "{}", manifest.entries);
    fs::create_dir(&copy)?;
    // It cannot make what is too far down, and fails for it.
    let outcome = outcome(&mut gnu_tar_at("--gzip", &plain, &copy))?;
    ensure_equal_but(&source.listing, &Listing::of(&copy)?, GNU_TAR)
        .with_context(|| format!("exit code {:?}", outcome.code))
}

fn same_tgz(lab: &Lab) -> Result<()> {
    let (source, place) = (lab.portable()?, lab.place()?);
    let (one, two) = (place.join("one.tgz"), place.join("two.tgz"));
    for tgz in [&one, &two] {
        build(&source.tree, tgz, &["--format", "tgz"])?.done()?;
    }
    let one = fs::read(one)?;
    ensure!(one == fs::read(two)?, "the bytes differ");
    // MTIME of RFC 1952, 2.3.1: 0 is "no time".
    ensure!(one[4..8] == [0; 4], "the time of compression is in it");
    Ok(())
}
