//! What is around a tar: gzip, zstd and xz, cut, damaged, or asking for much memory.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, ensure};

use crate::arena::{Arena, accepted, confined, refused};
use crate::frames;
use crate::reason::{CUT, ESCAPES};
use crate::ustar::{BLOCK, Tar};
use crate::{Case, Needs::Root};

/// What a damaged envelope is called.
const DAMAGED: &[&str] = &[
    "damaged",
    "corrupt",
    "cut short",
    "checksum",
    "invalid",
    "does not decode",
    "ends",
    "incomplete",
];

pub(crate) const CASES: &[Case] = &[
    ("an_archive_in_any_envelope_is_accepted", Root, || {
        for (_, archive) in envelopes(&Tar::new().file("file", "1").end())? {
            accepted(|_| archive, &["- file 1"])?;
        }
        Ok(())
    }),
    ("what_is_refused_is_refused_in_any_envelope", Root, || {
        for (program, archive) in envelopes(&Tar::new().file("../outside/evil", "1").end())? {
            refused(|_| archive, "../outside/evil", ESCAPES).context(program)?;
        }
        Ok(())
    }),
    ("an_envelope_that_is_cut_is_refused", Root, cut),
    ("an_envelope_with_a_flipped_bit_is_refused", Root, flipped),
    ("bytes_behind_an_envelope_are_refused", Root, || {
        for (program, mut archive) in envelopes(&Tar::new().file("file", "1").end())? {
            archive.extend(b"and something more");
            refused(|_| archive, "", &[DAMAGED, &["follow", "end"]].concat()).context(program)?;
        }
        Ok(())
    }),
    ("an_envelope_in_an_envelope_is_refused", Root, || {
        let inner = compress("gzip", &[], &Tar::new().file("file", "1").end())?;
        for (program, archive) in envelopes(&inner)? {
            refused(|_| archive, "", &["tar", "header", "archive"]).context(program)?;
        }
        Ok(())
    }),
    ("a_window_of_two_gibibytes_takes_no_memory", Root, || {
        // The largest window that zstd(1) makes is 2 GiB, its `--long=31`.
        for log in [31, 41] {
            let archive = frames::raw(log, &Tar::new().file("file", "1").end());
            confined(|_| archive, "", &["- file 1"])?;
        }
        Ok(())
    }),
    (
        "a_dictionary_of_four_gibibytes_takes_no_memory",
        Root,
        || {
            let mut archive = compress(
                "xz",
                &["--check=crc32"],
                &Tar::new().file("file", "1").end(),
            )?;
            // The xz file format, 1.0.4: 12 bytes of stream header, then the block header:
            // its size, flags, filter 0x21 (LZMA2), one byte of properties: 40 is 4 GiB - 1.
            ensure!(archive[14..16] == [0x21, 1], "another block header");
            archive[16] = 40;
            let end = 12 + 4 * usize::from(archive[12]);
            let sum = crc32fast::hash(&archive[12..end]).to_le_bytes();
            archive[end..end + 4].copy_from_slice(&sum);
            confined(|_| archive, "", &["- file 1"])
        },
    ),
    ("a_gzip_header_without_end_is_refused", Root, || {
        // RFC 1952: with a file name (FNAME), which a zero byte would end.
        let mut archive = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
        archive.resize(72 << 20, b'n');
        refused(|_| archive, "", DAMAGED)
    }),
    (
        "a_gibibyte_of_zeros_behind_the_end_takes_no_memory",
        Root,
        || {
            let mut archive = compress("gzip", &[], &Tar::new().file("file", "1").end())?;
            let zeros = compress("gzip", &[], &vec![0; 16 << 20])?;
            archive.extend(zeros.repeat(64));
            confined(|_| archive, "", &["- file 1"])
        },
    ),
    ("something_that_is_no_archive_is_refused", Root, || {
        for content in [
            &b"#!/bin/sh\necho evil\n"[..],
            &[b'x'; 10 * BLOCK],
            &[0x1f, 0x8b],
        ] {
            refused(
                |_| content.to_vec(),
                "",
                &["archive", "image", "tar", "header"],
            )?;
        }
        Ok(())
    }),
];

/// The archive by each program.
fn envelopes(tar: &[u8]) -> Result<[(&'static str, Vec<u8>); 3]> {
    Ok([
        ("gzip", compress("gzip", &[], tar)?),
        ("zstd", zstd(tar)?),
        ("xz", compress("xz", &[], tar)?),
    ])
}

/// One frame of zstd, with a checksum.
pub(crate) fn zstd(bytes: &[u8]) -> Result<Vec<u8>> {
    compress("zstd", &["-1", "-q"], bytes)
}

fn compress(program: &str, options: &[&str], bytes: &[u8]) -> Result<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(options).arg("-c").stdin(Stdio::piped());
    let spawned = command.stdout(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| program.to_owned())?;
    let mut input = child.stdin.take().context("no pipe")?;
    let output = thread::scope(|scope| {
        scope.spawn(move || input.write_all(bytes));
        child.wait_with_output()
    })?;
    ensure!(output.status.success(), "{program}: {output:?}");
    Ok(output.stdout)
}

/// A tar that does not compress to next to nothing.
fn ample() -> Vec<u8> {
    let noise: Vec<u8> = (0..20_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    Tar::new().file("one", &noise).file("two", "2").end()
}

fn cut() -> Result<()> {
    for (program, archive) in envelopes(&ample())? {
        let length = archive.len();
        for kept in [length - 1, length - 9, length / 2, 20, 5] {
            refused(
                |_| archive[..kept].to_vec(),
                "",
                &[DAMAGED, CUT, &["archive"]].concat(),
            )
            .with_context(|| format!("{program}: {kept} of {length}"))?;
        }
    }
    Ok(())
}

fn flipped() -> Result<()> {
    for (program, archive) in envelopes(&ample())? {
        let length = archive.len();
        // The last is in gzip's and zstd's checksum of the content.
        for at in [length / 3, length / 2, length - 3, length - 6] {
            if program == "zstd" && at == length - 6 {
                continue;
            }
            let mut archive = archive.clone();
            archive[at] ^= 0x10;
            let arena = Arena::new()?;
            let outcome = arena.extract(&archive)?;
            outcome
                .refused("", &[DAMAGED, &["header", "size"]].concat())
                .with_context(|| format!("{program}: {at} of {length}"))?;
        }
    }
    Ok(())
}
