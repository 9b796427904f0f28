//! What no command shows: a stream that is unpacked as it comes, and files that change or
//! vanish at a known moment.

use std::fs::{self, File};
use std::io::BufReader;
use std::os::fd::AsFd;
use std::path::Path;

use anyhow::{Result, ensure};
use jumparchive::{
    Decision, Image, Node, PackOptions, Packer, Tree, UnpackOptions, unpack_stream, verify,
};

use crate::lab::Lab;
use crate::listing::{Listing, ensure_equal};
use crate::{Case, LabCase};

pub(crate) const CASES: &[Case] = &[
    (
        "files_shorter_than_they_say_are_padded_and_told",
        false,
        shorter,
    ),
    ("what_vanishes_is_told", false, vanishing),
];

pub(crate) const LAB_CASES: &[LabCase] =
    &[("a_stream_gives_the_same_tree", a_stream_gives_the_same_tree)];

fn pack_with(
    tree: &Path,
    image: &Path,
    filter: &dyn Fn(&Node) -> Decision,
) -> Result<jumparchive::Packed> {
    let out = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(image)?;
    let packer = Packer::new(out, &PackOptions::default())?;
    Ok(packer.pack(&Tree::open(tree)?, filter, None, &|_| ())?)
}

fn a_stream_gives_the_same_tree(lab: &Lab) -> Result<()> {
    let planted = lab.torture()?;
    let copy = lab.place()?;
    let input = BufReader::new(File::open(planted.image()?)?);
    unpack_stream(input, File::open(&copy)?.as_fd(), &UnpackOptions::default())?;
    ensure_equal(&planted.listing, &Listing::of(&copy)?)
}

fn shorter() -> Result<()> {
    // Files in sysfs say 4096 bytes and give fewer.
    let tree = Path::new("/sys/class/net/lo/statistics");
    let scratch = tempfile::tempdir()?;
    let image = scratch.path().join("image");
    let report = pack_with(tree, &image, &|_| Decision::Store)?.report;
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
    // When it is asked about the first file, the directory has been listed.
    let filter = |node: &Node| {
        if node.path == b"a" {
            drop(fs::remove_file(tree.join("b")));
        }
        Decision::Store
    };
    let finished = pack_with(&tree, &image, &filter)?;
    ensure!(
        finished.report.vanished == ["b"] && finished.entries == 3,
        "{finished:?}"
    );
    verify(Image::open(File::open(image)?)?, &|_| ())?;
    Ok(())
}
