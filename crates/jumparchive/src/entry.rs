//! One archive entry, taken from a parsed tar header under strict rules.
//!
//! `tar-core` parses; here everything that it passes over in silence is refused:
//! PAX keys that could change an entry's meaning, malformed records (its iterator
//! takes a bad length for the end), times before 1970 read as 0.

use tar_core::parse::ParsedEntry;
use tar_core::{EntryType, PaxExtensions};

use crate::error::{Refusal, Result, refuse};
use crate::header;
use crate::mtime::{Mtime, parse_time};

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
    /// Of the content, in bytes; 0 unless a file.
    pub size: u64,
    /// Extended attributes, ACLs among them.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// Takes an entry from what the parser found, or refuses it.
    pub(crate) fn from_parsed(parsed: &ParsedEntry<'_>) -> Result<Self> {
        let path = clean_path(&parsed.path)?;
        let fault = |why| refuse(&path, why);
        let pax = check_pax(parsed.pax.unwrap_or_default()).map_err(fault)?;
        let kind = kind_of(parsed).map_err(fault)?;
        if kind != EntryKind::File && parsed.size != 0 {
            return Err(fault(Refusal::Content));
        }
        let id = |id: u64, key: &str| {
            // 2^32 - 1 means "leave as it is" to chown(2).
            u32::try_from(id)
                .ok()
                .filter(|id| *id != u32::MAX)
                .ok_or_else(|| fault(Refusal::Pax(key.to_owned())))
        };
        let header_time = Mtime {
            seconds: i64::try_from(parsed.mtime).unwrap_or_default(),
            nanoseconds: 0,
        };
        Ok(Self {
            kind,
            mode: parsed.mode & 0o7777,
            uid: id(parsed.uid, "uid")?,
            gid: id(parsed.gid, "gid")?,
            mtime: pax.unwrap_or(header_time),
            size: parsed.size,
            xattrs: parsed
                .xattrs
                .iter()
                .map(|(name, value)| (header::xattr_name(name), value.to_vec()))
                .collect(),
            path,
        })
    }
}

/// What a header's type flag and link name say.
fn kind_of(parsed: &ParsedEntry<'_>) -> Result<EntryKind, Refusal> {
    let target = || match parsed.link_target.as_deref() {
        Some(target) if !target.is_empty() && !target.contains(&0) => Ok(target),
        _ => Err(Refusal::Link),
    };
    let device = || (parsed.dev_major.unwrap_or(0), parsed.dev_minor.unwrap_or(0));
    Ok(match parsed.entry_type {
        // Before ustar there was no flag for directories, only a slash at the end.
        EntryType::Regular if parsed.path.ends_with(b"/") => EntryKind::Directory,
        EntryType::Regular | EntryType::Continuous => EntryKind::File,
        EntryType::Directory => EntryKind::Directory,
        EntryType::Symlink => EntryKind::Symlink(target()?.to_vec()),
        EntryType::Link => {
            EntryKind::HardLink(clean_path(target()?).map_err(|_| Refusal::Escapes)?)
        }
        EntryType::Char => EntryKind::CharDevice(device().0, device().1),
        EntryType::Block => EntryKind::BlockDevice(device().0, device().1),
        EntryType::Fifo => EntryKind::Fifo,
        other => return Err(Refusal::Type(char::from(other.to_byte()))),
    })
}

/// A path's components joined again, without `.`, empty ones and slashes at the end.
pub(crate) fn clean_path(raw: &[u8]) -> Result<Vec<u8>> {
    let escapes = || refuse(raw, Refusal::Escapes);
    if raw.is_empty() || raw.starts_with(b"/") || raw.contains(&0) {
        return Err(escapes());
    }
    let mut path = Vec::with_capacity(raw.len());
    for part in raw.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => continue,
            b".." => return Err(escapes()),
            _ if !path.is_empty() => path.push(b'/'),
            _ => {}
        }
        path.extend_from_slice(part);
    }
    Ok(path)
}

/// Refuses PAX records that are malformed or not understood; gives the mtime among them.
fn check_pax(records: &[u8]) -> Result<Option<Mtime>, Refusal> {
    let malformed = || Refusal::Pax("malformed".to_owned());
    let (mut mtime, mut length) = (None, 0);
    for record in PaxExtensions::new(records) {
        let record = record.map_err(|_| malformed())?;
        let (key, value) = (record.key().map_err(|_| malformed())?, record.value_bytes());
        length += record_length(key.len(), value.len());
        let text = || std::str::from_utf8(value).ok();
        let sound = match key {
            "path" | "linkpath" => !value.is_empty(),
            "size" | "uid" | "gid" => text().is_some_and(|text| text.parse::<u64>().is_ok()),
            "mtime" => {
                mtime = text().and_then(parse_time);
                mtime.is_some()
            }
            // What these say is not kept; names of owners are never used, numbers are.
            "uname" | "gname" | "atime" | "ctime" | "comment" | "LIBARCHIVE.creationtime" => true,
            _ if key.starts_with("GNU.sparse.") => return Err(Refusal::Sparse),
            _ => key
                .strip_prefix("SCHILY.xattr.")
                .is_some_and(|name| !name.is_empty()),
        };
        if !sound {
            return Err(Refusal::Pax(key.to_owned()));
        }
    }
    // The iterator takes a record without a readable length for the end.
    if length == records.len() {
        Ok(mtime)
    } else {
        Err(malformed())
    }
}

/// Bytes of a PAX record: its own length in decimal, space, key, `=`, value, newline.
fn record_length(key: usize, value: usize) -> usize {
    let rest = key + value + 3;
    let digits = |n: usize| n.to_string().len();
    let guess = rest + digits(rest);
    rest + digits(guess)
}

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
    fn refuses_pax_records_it_does_not_understand() {
        assert!(check_pax(b"20 path=foo/bar.txt\n").is_ok());
        assert_eq!(
            check_pax(b"18 hdrcharset=BIN\n"),
            Err(Refusal::Pax("hdrcharset".to_owned()))
        );
        assert!(check_pax(b"20 path=foo/bar.txt\nxx size=1\n").is_err());
    }
}
