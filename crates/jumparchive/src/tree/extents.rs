//! Where the data of a sparse file is.

use std::fs::File;
use std::io;

use rustix::fs::{SeekFrom, seek};
use rustix::io::Errno;

use crate::tar::entry::Entry;
use crate::tar::sparse::Extent;

/// No map is longer: as text it must fit an entry's headers. What has more islands is
/// stored with the smallest of its holes filled.
const EXTENTS_MAX: usize = 16 << 10;

/// The data of a file of `size` bytes, in order; `None` if it has no holes. lseek(2).
pub(crate) fn of(file: &File, size: u64) -> io::Result<Option<Vec<Extent>>> {
    let mut extents = Vec::new();
    let mut at = 0;
    while at < size {
        let begin = match seek(file, SeekFrom::Data(at)) {
            Ok(begin) => begin,
            Err(Errno::NXIO) => break,
            // This file system cannot tell.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let end = match seek(file, SeekFrom::Hole(begin)) {
            Ok(end) => end.min(size),
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        if begin < end {
            extents.push(Extent {
                offset: begin,
                length: end - begin,
            });
        }
        at = end.max(begin);
    }
    join_over_small_holes(&mut extents);
    let whole = extents.len() == 1 && extents[0].offset == 0 && extents[0].length == size;
    Ok((!whole && size > 0).then_some(extents))
}

fn join_over_small_holes(extents: &mut Vec<Extent>) {
    let mut small = 4096;
    while extents.len() > EXTENTS_MAX {
        let mut joined: Vec<Extent> = Vec::new();
        for extent in extents.drain(..) {
            match joined.last_mut() {
                Some(last) if extent.offset - (last.offset + last.length) <= small => {
                    last.length = extent.offset + extent.length - last.offset;
                }
                _ => joined.push(extent),
            }
        }
        *extents = joined;
        small *= 2;
    }
}

/// Where `length` bytes from `from` on of an entry's stored content are in its file:
/// offsets there and lengths.
pub(crate) fn stretches(
    entry: &Entry,
    from: u64,
    length: u64,
) -> impl Iterator<Item = (u64, u64)> + '_ {
    let whole = [Extent {
        offset: 0,
        length: entry.size,
    }];
    let end = from.saturating_add(length);
    let count = entry.map.as_ref().map_or(1, Vec::len);
    let mut begins = 0;
    (0..count).filter_map(move |number| {
        let extent = match &entry.map {
            Some(map) => &map[number],
            None => &whole[0],
        };
        let (first, last) = (begins, begins + extent.length);
        begins = last;
        let (low, high) = (from.max(first), end.min(last));
        (low < high).then(|| (extent.offset + (low - first), high - low))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::entry::EntryKind;
    use crate::tar::mtime::Mtime;
    use std::os::unix::fs::FileExt as _;

    #[test]
    fn finds_data_between_holes() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"island", 1 << 30).unwrap();
        file.set_len(1 << 40).unwrap();
        let extents = of(&file, 1 << 40).unwrap().unwrap();
        assert_eq!(extents.len(), 1);
        assert!(extents[0].offset <= 1 << 30 && extents[0].length < 1 << 20);
        assert_eq!(of(&file, 0).unwrap(), None);
    }

    #[test]
    fn fills_the_smallest_holes_of_what_has_too_many() {
        let islands = |gap: u64| {
            (0..20_000).map(move |n| Extent {
                offset: n * (gap + 1),
                length: 1,
            })
        };
        let mut extents: Vec<_> = islands(4096).collect();
        join_over_small_holes(&mut extents);
        assert_eq!((extents.len(), extents[0].length), (1, 19_999 * 4097 + 1));
    }

    #[test]
    fn maps_stored_bytes_to_the_file() {
        let extent = |offset, length| Extent { offset, length };
        let entry = Entry {
            path: b"sparse".to_vec(),
            kind: EntryKind::File,
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: Mtime::default(),
            size: 1000,
            xattrs: Vec::new(),
            map: Some(vec![extent(100, 10), extent(200, 20), extent(900, 5)]),
        };
        let all: Vec<_> = stretches(&entry, 0, 35).collect();
        assert_eq!(all, [(100, 10), (200, 20), (900, 5)]);
        let middle: Vec<_> = stretches(&entry, 5, 10).collect();
        assert_eq!(middle, [(105, 5), (200, 5)]);
    }
}
