//! Our images in the hands of others: GNU tar and bsdtar extract an equal tree, as far as
//! each of them can. What they cannot was found by trying, with the versions named.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::LabCase;
use crate::lab::{Lab, Planted};
use crate::listing::{Aspect, Listing, Loss, Where, ensure_equal_but};
use crate::programs::{outcome, tool};

pub(crate) const CASES: &[LabCase] = &[
    ("gnu_tar_extracts_our_image", gnu_tar),
    ("bsdtar_extracts_our_image", bsdtar),
    ("gnu_tar_extracts_our_sparse_files", gnu_tar_sparse),
    ("bsdtar_extracts_our_sparse_files", bsdtar_sparse),
];

/// GNU tar 1.34.
pub(crate) const GNU_TAR: &[Loss] = &[Loss {
    what: Aspect::Node,
    at: Where::Below("far"),
    why: "GNU tar gives the kernel whole paths, which end at 4,096 bytes",
}];

/// bsdtar 3.6.2.
const BSDTAR: &[Loss] = &[
    Loss {
        what: Aspect::Node,
        at: Where::Below("far"),
        why: "bsdtar gives the kernel whole paths, which end at 4,096 bytes",
    },
    Loss {
        what: Aspect::Time,
        at: Where::Root,
        why: "bsdtar leaves the time of the directory that it extracts into",
    },
    Loss {
        what: Aspect::Time,
        at: Where::Below("times/fraction-before-1970"),
        why: "libarchive reads -0.5 as 0 and a half second after it (archive_read_support_format_tar.c, pax_time)",
    },
    Loss {
        what: Aspect::Xattrs("user."),
        at: Where::Below("attributes/files/equals-sign"),
        why: "GNU tar writes = in an attribute's name as %3D, which libarchive does not read",
    },
    Loss {
        what: Aspect::Xattrs("user."),
        at: Where::Below("attributes/directories/equals-sign"),
        why: "the same",
    },
    Loss {
        what: Aspect::Xattrs("user."),
        at: Where::Below("attributes/files/percent-sign"),
        why: "GNU tar writes % in an attribute's name as %25, which libarchive does not read",
    },
    Loss {
        what: Aspect::Xattrs("user."),
        at: Where::Below("attributes/directories/percent-sign"),
        why: "the same",
    },
    Loss {
        what: Aspect::Xattrs("system.posix_acl_access"),
        at: Where::Below("acls/huge-id"),
        why: "libarchive's ids in ACLs have 31 bits",
    },
];

fn gnu_tar(lab: &Lab) -> Result<()> {
    extracts(lab, lab.torture()?, gnu_tar_zstd, GNU_TAR)
}

fn bsdtar(lab: &Lab) -> Result<()> {
    extracts(lab, lab.torture()?, bsdtar_at, BSDTAR)
}

fn gnu_tar_sparse(lab: &Lab) -> Result<()> {
    extracts(lab, lab.giants()?, gnu_tar_zstd, GNU_TAR)
}

fn bsdtar_sparse(lab: &Lab) -> Result<()> {
    extracts(lab, lab.giants()?, bsdtar_at, BSDTAR)
}

/// GNU tar with all that it can keep; `decompressor` is its option.
pub(crate) fn gnu_tar_at(decompressor: &str, image: &Path, directory: &Path) -> Command {
    let mut tar = tool("tar");
    // It takes an image for zstd if it is told to, as an image begins with a manifest.
    tar.args([decompressor, "--xattrs", "--xattrs-include=*", "--acls"]);
    tar.args(["--numeric-owner", "-xpf"]).arg(image);
    tar.arg("-C").arg(directory);
    tar
}

fn gnu_tar_zstd(image: &Path, directory: &Path) -> Command {
    let mut tar = gnu_tar_at("--zstd", image, directory);
    // Directories come first in an image; without it, GNU tar is done with one as soon as
    // the next entry is outside, and what it makes there later changes the time.
    tar.arg("--delay-directory-restore");
    tar
}

fn bsdtar_at(image: &Path, directory: &Path) -> Command {
    let mut tar = tool("bsdtar");
    tar.args(["--numeric-owner", "-xpf"]).arg(image);
    tar.arg("-C").arg(directory);
    tar
}

fn extracts(
    lab: &Lab,
    planted: &Planted,
    command: fn(&Path, &Path) -> Command,
    losses: &[Loss],
) -> Result<()> {
    let copy = lab.place()?;
    let outcome = outcome(&mut command(planted.image()?, &copy))?;
    let told = ensure_equal_but(&planted.listing, &Listing::of(&copy)?, losses);
    told.with_context(|| {
        format!(
            "exit code {:?}, {}",
            outcome.code,
            beginning(&outcome.stderr)
        )
    })
}

/// Some of what a tool complained of; each complaint may have a path of 5,000 bytes.
fn beginning(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.contains("time stamp"))
        .take(20)
        .map(|line| match line.char_indices().nth_back(200) {
            Some((at, _)) => format!("…{}\n", &line[at..]),
            None => format!("{line}\n"),
        });
    lines.collect()
}
