//! The tests' own listing sees each kind of loss, so that a tree that it finds equal is.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::LabCase;
use crate::lab::Lab;
use crate::listing::{Listing, ensure_equal};
use crate::programs::{run, tool};
use crate::torture;

pub(crate) const CASES: &[LabCase] = &[("the_listing_sees_each_kind_of_loss", each_loss)];

/// What is done to a tree, and what the comparison must say of it.
type Loss = (&'static str, fn(&Path) -> Result<()>);

const LOSSES: &[Loss] = &[
    ("kinds/file: mode", |root| {
        by("chmod", &["0645"], &root.join("kinds/file"))
    }),
    ("kinds/fifo: owner", |root| {
        by("chown", &["-h", "7:8"], &root.join("kinds/fifo"))
    }),
    ("links/a: owner", |root| {
        by("chgrp", &["9"], &root.join("links/a"))
    }),
    ("kinds/null: device", |root| {
        let null = root.join("kinds/null");
        fs::remove_file(&null)?;
        run(tool("mknod").arg("-m640").arg(&null).args(["c", "1", "5"]))?;
        Ok(())
    }),
    ("links/dangling: target", |root| {
        fs::remove_file(root.join("links/dangling"))?;
        Ok(symlink("elsewhere", root.join("links/dangling"))?)
    }),
    ("links/z/file-again: links", |root| {
        let (name, other) = (root.join("links/z/file-again"), root.join("links/z/x"));
        fs::copy(&name, &other)?;
        Ok(fs::rename(other, name)?)
    }),
    ("content/noise-513: content", |root| {
        write(&root.join("content/noise-513"), 512)
    }),
    ("sparse/all-hole: data", |root| {
        let file = File::options()
            .write(true)
            .open(root.join("sparse/all-hole"))?;
        Ok(file.write_all_at(&[0; 4096], 1 << 20)?)
    }),
    ("sparse/many-islands: content", |root| {
        write(&root.join("sparse/many-islands"), 4096)
    }),
    ("times/usual/0/symlink: time", |root| {
        let date = ["-h", "-d", "2023-11-14T22:13:20.123456788Z"];
        by("touch", &date, &root.join("times/usual/0/symlink"))
    }),
    ("attributes/files/lines: attributes", |root| {
        let cut = ["-n", "user.lines", "-v", "one"];
        by("setfattr", &cut, &root.join("attributes/files/lines"))
    }),
    ("attributes/types/symlink: attributes", |root| {
        let name = ["-h", "-x", "trusted.jump"];
        by("setfattr", &name, &root.join("attributes/types/symlink"))
    }),
    ("acls/default-alone: attributes", |root| {
        by("setfacl", &["-k"], &root.join("acls/default-alone"))
    }),
    ("empty/b/c is missing", |root| {
        Ok(fs::remove_dir(root.join("empty/b/c"))?)
    }),
    ("not \\xff there should not be there", |root| {
        Ok(fs::write(
            root.join(OsStr::from_bytes(b"not \xff there")),
            "",
        )?)
    }),
];

fn each_loss(lab: &Lab) -> Result<()> {
    let root = lab.place()?;
    torture::plant_copyable(&root)?;
    let before = Listing::of(&root)?;
    ensure_equal(&before, &Listing::of(&root)?)?;
    for (_, lose) in LOSSES {
        lose(&root)?;
    }
    let told = ensure_equal(&before, &Listing::of(&root)?);
    let told = told
        .err()
        .map(|error| format!("{error:#}"))
        .unwrap_or_default();
    for (loss, _) in LOSSES {
        ensure!(told.contains(&format!("\n{loss}")), "{loss}: {told}");
    }
    Ok(())
}

fn by(program: &str, arguments: &[&str], path: &Path) -> Result<()> {
    let command: &mut Command = &mut tool(program);
    run(command.args(arguments).arg(path))?;
    Ok(())
}

/// Changes one byte.
fn write(path: &Path, at: u64) -> Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    Ok(file.write_all_at(&[byte[0] ^ 1], at)?)
}
