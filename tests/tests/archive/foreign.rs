//! Archives of others, extracted by `jumpinit extract`: the same tree, as far as the format
//! and the tool that wrote it can.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::LabCase;
use crate::lab::{Lab, Planted};
use crate::listing::{Listing, Loss, ensure_equal_but};
use crate::losses;
use crate::makers::{self, Maker, make, make_compressed};
use crate::programs::{extract, run, tool};

pub(crate) const CASES: &[LabCase] = &[
    ("gnu_tars_posix_archive_is_extracted", |lab| {
        portable(lab, makers::gnu_tar_posix, losses::GNU_TAR_POSIX)
    }),
    ("gnu_tars_plain_archive_is_extracted", |lab| {
        portable(lab, makers::gnu_tar_plain, losses::GNU_TAR_PLAIN)
    }),
    ("gnu_tars_gnu_archive_is_extracted", |lab| {
        portable(lab, makers::gnu_tar_gnu, losses::GNU_TAR_GNU)
    }),
    ("gnu_tars_sparse_0_0_archive_is_extracted", |lab| {
        portable(lab, makers::gnu_tar_sparse_0_0, losses::GNU_TAR_SPARSE)
    }),
    ("gnu_tars_sparse_0_1_archive_is_extracted", |lab| {
        portable(lab, makers::gnu_tar_sparse_0_1, losses::GNU_TAR_SPARSE)
    }),
    ("gnu_tars_ustar_archive_is_extracted", |lab| {
        modest(lab, makers::gnu_tar_ustar, losses::GNU_TAR_USTAR)
    }),
    ("bsdtars_default_archive_is_extracted", |lab| {
        portable(lab, makers::bsdtar_default, losses::BSDTAR_DEFAULT)
    }),
    ("bsdtars_pax_archive_is_extracted", |lab| {
        portable(lab, makers::bsdtar_pax, losses::BSDTAR_PAX)
    }),
    ("bsdtars_gnutar_archive_is_extracted", |lab| {
        portable(lab, makers::bsdtar_gnutar, losses::BSDTAR_GNUTAR)
    }),
    ("bsdtars_ustar_archive_is_extracted", |lab| {
        modest(lab, makers::bsdtar_ustar, losses::BSDTAR_USTAR)
    }),
    ("busyboxs_archive_is_extracted", |lab| {
        portable(lab, makers::busybox, losses::BUSYBOX)
    }),
    ("pythons_pax_archive_is_extracted", |lab| {
        portable(lab, makers::python_pax, losses::PYTHON_PAX)
    }),
    ("pythons_gnu_archive_is_extracted", |lab| {
        portable(lab, makers::python_gnu, losses::PYTHON_GNU)
    }),
    ("gnu_tars_archive_of_1_tib_is_extracted", |lab| {
        extracts(
            lab,
            lab.giants()?,
            makers::gnu_tar_posix,
            losses::GNU_TAR_POSIX,
        )
    }),
    ("gnu_tars_gnu_archive_of_1_tib_is_extracted", |lab| {
        extracts(lab, lab.giants()?, makers::gnu_tar_gnu, losses::GNU_TAR_GNU)
    }),
    ("bsdtars_archive_of_1_tib_is_extracted", |lab| {
        extracts(lab, lab.giants()?, makers::bsdtar_pax, losses::BSDTAR_PAX)
    }),
    ("an_archive_by_gzip_is_extracted", |lab| {
        compressed(lab, "archive.tgz", &["gzip", "-1c"])
    }),
    ("an_archive_by_zstd_is_extracted", |lab| {
        compressed(lab, "archive.tar.zst", &["zstd", "-q1c"])
    }),
    ("an_archive_by_xz_is_extracted", |lab| {
        compressed(lab, "archive.tar.xz", &["xz", "-0c"])
    }),
    ("compression_is_told_by_content_not_by_name", |lab| {
        compressed(lab, "archive.tar", &["xz", "-0c"])
    }),
    (
        "what_is_below_an_absolute_symlink_lands_inside_the_root",
        below_a_symlink,
    ),
];

fn portable(lab: &Lab, maker: Maker, losses: &[Loss]) -> Result<()> {
    extracts(lab, lab.portable()?, maker, losses)
}

fn modest(lab: &Lab, maker: Maker, losses: &[Loss]) -> Result<()> {
    extracts(lab, lab.modest()?, maker, losses)
}

fn extracts(lab: &Lab, source: &Planted, maker: Maker, losses: &[Loss]) -> Result<()> {
    let place = lab.place()?;
    let (archive, copy) = (place.join("archive.tar"), place.join("copy"));
    make(maker, &source.tree, &archive)?;
    fs::create_dir(&copy)?;
    extract(&archive, &copy)?;
    ensure_equal_but(&source.listing, &Listing::of(&copy)?, losses)
}

/// GNU tar's archive of all that it keeps, compressed by `compressor`.
fn compressed(lab: &Lab, name: &str, compressor: &[&str]) -> Result<()> {
    let (source, place) = (lab.portable()?, lab.place()?);
    let archive = place.join(name);
    make_compressed(makers::gnu_tar_posix, &source.tree, &archive, compressor)?;
    let copy = place.join("copy");
    fs::create_dir(&copy)?;
    extract(&archive, &copy)?;
    ensure_equal_but(&source.listing, &Listing::of(&copy)?, losses::GNU_TAR_POSIX)
}

/// `var/run -> /run` and then `var/run/pid`, as in an archive of two trees: the symlink
/// stays, and leads to the new root's `run`.
fn below_a_symlink(lab: &Lab) -> Result<()> {
    let place = lab.place()?;
    let (one, two, archive) = (place.join("one"), place.join("two"), place.join("a.tar"));
    fs::create_dir_all(one.join("run"))?;
    fs::create_dir_all(one.join("var"))?;
    symlink("/run", one.join("var/run"))?;
    fs::create_dir_all(two.join("var/run"))?;
    let name = format!("pid-{}", std::process::id());
    fs::write(two.join("var/run").join(&name), b"inside")?;
    run(&mut makers::gnu_tar_plain(&one, &archive))?;
    let mut append = tool("tar");
    append.arg("-rf").arg(&archive).arg("-C").arg(&two);
    run(append.arg(format!("var/run/{name}")))?;
    let copy = place.join("copy");
    fs::create_dir(&copy)?;
    let extracted = extract(&archive, &copy);
    let outside = Path::new("/run").join(&name);
    let escaped = outside.exists();
    if escaped {
        fs::remove_file(outside)?;
    }
    ensure!(!escaped, "it was written to the host's /run");
    extracted?;
    ensure!(fs::read_link(copy.join("var/run"))? == Path::new("/run"));
    ensure!(fs::read(copy.join("run").join(&name))? == b"inside");
    Ok(())
}
