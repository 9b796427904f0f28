//! Maps of sparse files that lie, in all four formats that GNU tar has written:
//! its own (`S`), and in extended headers 0.0, 0.1 and 1.0.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;

use anyhow::{Context as _, Result, ensure};

use crate::arena::{Arena, refused};
use crate::envelopes::zstd;
use crate::reason::{CUT, NUMBER, PAX, SPARSE};
use crate::ustar::{BLOCK, Header, Tar};
use crate::{Case, Needs::Root};

pub(crate) const CASES: &[Case] = &[
    ("an_honest_map_is_accepted", Root, honest),
    ("islands_that_overlap_are_refused", Root, || {
        lies(&[(0, 512), (256, 512)], 4096, 1024)
    }),
    ("islands_that_go_backwards_are_refused", Root, || {
        lies(&[(1024, 512), (0, 512)], 4096, 1024)
    }),
    ("islands_that_overflow_are_refused", Root, || {
        lies(&[((1 << 63) - 256, 512)], 4096, 512)?;
        lies(&[((1 << 64) - 256, 512)], 4096, 512)?;
        lies(&[(0, 1 << 63), (1 << 63, 1 << 63)], 4096, 0)
    }),
    ("islands_beyond_the_end_are_refused", Root, || {
        lies(&[(4096, 512)], 4096, 512)?;
        lies(&[(3840, 512)], 4096, 512)
    }),
    ("islands_without_their_content_are_refused", Root, || {
        lies(&[(0, 512), (1024, 512)], 4096, 512)
    }),
    ("content_without_its_island_is_refused", Root, || {
        lies(&[(0, 512)], 4096, 1024)
    }),
    ("a_size_that_no_file_can_have_is_refused", Root, || {
        lies(&[(0, 512)], (1 << 63) + 512, 512)?;
        lies(&[(0, 512)], (1 << 64) - 1, 512)
    }),
    ("a_map_that_is_none_is_refused", Root, no_maps),
    ("a_sparse_directory_is_refused", Root, || {
        let records = [
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "victim"),
            ("GNU.sparse.realsize", "4096"),
        ];
        let archive = Tar::new().pax(&records).directory("directory").end();
        refused(|_| archive, "", &[SPARSE, PAX, CUT].concat())
    }),
    ("a_sparse_name_with_dots_is_refused", Root, || {
        let map = [(0, 512)];
        let archive = posix_1_0(&map, 4096, 512, "../outside/evil").end();
        refused(|_| archive, "outside/evil", crate::reason::ESCAPES)
    }),
    // Go's archive/tar kept a map in memory, however long.
    (
        "cve_2026_32288_a_map_without_end_is_refused",
        Root,
        old_without_end,
    ),
    (
        "cve_2025_58183_a_map_of_ten_million_islands_is_refused",
        Root,
        ten_million,
    ),
];

/// Offset and length of each island.
type Map<'a> = &'a [(i128, i128)];

/// The twelve bytes of a number in an old map.
fn number(header: Header, at: Range<usize>, value: i128) -> Header {
    match u64::try_from(value) {
        Ok(small) if small < 1 << 33 => header.octal(at, small),
        _ => header.base256(at, value),
    }
}

/// GNU tar's own format: up to four islands in the header (tar.h of GNU tar).
fn old(map: Map<'_>, size: i128, stored: usize) -> Tar {
    let mut header = Header::gnu(b'S', "victim");
    for (at, (offset, length)) in (386..).step_by(24).zip(map) {
        header = number(header, at..at + 12, *offset);
        header = number(header, at + 12..at + 24, *length);
    }
    header = number(header, 483..495, size);
    Tar::new().entry(header, vec![b'x'; stored])
}

fn posix_0_0(map: Map<'_>, size: i128, stored: usize) -> Tar {
    let (size, blocks) = (size.to_string(), map.len().to_string());
    let numbers: Vec<_> = map
        .iter()
        .map(|(offset, length)| (offset.to_string(), length.to_string()))
        .collect();
    let mut records = vec![
        ("GNU.sparse.size", size.as_str()),
        ("GNU.sparse.numblocks", &blocks),
    ];
    for (offset, length) in &numbers {
        records.push(("GNU.sparse.offset", offset));
        records.push(("GNU.sparse.numbytes", length));
    }
    Tar::new().pax(&records).file("victim", vec![b'x'; stored])
}

fn posix_0_1(map: Map<'_>, size: i128, stored: usize) -> Tar {
    let numbers = map.iter().flat_map(|(offset, length)| [offset, length]);
    let numbers: Vec<String> = numbers.map(ToString::to_string).collect();
    posix_0_1_text(&numbers.join(","), map.len(), size, stored)
}

fn posix_0_1_text(map: &str, blocks: usize, size: i128, stored: usize) -> Tar {
    let records = [
        ("GNU.sparse.size", &*size.to_string()),
        ("GNU.sparse.numblocks", &blocks.to_string()),
        ("GNU.sparse.name", "victim"),
        ("GNU.sparse.map", map),
    ];
    let tar = Tar::new().pax(&records);
    tar.file("GNUSparseFile.0/victim", vec![b'x'; stored])
}

