//! Nothing lost: build, verify and extract, as an admin would, give the tree again.

use std::path::Path;

use anyhow::{Result, ensure};
use jumpspec::image::manifest::Manifest;

use crate::LabCase;
use crate::lab::Lab;
use crate::listing::{Listing, ensure_equal};
use crate::programs::{extract, jumpimg, outcome, tool, verify};

pub(crate) const CASES: &[LabCase] = &[
    ("a_tree_survives_the_round_trip", a_tree),
    ("sparse_files_of_1_tib_survive_the_round_trip", giants),
    ("acls_are_stored_once", acls_once),
    ("an_image_says_how_many_entries_it_has", entries),
];

fn a_tree(lab: &Lab) -> Result<()> {
    let planted = lab.torture()?;
    verify(planted.image()?)?;
    let copy = lab.place()?;
    extract(planted.image()?, &copy)?;
    let listed = ensure_equal(&planted.listing, &Listing::of(&copy)?);
    // Both are told: one may see what the other does not.
    let synced = rsync_finds_nothing(&planted.tree, &copy);
    listed?;
    synced
}

fn giants(lab: &Lab) -> Result<()> {
    let planted = lab.giants()?;
    verify(planted.image()?)?;
    let copy = lab.place()?;
    extract(planted.image()?, &copy)?;
    ensure_equal(&planted.listing, &Listing::of(&copy)?)
}

/// rsync, asked what it would change, prints nothing. Its paths end at 4,096 bytes
/// (MAXPATHLEN of rsync.h), so it does not see what is further down.
fn rsync_finds_nothing(from: &Path, to: &Path) -> Result<()> {
    let mut rsync = tool("rsync");
    rsync.args(["-naHAX", "--numeric-ids", "--checksum", "--delete", "-i"]);
    // Times to the nanosecond.
    rsync.args(["--modify-window=-1", "--exclude=/far"]);
    let outcome = outcome(rsync.arg(from.join("")).arg(to.join("")))?.done()?;
    ensure!(outcome.stdout.is_empty(), "rsync: {}", outcome.stdout);
    Ok(())
}

/// XFS shows each ACL a second time, as it has it on disk: as attributes that on another
/// file system would be there for ever.
fn acls_once(lab: &Lab) -> Result<()> {
    let planted = lab.torture()?;
    let mut count = tool("sh");
    count.args(["-c", "zstd -dcq \"$1\" | grep -c SGI_ACL", "sh"]);
    let count = outcome(count.arg(planted.image()?))?.stdout;
    ensure!(count.trim() == "0", "lines with SGI_ACL: {count}");
    Ok(())
}

fn entries(lab: &Lab) -> Result<()> {
    let planted = lab.torture()?;
    let arguments = [
        "inspect".as_ref(),
        "--json".as_ref(),
        planted.image()?.as_os_str(),
    ];
    let json = jumpimg(arguments)?.done()?.stdout;
    let mut report: serde_json::Value = serde_json::from_str(&json)?;
    let manifest: Manifest = serde_json::from_value(report["manifest"].take())?;
    let wanted = planted.listing.0.len() as u64;
    ensure!(
        manifest.entries == wanted,
        "{} of {wanted}",
        manifest.entries
    );
    Ok(())
}
