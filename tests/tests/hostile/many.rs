//! Archives of more entries and headers than anybody has files: refused before they take
//! memory. Whole frames are repeated, so that they are small and quickly made.

use anyhow::Result;

use crate::arena::{Arena, refused};
use crate::envelopes::zstd;
use crate::reason::EXISTS;
use crate::ustar::{Header, Tar, record};
use crate::{Case, Needs::Root};

/// Headers in a frame, 512 bytes each.
const BATCH: usize = 10_000;

pub(crate) const CASES: &[Case] = &[
    ("ten_million_entries_are_refused", Root, || {
        // The root again and again: an entry that costs nothing but its place in a list.
        let batch = Tar::new().header(Header::new(b'5', "./")).unended();
        let archive = zstd(&batch.repeat(BATCH))?.repeat(1000);
        let why = [EXISTS, &["entries", "more than", "limit"]].concat();
        refused(|_| archive, "", &why)
    }),
    ("a_million_extended_headers_take_no_memory", Root, || {
        // 100 bytes of comment each: 100 MB if they were kept.
        let comment = record("comment", &"c".repeat(100));
        for kind in *b"xg" {
            let one = Tar::new().extended(kind, &comment).unended();
            let mut archive = zstd(&one.repeat(BATCH))?.repeat(100);
            archive.extend(zstd(&Tar::new().file("file", "1").end())?);
            bounded(&archive)?;
        }
        Ok(())
    }),
    ("a_million_long_names_take_no_memory", Root, || {
        let one = Tar::new().gnu_long(b'L', &"n".repeat(100)).unended();
        let mut archive = zstd(&one.repeat(BATCH))?.repeat(100);
        archive.extend(zstd(&Tar::new().file("file", "1").end())?);
        bounded(&archive)
    }),
];

/// Accepted or refused, in bounded memory and time either way.
fn bounded(archive: &[u8]) -> Result<()> {
    let outcome = Arena::new()?.extract(archive)?;
    if outcome.code == Some(0) {
        return Ok(());
    }
    outcome.refused("", &["header", "pax", "long", "limit", "too many", "twice"])
}