fn posix_1_0(map: Map<'_>, size: i128, stored: usize, name: &str) -> Tar {
    let mut text = format!("{}\n", map.len());
    for (offset, length) in map {
        write!(text, "{offset}\n{length}\n").expect("a string takes all");
    }
    posix_1_0_text(&text, size, stored, name)
}

fn posix_1_0_text(map: &str, size: i128, stored: usize, name: &str) -> Tar {
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", name),
        ("GNU.sparse.realsize", &*size.to_string()),
    ];
    let content = Tar::new().content(map).raw(vec![b'x'; stored]).unended();
    let tar = Tar::new().pax(&records);
    tar.file("GNUSparseFile.0/victim", content)
}

/// The same file in each format.
fn formats(map: Map<'_>, size: i128, stored: usize) -> [(&'static str, Tar); 4] {
    [
        ("old", old(map, size, stored)),
        ("0.0", posix_0_0(map, size, stored)),
        ("0.1", posix_0_1(map, size, stored)),
        ("1.0", posix_1_0(map, size, stored, "victim")),
    ]
}

fn honest() -> Result<()> {
    for (format, tar) in formats(&[(4096, 512), (12_288, 0)], 12_288, 512) {
        let arena = Arena::new()?;
        let outcome = arena.extract(&tar.file("after", "1").end())?;
        outcome.accepted().context(format)?;
        arena.holds(&["- after 1", "- victim 12288 bytes"])?;
        let content = fs::read(arena.root().join("victim"))?;
        let island = 4096..4608;
        let right = |(at, byte): (usize, &u8)| *byte == u8::from(island.contains(&at)) * b'x';
        ensure!(
            content.iter().enumerate().all(right),
            "{format}: other content"
        );
    }
    Ok(())
}

fn lies(map: Map<'_>, size: i128, stored: usize) -> Result<()> {
    for (format, tar) in formats(map, size, stored) {
        let why = [SPARSE, NUMBER, PAX, CUT].concat();
        refused(|_| tar.end(), "victim", &why).context(format)?;
    }
    Ok(())
}

fn no_maps() -> Result<()> {
    let digits = "1".repeat(4 * BLOCK);
    for map in [
        "",
        "0",
        "0,512,",
        "0,,512",
        "0,512,1024",
        "-1,512",
        "a,b",
        &digits,
    ] {
        let tar = posix_0_1_text(map, 1, 4096, 512);
        let why = [SPARSE, PAX].concat();
        refused(|_| tar.end(), "", &why).with_context(|| format!("0.1: {map}"))?;
    }
    let tar = posix_0_1_text("0,512", 2, 4096, 512);
    refused(|_| tar.end(), "", &[SPARSE, PAX].concat()).context("0.1: numblocks")?;
    for map in ["", "x\n", "-1\n", "2\n0\n512\n", "1\n\n512\n", &digits] {
        let tar = posix_1_0_text(map, 4096, 0, "victim");
        let why = [SPARSE, PAX, CUT, NUMBER].concat();
        refused(|_| tar.end(), "", &why).with_context(|| format!("1.0: {map}"))?;
    }
    Ok(())
}

/// Extension blocks of twenty-one empty islands each, 128 MiB of them.
fn old_without_end() -> Result<()> {
    let mut header = Header::gnu(b'S', "victim").set(482..483, [1]);
    header = number(header, 483..495, 4096);
    let mut block = [0; BLOCK];
    for at in (0..504).step_by(12) {
        block[at..at + 11].copy_from_slice(b"00000001000");
    }
    // Lengths of 0, at the one offset.
    for at in (12..504).step_by(24) {
        block[at..at + 11].copy_from_slice(b"00000000000");
    }
    block[504] = 1;
    let mut archive = zstd(&header.block())?;
    let many = zstd(&block.repeat(1 << 12))?;
    archive.extend(many.repeat(1 << 6));
    refused(|_| archive, "", &[SPARSE, NUMBER, CUT].concat())
}

fn ten_million() -> Result<()> {
    let announced = "10000000\n";
    let tar = posix_1_0_text(announced, 4096, 0, "victim").end();
    refused(|_| tar, "victim", &[SPARSE, PAX, NUMBER, CUT].concat())?;
    // And with the islands there: 60 MB of map.
    let records = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "victim"),
        ("GNU.sparse.realsize", "4096"),
    ];
    let header = Header::new(b'0', "GNUSparseFile.0/victim").size(60_000_512);
    let tar = Tar::new()
        .pax(&records)
        .header(header)
        .raw(announced)
        .unended();
    let mut archive = zstd(&tar)?;
    archive.extend(zstd("512\n0\n".repeat(100_000).as_bytes())?.repeat(100));
    refused(|_| archive, "victim", &[SPARSE, PAX, NUMBER, CUT].concat())
}
