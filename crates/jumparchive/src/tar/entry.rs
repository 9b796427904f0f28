//! One archive entry, taken from its headers under strict rules: what readers could take
//! for different things, and what would be lost, is refused and never guessed.

use std::borrow::Cow;

use tar_core::Header;

use crate::error::{Refusal, Result, refuse};
use crate::tar::mtime::Mtime;
use crate::tar::numbers::{field, natural};
use crate::tar::pax::Pax;
use crate::tar::sparse::{self, Extent, Found};

/// No name that is written or read is longer.
pub(crate) const NAME_CAP: usize = 1 << 20;

/// The headers of one entry.
pub(crate) struct Chain<'a> {
    /// Its own.
    pub(crate) header: &'a Header,
    /// PAX records.
    pub(crate) records: &'a [u8],
    /// GNU tar's long name and long link name.
    pub(crate) long_name: Option<&'a [u8]>,
    pub(crate) long_link: Option<&'a [u8]>,
    /// What follows the header.
    pub(crate) data: &'a [u8],
}

/// Linux has as many bits for a device's numbers (include/linux/kdev_t.h).
pub(crate) const MAJOR_BITS: u32 = 12;
pub(crate) const MINOR_BITS: u32 = 20;

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link and its target, which can be anything.
    Symlink(Vec<u8>),
    /// Another name for an earlier entry.
    HardLink(Vec<u8>),
    /// A character device, major and minor number.
    CharDevice(u32, u32),
    /// A block device, major and minor number.
    BlockDevice(u32, u32),
    /// A named pipe.
    Fifo,
}

/// One archive entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Below the root, without `.` and `..`; empty for the root itself.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time.
    pub mtime: Mtime,
    /// Of the content as a reader of the file sees it, holes included, in bytes; 0 unless
    /// a file.
    pub size: u64,
    /// Extended attributes as the kernel has them, ACLs among them.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where a sparse file has data: in order, apart from each other, none empty. Nothing
    /// for a file that is stored whole.
    pub map: Option<Vec<Extent>>,
}

impl Entry {
    /// Bytes of content that follow the headers and the sparse map in the tar stream,
    /// without padding.
    pub fn stored(&self) -> u64 {
        match &self.map {
            None => self.size,
            Some(map) => map.iter().map(|extent| extent.length).sum(),
        }
    }

    /// Takes an entry from its headers, or refuses it. Gives also the bytes between the
    /// last header and the data; nothing if not all of them are there yet.
    pub(crate) fn from_chain(chain: &Chain<'_>) -> Result<Option<(Self, usize)>> {
        let header_name = header_path(chain.header);
        let name = chain.long_name.unwrap_or(&header_name);
        let pax = Pax::read(chain.records).map_err(|why| refuse(name, why))?;
        let name = match pax.path {
            Some(path) if chain.long_name.is_some_and(|name| name != path) => {
                return Err(refuse(path, Refusal::Contradiction("name")));
            }
            path => path.unwrap_or(name),
        };
        let found = match shape(chain, &pax).map_err(|why| refuse(name, why))? {
            Shape::More => return Ok(None),
            Shape::Whole => None,
            Shape::Sparse(found) => Some(found),
        };
        let name = found.as_ref().and_then(|found| found.name).unwrap_or(name);
        let path = clean_path(name)?;
        let length = found.as_ref().map_or(0, |found| found.length);
        let entry = Self::assemble(chain, pax, found, name.ends_with(b"/"));
        let entry = entry.map_err(|why| refuse(&path, why))?;
        Ok(Some((Self { path, ..entry }, length)))
    }

