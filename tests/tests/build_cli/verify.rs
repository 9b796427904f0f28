//! `jumpimg verify` on what is not as it was built.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use anyhow::{Result, ensure};

use crate::Case;
use crate::build::build;
use crate::golden::Golden;
use crate::run::{Outcome, jumpimg};

pub(crate) const CASES: &[Case] = &[
    ("a_truncated_image_is_refused", false, truncated),
    ("a_flipped_bit_is_refused", false, flipped),
    ("more_than_an_image_is_refused", false, longer),
    ("a_foreign_file_is_refused", false, foreign),
    ("an_image_that_cannot_boot_is_refused", false, unfit),
    ("every_image_is_told_about", false, several),
    ("a_missing_file_is_a_failure", false, missing),
];

/// A golden tree and its image.
fn built() -> Result<Golden> {
    let golden = Golden::new()?;
    build(&golden, "j.tar.zst", &["--level", "1"])?.done()?;
    Ok(golden)
}

fn verify(golden: &Golden) -> Result<Outcome> {
    jumpimg(["verify".as_ref(), golden.path("j.tar.zst").as_os_str()])
}

fn open(golden: &Golden) -> Result<(File, u64)> {
    let file = File::options()
        .read(true)
        .write(true)
        .open(golden.path("j.tar.zst"))?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn truncated() -> Result<()> {
    let golden = built()?;
    let (file, length) = open(&golden)?;
    // The index frame's beginning is an entry's and a frame's boundary: all of the tar
    // stream is there, and tar would not complain.
    let all = fs::read(golden.path("j.tar.zst"))?;
    let tag = b"JMPI";
    let index = all
        .windows(4)
        .rposition(|window| window == tag)
        .unwrap_or_default()
        - 8;
    for cut in [length - 1, index as u64, 65_600, 65_536, 1000] {
        file.set_len(cut)?;
        verify(&golden)?.failed(3, "[image-truncated]")?;
    }
    file.set_len(3)?;
    verify(&golden)?.failed(3, "[not-an-image]")?;
    Ok(())
}

fn flipped() -> Result<()> {
    let golden = built()?;
    let (file, length) = open(&golden)?;
    for at in [30, 65_500, 65_536, 65_600, length - 1000, length - 1] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        file.write_all_at(&[byte[0] ^ 0x10], at)?;
        let refused = verify(&golden)?.failed(3, "[image-damaged]")?;
        ensure!(refused.stderr.lines().count() <= 3, "{refused:?}");
        file.write_all_at(&byte, at)?;
    }
    verify(&golden)?.done()?;
    Ok(())
}

fn longer() -> Result<()> {
    let golden = built()?;
    let (file, length) = open(&golden)?;
    file.write_all_at(b"more", length)?;
    verify(&golden)?.failed(3, "4 bytes follow the end of the image")?;
    Ok(())
}

fn foreign() -> Result<()> {
    let golden = built()?;
    fs::write(golden.path("j.tar.zst"), vec![b'x'; 100_000])?;
    verify(&golden)?.failed(3, "[not-an-image]")?;
    let inspected = jumpimg(["inspect".as_ref(), golden.path("j.tar.zst").as_os_str()])?;
    inspected.failed(3, "[not-an-image]")?;
    Ok(())
}

fn unfit() -> Result<()> {
    let golden = Golden::new()?;
    fs::remove_file(golden.root().join("boot/initrd.img-6.1.0-9-amd64"))?;
    fs::remove_file(golden.root().join("usr/sbin/sshd"))?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let refused = verify(&golden)?.failed(3, "[image-unfit]")?;
    for text in ["kernel 6.1.0-9-amd64 has no initramfs", "no SSH server"] {
        ensure!(refused.stderr.contains(text), "{refused:?}");
    }
    Ok(())
}

fn several() -> Result<()> {
    let golden = built()?;
    let (good, bad) = (golden.path("j.tar.zst"), golden.path("bad.tar.zst"));
    fs::write(&bad, "bad")?;
    let told = jumpimg([
        "verify".as_ref(),
        "--json".as_ref(),
        bad.as_os_str(),
        good.as_os_str(),
    ])?;
    let told = told.failed(3, "[not-an-image]")?;
    let lines: Vec<serde_json::Value> = told
        .stdout
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    ensure!(lines.len() == 2, "{told:?}");
    ensure!(lines[0]["ok"] == false && lines[0]["errors"][0]["code"] == "not-an-image");
    ensure!(lines[1]["ok"] == true && lines[1]["manifest"]["name"] == "j");
    Ok(())
}

fn missing() -> Result<()> {
    jumpimg(["verify", "/nonexistent/image"])?.failed(1, "cannot open /nonexistent/image")?;
    Ok(())
}
