//! The maps of sparse files: where a file has data, and where holes.
//!
//! GNU tar has four formats (its manual, "Storing Sparse Files"): numbers in the header
//! and in blocks behind it (the old one), in PAX records (0.0 and 0.1) or in front of the
//! data (1.0, which is the one that is written here). All of them say where data is.

use std::io::{self, Write};

use tar_core::Header;

use crate::error::Refusal;
use crate::tar::block::{BLOCK, padding};
use crate::tar::numbers::{decimal, natural};
use crate::tar::pax::Sparse;

/// No map that is written or read has more extents.
pub(crate) const EXTENTS_CAP: usize = 1 << 17;
/// Bytes of a number in the old format.
const OLD_NUMBER: usize = 12;
/// Bytes of an extent in the old format.
const OLD_EXTENT: usize = 2 * OLD_NUMBER;
/// Where they begin in a header (`struct oldgnu_header` in GNU tar's tar.h).
const OLD_EXTENTS: usize = 386;

/// A stretch of a sparse file that has data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Of its first byte, in the file.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// What is said of a sparse file.
pub(crate) struct Found<'a> {
    /// In the order in which they are there, with empty ones.
    pub(crate) extents: Vec<Extent>,
    /// Of the file, holes included.
    pub(crate) size: u64,
    /// Bytes between header and data.
    pub(crate) length: usize,
    /// Bytes of these that the header counts as content.
    pub(crate) counted: usize,
    /// What the file is called, if not as the header says.
    pub(crate) name: Option<&'a [u8]>,
}

/// The map of a file of `size` bytes as format 1.0 has it: numbers in decimal, each on a
/// line, the count of extents first; padded to whole blocks.
pub(crate) fn encode(map: &[Extent], size: u64) -> io::Result<Vec<u8>> {
    if map.len() > EXTENTS_CAP {
        return Err(io::Error::other("it has more than 131072 extents"));
    }
    let end = map.last().map_or(0, |last| last.offset + last.length);
    // GNU tar sets the size of a file with a hole at its end by an empty last extent.
    let hole = (end < size || map.is_empty()).then_some(Extent {
        offset: size,
        length: 0,
    });
    let mut text = Vec::with_capacity(map.len() * 24);
    writeln!(text, "{}", map.len() + usize::from(hole.is_some()))?;
    for Extent { offset, length } in map.iter().chain(&hole) {
        writeln!(text, "{offset}\n{length}")?;
    }
    text.extend_from_slice(padding(text.len() as u64));
    Ok(text)
}

/// The map that the PAX records `sparse` announce or have; `None` if `data`, which begins
/// behind the header, does not hold all of it yet.
pub(crate) fn from_pax<'a>(sparse: &Sparse<'a>, data: &[u8]) -> Result<Option<Found<'a>>, Refusal> {
    match (sparse.major, sparse.minor) {
        (Some(1), Some(0)) if sparse.map.is_none() && sparse.pairs.is_empty() => {
            let size = sparse
                .real_size
                .ok_or(Refusal::Map("its size is missing"))?;
            let name = sparse.name.ok_or(Refusal::Map("its name is missing"))?;
            let map = from_lines(data)?;
            Ok(map.map(|(extents, length)| Found {
                extents,
                size,
                length,
                counted: length,
                name: Some(name),
            }))
        }
        (None, None) => {
            let extents = from_records(sparse)?;
            let size = sparse.size.or(sparse.real_size);
            Ok(Some(Found {
                extents,
                size: size.ok_or(Refusal::Map("its size is missing"))?,
                length: 0,
                counted: 0,
                name: sparse.name,
            }))
        }
        _ => Err(Refusal::Map("its format is not known")),
    }
}

