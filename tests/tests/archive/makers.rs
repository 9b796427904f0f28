//! Makes archives with the tools of others.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::programs::{outcome, tool};

/// Makes an archive of all that is in a tree.
pub(crate) type Maker = fn(tree: &Path, archive: &Path) -> Command;

/// Makes `archive` of `tree`. What a tool cannot store it complains of, and goes on.
pub(crate) fn make(maker: Maker, tree: &Path, archive: &Path) -> Result<()> {
    let outcome = outcome(&mut maker(tree, archive))?;
    // 1 and 2: not all was stored. 124 and more: it was ended.
    let ended = matches!(outcome.code, Some(0..=2));
    ensure!(ended && archive.metadata()?.len() > 0, "{outcome:?}");
    Ok(())
}

/// The same, compressed by a program that is told to write to its output.
pub(crate) fn make_compressed(
    maker: Maker,
    tree: &Path,
    archive: &Path,
    compressor: &[&str],
) -> Result<()> {
    let plain = archive.with_extension("plain");
    make(maker, tree, &plain)?;
    let mut compress = tool(compressor[0]);
    compress.args(&compressor[1..]).arg(&plain);
    compress.stdout(File::create(archive)?);
    let status = compress.status()?;
    ensure!(status.success(), "{compress:?}: {status}");
    Ok(fs::remove_file(plain)?)
}

fn gnu_tar(tree: &Path, archive: &Path, options: &[&str]) -> Command {
    let mut tar = tool("tar");
    tar.args(options).arg("-cf").arg(archive);
    tar.arg("-C").arg(tree).arg(".");
    tar
}

/// All that GNU tar can keep.
pub(crate) fn gnu_tar_posix(tree: &Path, archive: &Path) -> Command {
    let all = [
        "--format=posix",
        "-S",
        "--acls",
        "--xattrs",
        "--xattrs-include=*",
    ];
    gnu_tar(tree, archive, &all)
}

/// As an admin would type it: names of owners are in it too, and no holes.
pub(crate) fn gnu_tar_plain(tree: &Path, archive: &Path) -> Command {
    gnu_tar(tree, archive, &["--format=posix"])
}

pub(crate) fn gnu_tar_gnu(tree: &Path, archive: &Path) -> Command {
    gnu_tar(tree, archive, &["--format=gnu", "-S"])
}

pub(crate) fn gnu_tar_ustar(tree: &Path, archive: &Path) -> Command {
    gnu_tar(tree, archive, &["--format=ustar"])
}

/// The older ways of GNU tar to write holes into PAX records.
pub(crate) fn gnu_tar_sparse_0_0(tree: &Path, archive: &Path) -> Command {
    gnu_tar(
        tree,
        archive,
        &["--format=posix", "-S", "--sparse-version=0.0"],
    )
}

pub(crate) fn gnu_tar_sparse_0_1(tree: &Path, archive: &Path) -> Command {
    gnu_tar(
        tree,
        archive,
        &["--format=posix", "-S", "--sparse-version=0.1"],
    )
}

fn bsdtar(tree: &Path, archive: &Path, options: &[&str]) -> Command {
    let mut tar = tool("bsdtar");
    tar.args(options).arg("-cf").arg(archive);
    tar.arg("-C").arg(tree).arg(".");
    tar
}

/// bsdtar's "restricted pax": PAX records only where they are needed.
pub(crate) fn bsdtar_default(tree: &Path, archive: &Path) -> Command {
    bsdtar(tree, archive, &[])
}

pub(crate) fn bsdtar_pax(tree: &Path, archive: &Path) -> Command {
    bsdtar(tree, archive, &["--format=pax", "--acls", "--xattrs"])
}

pub(crate) fn bsdtar_gnutar(tree: &Path, archive: &Path) -> Command {
    bsdtar(tree, archive, &["--format=gnutar"])
}

pub(crate) fn bsdtar_ustar(tree: &Path, archive: &Path) -> Command {
    bsdtar(tree, archive, &["--format=ustar"])
}

pub(crate) fn busybox(tree: &Path, archive: &Path) -> Command {
    let mut tar = tool("busybox");
    tar.args(["tar", "-cf"]).arg(archive);
    tar.arg("-C").arg(tree).arg(".");
    tar
}

/// Adds what it can read; `TarFile.add` alone would end at the first path that is too long.
const PYTHON: &str = "\
import os, sys, tarfile
archive, tree, form = sys.argv[1:]
with tarfile.open(archive, 'w', format=getattr(tarfile, form)) as tar:
    def add(path):
        try:
            # tarfile would write 1e-09, which is no number of POSIX.
            if not 0 < abs(os.lstat(path).st_mtime) < 1e-4:
                tar.add(path, recursive=False)
        except (OSError, ValueError) as error:
            print(ascii(str(error))[:300], file=sys.stderr)
            return
        if os.path.isdir(path) and not os.path.islink(path):
            for name in sorted(os.listdir(path)):
                add(path + '/' + name)
    sys.setrecursionlimit(10000)
    os.chdir(tree)
    add('.')
";

fn python(tree: &Path, archive: &Path, form: &str) -> Command {
    let mut python = tool("python3");
    python.args(["-c", PYTHON]).arg(archive).arg(tree).arg(form);
    python
}

pub(crate) fn python_pax(tree: &Path, archive: &Path) -> Command {
    python(tree, archive, "PAX_FORMAT")
}

pub(crate) fn python_gnu(tree: &Path, archive: &Path) -> Command {
    python(tree, archive, "GNU_FORMAT")
}