    /// Everything but the path.
    fn assemble(
        chain: &Chain<'_>,
        pax: Pax<'_>,
        found: Option<Found<'_>>,
        slash: bool,
    ) -> Result<Self, Refusal> {
        let fields = chain.header.as_ustar();
        let kind = kind_of(chain, &pax, slash)?;
        let archived = archived_size(&fields.size, pax.size)?;
        let (size, map) = match found {
            Some(found) => split_size(archived, found)?,
            None => (archived, None),
        };
        if size > LARGEST {
            return Err(Refusal::Number("size"));
        }
        match kind {
            EntryKind::File => {}
            _ if map.is_some() => return Err(Refusal::Map("it is no file's")),
            // POSIX has allowed data behind a hard link since 2001; GNU tar takes it for
            // none, libarchive guesses.
            EntryKind::HardLink(_) if size > 0 => return Err(Refusal::LinkContent),
            _ if size > 0 => return Err(Refusal::Content),
            _ => {}
        }
        let mode = natural(&fields.mode).and_then(|mode| u32::try_from(mode).ok());
        let mode = mode.ok_or(Refusal::Number("mode"))? & 0o7777;
        let (xattrs, acl) = pax.xattrs.resolve(kind == EntryKind::Directory)?;
        Ok(Self {
            path: Vec::new(),
            kind,
            mode: acl.map_or(mode, |acl| acl.mode(mode)),
            uid: id(&fields.uid, pax.uid, "uid")?,
            gid: id(&fields.gid, pax.gid, "gid")?,
            mtime: mtime(&fields.mtime, pax.mtime)?,
            size,
            xattrs,
            map,
        })
    }
}

/// No file is larger: `off_t` has a sign.
const LARGEST: u64 = i64::MAX as u64;
/// The largest number that eleven octal digits hold.
const OCTAL_SIZE: u64 = 0o77_777_777_777;

/// What the header alone calls an entry.
fn header_path(header: &Header) -> Cow<'_, [u8]> {
    match header.prefix() {
        Some(prefix) if !prefix.is_empty() => Cow::Owned([prefix, header.path_bytes()].join(&b'/')),
        _ => Cow::Borrowed(header.path_bytes()),
    }
}

/// How a file is in the archive.
enum Shape<'a> {
    /// Its map is not all there yet.
    More,
    Whole,
    Sparse(Found<'a>),
}

fn shape<'a>(chain: &Chain<'a>, pax: &Pax<'a>) -> Result<Shape<'a>, Refusal> {
    let old = chain.header.as_ustar().typeflag == *b"S";
    let found = match &pax.sparse {
        Some(_) if old => return Err(Refusal::Map("there are two")),
        Some(sparse) => sparse::from_pax(sparse, chain.data)?,
        None if old => sparse::from_header(chain.header, chain.data)?,
        None => return Ok(Shape::Whole),
    };
    Ok(found.map_or(Shape::More, Shape::Sparse))
}

/// Bytes in the archive, on which header and PAX record must agree (CVE-2025-62518,
/// CVE-2026-33055): readers that believe one of them would find other entries than those
/// that believe the other.
fn archived_size(field: &[u8], record: Option<u64>) -> Result<u64, Refusal> {
    let header = natural(field).ok_or(Refusal::Number("size"))?;
    match record {
        // What the header cannot hold is left out by GNU tar, cut to size by libarchive.
        Some(size) if size > OCTAL_SIZE && matches!(header, 0 | OCTAL_SIZE) => Ok(size),
        Some(size) if size != header => Err(Refusal::Contradiction("size")),
        _ => Ok(header),
    }
}

/// Size and map of a sparse file of which `archived` bytes are in the archive.
fn split_size(archived: u64, found: Found<'_>) -> Result<(u64, Option<Vec<Extent>>), Refusal> {
    let map = sparse::checked(found.extents, found.size)?;
    let stored: u64 = map.iter().map(|extent| extent.length).sum();
    if archived.checked_sub(found.counted as u64) != Some(stored) {
        return Err(Refusal::Contradiction("size"));
    }
    Ok((found.size, Some(map)))
}

fn id(field: &[u8], record: Option<u64>, what: &'static str) -> Result<u32, Refusal> {
    record
        .or_else(|| natural(field))
        .and_then(|id| u32::try_from(id).ok())
        // It means "leave as it is" to chown(2).
        .filter(|id| *id != u32::MAX)
        .ok_or(Refusal::Number(what))
}

fn mtime(field_bytes: &[u8], record: Option<Mtime>) -> Result<Mtime, Refusal> {
    let header = || {
        field(field_bytes).map(|seconds| Mtime {
            seconds,
            nanoseconds: 0,
        })
    };
    record.or_else(header).ok_or(Refusal::Number("mtime"))
}