/// Format 1.0: the extents and the bytes that they take.
fn from_lines(data: &[u8]) -> Result<Option<(Vec<Extent>, usize)>, Refusal> {
    let mut lines = Lines { data, at: 0 };
    let Some(count) = lines.next()? else {
        return Ok(None);
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > EXTENTS_CAP + 1 {
        return Err(TOO_MANY);
    }
    let mut extents = Vec::new();
    for _ in 0..count {
        let (Some(offset), Some(length)) = (lines.next()?, lines.next()?) else {
            return Ok(None);
        };
        extents.push(Extent { offset, length });
    }
    let length = lines.at.next_multiple_of(BLOCK);
    Ok((length <= data.len()).then_some((extents, length)))
}

/// Numbers, each on a line.
struct Lines<'a> {
    data: &'a [u8],
    at: usize,
}

impl Lines<'_> {
    /// The next number; `None` if its line is not complete yet.
    fn next(&mut self) -> Result<Option<u64>, Refusal> {
        /// Digits of the largest number, and a newline.
        const LONGEST: usize = 21;
        let rest = &self.data[self.at..];
        let rest = &rest[..rest.len().min(LONGEST)];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return if rest.len() < LONGEST {
                Ok(None)
            } else {
                Err(NO_NUMBER)
            };
        };
        self.at += end + 1;
        decimal(&rest[..end]).map(Some).ok_or(NO_NUMBER)
    }
}

/// Formats 0.0 and 0.1.
fn from_records(sparse: &Sparse<'_>) -> Result<Vec<Extent>, Refusal> {
    let numbers = match sparse.map {
        None => sparse.pairs.clone(),
        Some(_) if !sparse.pairs.is_empty() => return Err(Refusal::Map("there are two")),
        Some(map) => map
            .split(|byte| *byte == b',')
            .map(|number| decimal(number).ok_or(NO_NUMBER))
            .collect::<Result<_, _>>()?,
    };
    let (pairs, rest) = numbers.as_chunks::<2>();
    let counted = sparse
        .blocks
        .is_none_or(|count| count == pairs.len() as u64);
    if !rest.is_empty() || pairs.is_empty() || !counted {
        return Err(Refusal::Map("it is not complete"));
    }
    Ok(pairs
        .iter()
        .map(|[offset, length]| Extent {
            offset: *offset,
            length: *length,
        })
        .collect())
}

/// The old format: four extents in the header, then blocks of 21 while a flag says so.
/// `None` if `data`, which begins behind the header, does not hold all of them yet.
pub(crate) fn from_header<'a>(header: &Header, data: &[u8]) -> Result<Option<Found<'a>>, Refusal> {
    if !header.is_gnu() {
        return Err(Refusal::Map("its header is not GNU tar's"));
    }
    let (_, fields) = header.as_bytes().split_at(OLD_EXTENTS);
    let (fields, [more, rest @ ..]) = fields.split_at(4 * OLD_EXTENT) else {
        return Err(NO_NUMBER);
    };
    let size = natural(&rest[..OLD_NUMBER]).ok_or(NO_NUMBER)?;
    let mut extents = Vec::new();
    let (mut length, mut more) = (0, push_old(&mut extents, fields, *more)?);
    while more {
        let Some(block) = data.get(length..length + BLOCK) else {
            return Ok(None);
        };
        let (fields, rest) = block.split_at(21 * OLD_EXTENT);
        more = push_old(&mut extents, fields, rest[0])?;
        length += BLOCK;
    }
    Ok(Some(Found {
        extents,
        size,
        length,
        counted: 0,
        name: None,
    }))
}

/// Takes the extents of a block; gives whether another block follows.
fn push_old(extents: &mut Vec<Extent>, fields: &[u8], more: u8) -> Result<bool, Refusal> {
    let (fields, _) = fields.as_chunks::<OLD_EXTENT>();
    // An empty field ends the map, and GNU tar does not look behind it.
    let used = fields.iter().take_while(|field| field[OLD_NUMBER] != 0);
    let used = used.count();
    let idle = fields[used..].iter().flatten().all(|byte| *byte == 0);
    if !idle || (used < fields.len() && more != 0) {
        return Err(Refusal::Map("it goes on behind its end"));
    }
    if extents.len() + used > EXTENTS_CAP + 1 {
        return Err(TOO_MANY);
    }
    for field in &fields[..used] {
        let (offset, length) = field.split_at(OLD_NUMBER);
        extents.push(Extent {
            offset: natural(offset).ok_or(NO_NUMBER)?,
            length: natural(length).ok_or(NO_NUMBER)?,
        });
    }
    Ok(more != 0)
}

