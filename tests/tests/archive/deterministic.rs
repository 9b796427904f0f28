//! The same tree gives the same bytes, wherever and whenever.
//!
//! No test can turn the clock for a program alone: time namespaces leave the time of day as
//! it is. Instead, no time in an image is of today, and builds of different seconds agree.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::LabCase;
use crate::lab::Lab;
use crate::listing::{Listing, ensure_equal};
use crate::programs::{build, run, tool};

pub(crate) const CASES: &[LabCase] = &[
    (
        "a_copy_elsewhere_gives_the_same_image_under_another_name",
        a_copy_elsewhere,
    ),
    ("no_time_in_an_image_is_of_today", no_time_of_today),
];

fn a_copy_elsewhere(lab: &Lab) -> Result<()> {
    let (source, place) = (lab.copyable()?, lab.place()?);
    let copy = place.join("a copy\nof another name");
    run(tool("cp").arg("-a").arg(&source.tree).arg(&copy))?;
    ensure_equal(&source.listing, &Listing::of(&copy)?)?;
    let first = sha256(source.image()?)?;
    let built = source.image()?.metadata()?.modified()?;
    while built.elapsed()?.as_secs() == 0 {
        std::thread::yield_now();
    }
    let image = place.join("another.name");
    build(&copy, &image, &[])?.done()?;
    ensure!(sha256(&image)? == first, "the image of a copy differs");
    build(&copy, &image, &[])?.done()?;
    ensure!(sha256(&image)? == first, "the image over another differs");
    Ok(())
}

fn no_time_of_today(lab: &Lab) -> Result<()> {
    let image = lab.copyable()?.image()?;
    let today = run(tool("date").arg("+%Y-%m-%d"))?;
    let today = today.trim();
    let listed = run(tool("tar")
        .args(["--zstd", "--full-time", "-tvf"])
        .arg(image))?;
    ensure!(!listed.contains(today), "an entry has today's date");
    let tar = run(tool("sh")
        .args([
            "-c",
            "zstd -dcq \"$1\" | grep -ac '[ac]time=' || true",
            "sh",
        ])
        .arg(image))?;
    ensure!(tar.trim() == "0", "times of access or change: {tar}");
    // Ten thousand seconds begin with the same six digits.
    let stamp = run(tool("date").arg("+%s"))?[..6].to_owned();
    let front = fs::read(image)?[..64 << 10].to_vec();
    for text in [today, &today.replace('-', ""), &stamp] {
        let has = front
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes());
        ensure!(!has, "{text} is in the manifest");
    }
    Ok(())
}

fn sha256(path: &Path) -> Result<String> {
    let sum = run(tool("sha256sum").arg("--zero").arg(path))?;
    Ok(sum.split(' ').next().unwrap_or_default().to_owned())
}