/// What a header's type flag and link name say.
fn kind_of(chain: &Chain<'_>, pax: &Pax<'_>, slash: bool) -> Result<EntryKind, Refusal> {
    let header = chain.header;
    let fields = header.as_ustar();
    let target = || {
        let target = match (pax.link, chain.long_link) {
            (Some(one), Some(two)) if one != two => return Err(Refusal::Contradiction("link")),
            (Some(target), _) | (None, Some(target)) => target,
            (None, None) => header.link_name_bytes(),
        };
        if target.is_empty() || target.contains(&0) {
            return Err(Refusal::Link);
        }
        Ok(target)
    };
    let device = || {
        let device = |field, record: Option<u64>, bits| {
            record
                .or_else(|| natural(field))
                .and_then(|number| u32::try_from(number).ok())
                .filter(|number| number >> bits == 0)
                .ok_or(Refusal::Number("device number"))
        };
        if !header.is_ustar() && !header.is_gnu() {
            return Err(Refusal::Number("device number"));
        }
        let major = device(&fields.dev_major, pax.major, MAJOR_BITS)?;
        Ok((major, device(&fields.dev_minor, pax.minor, MINOR_BITS)?))
    };
    Ok(match fields.typeflag[0] {
        // Before ustar there was no flag for directories, only a slash at the end.
        b'0' | 0 if slash => EntryKind::Directory,
        b'0' | 0 | b'7' | b'S' => EntryKind::File,
        b'1' => match clean(target()?) {
            // The root has no other names, as no directory has.
            Ok(first) if first.is_empty() => return Err(Refusal::Link),
            Ok(first) => EntryKind::HardLink(first),
            Err(Refusal::Escapes) => return Err(Refusal::LinkEscapes),
            Err(_) => return Err(Refusal::LongLink),
        },
        b'2' if target()?.len() > TARGET_MAX => return Err(Refusal::LongLink),
        b'2' => EntryKind::Symlink(target()?.to_vec()),
        b'3' => device().map(|(major, minor)| EntryKind::CharDevice(major, minor))?,
        b'4' => device().map(|(major, minor)| EntryKind::BlockDevice(major, minor))?,
        b'5' => EntryKind::Directory,
        b'6' => EntryKind::Fifo,
        other => return Err(Refusal::Type(char::from(other))),
    })
}

/// A path's components joined again, without `.`, empty ones and slashes at the end.
pub(crate) fn clean_path(raw: &[u8]) -> Result<Vec<u8>> {
    clean(raw).map_err(|why| refuse(raw, why))
}

fn clean(raw: &[u8]) -> Result<Vec<u8>, Refusal> {
    if raw.is_empty() || raw.contains(&0) {
        return Err(Refusal::Name);
    }
    if raw.starts_with(b"/") {
        return Err(Refusal::Escapes);
    }
    let mut path = Vec::with_capacity(raw.len());
    for part in raw.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => continue,
            b".." => return Err(Refusal::Escapes),
            _ if !path.is_empty() => path.push(b'/'),
            _ => {}
        }
        path.extend_from_slice(part);
    }
    if fits(&path) {
        Ok(path)
    } else {
        Err(Refusal::TooLong)
    }
}

/// Whether a path can be made: a name has at most `NAME_MAX` bytes
/// (include/uapi/linux/limits.h), and every level costs a system call or more.
pub(crate) fn fits(path: &[u8]) -> bool {
    const NAME_MAX: usize = 255;
    const LEVELS: usize = 4096;
    let mut names = path.split(|byte| *byte == b'/');
    path.len() <= NAME_CAP
        && names.clone().nth(LEVELS).is_none()
        && names.all(|name| name.len() <= NAME_MAX)
}

/// Bytes of the longest symlink: `PATH_MAX` (include/uapi/linux/limits.h) counts a NUL.
pub(crate) const TARGET_MAX: usize = 4095;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_paths_that_leave_the_root() {
        for raw in ["/etc", "..", "a/../b", "", "a/.."] {
            assert!(clean_path(raw.as_bytes()).is_err(), "{raw}");
        }
        assert_eq!(clean_path(b"./a//b/./").unwrap(), b"a/b");
        assert_eq!(clean_path(b"./").unwrap(), b"");
    }

    #[test]
    fn refuses_paths_that_no_system_takes() {
        let levels = |count| vec!["d"; count].join("/");
        for (path, fits) in [
            ("n".repeat(255), true),
            ("n".repeat(256), false),
            (levels(4096), true),
            (levels(4097), false),
            (format!("./{}", levels(4096)), true),
        ] {
            let refused = clean(path.as_bytes()).err();
            assert_eq!(refused, (!fits).then_some(Refusal::TooLong));
        }
    }
}