/// The extents of a file of `size` bytes, if they are in order and inside it: without
/// empty ones, those that touch joined.
pub(crate) fn checked(extents: Vec<Extent>, size: u64) -> Result<Vec<Extent>, Refusal> {
    let mut map: Vec<Extent> = Vec::with_capacity(extents.len());
    let mut end = 0;
    for extent in extents {
        if extent.offset < end {
            return Err(Refusal::Map("its extents overlap or are out of order"));
        }
        end = extent
            .offset
            .checked_add(extent.length)
            .filter(|end| *end <= size)
            .ok_or(Refusal::Map("an extent ends behind the end of the file"))?;
        match map.last_mut() {
            _ if extent.length == 0 => {}
            Some(last) if last.offset + last.length == extent.offset => {
                last.length += extent.length;
            }
            _ => map.push(extent),
        }
    }
    Ok(map)
}

const TOO_MANY: Refusal = Refusal::Map("it has more than 131072 extents");
const NO_NUMBER: Refusal = Refusal::Map("a number in it cannot be read");

#[cfg(test)]
mod tests {
    use super::*;

    fn extents(pairs: &[(u64, u64)]) -> Vec<Extent> {
        let extent = |(offset, length): &(u64, u64)| Extent {
            offset: *offset,
            length: *length,
        };
        pairs.iter().map(extent).collect()
    }

    #[test]
    fn a_map_is_read_back_from_its_lines() {
        for (pairs, size, text) in [
            (&[(0, 3), (4096, 5)][..], 4101, "2\n0\n3\n4096\n5\n"),
            (&[(0, 3)], 1 << 40, "2\n0\n3\n1099511627776\n0\n"),
            (&[], 7, "1\n7\n0\n"),
        ] {
            let map = extents(pairs);
            let bytes = encode(&map, size).unwrap();
            assert!(bytes.len() == BLOCK && bytes.starts_with(text.as_bytes()));
            let (found, length) = from_lines(&bytes).unwrap().unwrap();
            assert_eq!((checked(found, size), length), (Ok(map), BLOCK));
            for cut in 0..BLOCK {
                assert_eq!(from_lines(&bytes[..cut]), Ok(None), "{cut}");
            }
        }
    }

    #[test]
    fn refuses_maps_that_are_no_maps() {
        for text in [
            "x\n",
            "\n",
            "-1\n",
            "99999999999999999999999\n",
            "1\n0\nx\n",
        ] {
            assert_eq!(from_lines(text.as_bytes()), Err(NO_NUMBER), "{text}");
        }
        assert_eq!(from_lines(b"131074\n"), Err(TOO_MANY));
        assert_eq!(from_lines(b"18446744073709551615\n"), Err(TOO_MANY));
    }

    #[test]
    fn refuses_extents_that_overlap_or_leave_the_file() {
        for pairs in [
            &[(5, 5), (0, 5)][..],
            &[(0, 5), (4, 1)],
            &[(0, 11)],
            &[(10, 1)],
            &[(u64::MAX, 1)],
            &[(1, u64::MAX)],
        ] {
            assert!(checked(extents(pairs), 10).is_err(), "{pairs:?}");
        }
        let joined = checked(extents(&[(0, 2), (2, 0), (2, 3), (6, 1), (10, 0)]), 10);
        assert_eq!(joined, Ok(extents(&[(0, 5), (6, 1)])));
    }

    #[test]
    fn numbers_in_records_come_in_pairs() {
        let read = |map: &'static str| {
            let sparse = Sparse {
                map: Some(map.as_bytes()),
                ..Sparse::default()
            };
            from_records(&sparse)
        };
        assert_eq!(read("0,3,10,5"), Ok(extents(&[(0, 3), (10, 5)])));
        for map in ["", "0", "0,1,2", "0,", "a,b", "0,1\n"] {
            assert!(read(map).is_err(), "{map}");
        }
    }
}
