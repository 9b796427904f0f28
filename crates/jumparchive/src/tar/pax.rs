//! What the PAX records of an entry say. A key that is not known could change what the
//! entry is, so it is refused; those that are passed over are passed over for a reason.

use tar_core::PaxExtensions;

use crate::error::{Refusal, shown};
use crate::tar::mtime::{Mtime, parse_time};
use crate::tar::numbers::decimal;
use crate::tar::pax_attributes::Xattrs;
use crate::tar::records::record_length;

/// What the records of one entry say, as far as they do.
#[derive(Default)]
pub(crate) struct Pax<'a> {
    pub(crate) path: Option<&'a [u8]>,
    pub(crate) link: Option<&'a [u8]>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u64>,
    pub(crate) gid: Option<u64>,
    pub(crate) mtime: Option<Mtime>,
    /// libarchive's, for numbers that six octal digits do not hold.
    pub(crate) major: Option<u64>,
    pub(crate) minor: Option<u64>,
    pub(crate) xattrs: Xattrs<'a>,
    pub(crate) sparse: Option<Box<Sparse<'a>>>,
}

/// What the records say of a sparse file, in any of GNU tar's formats.
#[derive(Default)]
pub(crate) struct Sparse<'a> {
    pub(crate) major: Option<u64>,
    pub(crate) minor: Option<u64>,
    pub(crate) name: Option<&'a [u8]>,
    pub(crate) real_size: Option<u64>,
    pub(crate) size: Option<u64>,
    pub(crate) blocks: Option<u64>,
    /// Format 0.1: numbers between commas.
    pub(crate) map: Option<&'a [u8]>,
    /// Format 0.0: an offset, a length, an offset and so on.
    pub(crate) pairs: Vec<u64>,
}

impl<'a> Pax<'a> {
    /// Reads records.
    pub(crate) fn read(records: &'a [u8]) -> Result<Self, Refusal> {
        let mut pax = Self::default();
        for_each(records, |key, value| pax.take(key, value))?;
        Ok(pax)
    }

    fn take(&mut self, key: &'a [u8], value: &'a [u8]) -> Result<(), Refusal> {
        let malformed = || Refusal::Pax(shown(key));
        let number = || decimal(value).ok_or_else(malformed);
        let text = || Some(value).filter(|value| !value.is_empty());
        match key {
            b"path" => once(&mut self.path, key, text().ok_or_else(malformed)?),
            b"linkpath" => once(&mut self.link, key, text().ok_or_else(malformed)?),
            b"size" => once(&mut self.size, key, number()?),
            b"uid" => once(&mut self.uid, key, number()?),
            b"gid" => once(&mut self.gid, key, number()?),
            b"mtime" => {
                let time = str::from_utf8(value).ok().and_then(parse_time);
                once(&mut self.mtime, key, time.ok_or_else(malformed)?)
            }
            b"SCHILY.devmajor" => once(&mut self.major, key, number()?),
            b"SCHILY.devminor" => once(&mut self.minor, key, number()?),
            // How names are encoded: bytes they are either way.
            b"hdrcharset" if CHARSETS.contains(&value) => Ok(()),
            b"hdrcharset" => Err(malformed()),
            _ if is_harmless(key) => Ok(()),
            _ => match key.strip_prefix(b"GNU.sparse.") {
                Some(rest) => self.take_sparse(rest, key, value),
                None => self.xattrs.take(key, value),
            },
        }
    }

    fn take_sparse(
        &mut self,
        rest: &'a [u8],
        key: &'a [u8],
        value: &'a [u8],
    ) -> Result<(), Refusal> {
        let sparse = self.sparse.get_or_insert_default();
        let number = || decimal(value).ok_or_else(|| Refusal::Pax(shown(key)));
        match rest {
            b"major" => once(&mut sparse.major, key, number()?),
            b"minor" => once(&mut sparse.minor, key, number()?),
            b"name" => once(&mut sparse.name, key, value),
            b"realsize" => once(&mut sparse.real_size, key, number()?),
            b"size" => once(&mut sparse.size, key, number()?),
            b"numblocks" => once(&mut sparse.blocks, key, number()?),
            b"map" => once(&mut sparse.map, key, value),
            b"offset" if sparse.pairs.len().is_multiple_of(2) => {
                sparse.pairs.push(number()?);
                Ok(())
            }
            b"numbytes" if !sparse.pairs.len().is_multiple_of(2) => {
                sparse.pairs.push(number()?);
                Ok(())
            }
            b"offset" | b"numbytes" => Err(Refusal::Pax(shown(key))),
            _ => Err(Refusal::PaxKey(shown(key))),
        }
    }
}

/// What `hdrcharset` may say: POSIX.1-2017 has both.
const CHARSETS: [&[u8]; 2] = [b"BINARY", b"ISO-IR 10646 2000 UTF-8"];

/// Keys that say nothing which an image keeps or a tree needs.
fn is_harmless(key: &[u8]) -> bool {
    match key {
        // Owners go by numbers: names mean others elsewhere.
        b"uname" | b"gname"
        // Reading a tree changes the one, and nothing can set the others.
        | b"atime" | b"ctime" | b"LIBARCHIVE.creationtime"
        // For the reader's eyes: git's commit, GNU tar's --label.
        | b"comment" | b"GNU.volume.label"
        // Where the file was on the disk that it comes from.
        | b"SCHILY.dev" | b"SCHILY.ino" | b"SCHILY.nlink"
        // Inode flags (chattr) are the old file system's, an image has none: an immutable
        // file would stand in the way of the first update.
        | b"SCHILY.fflags"
        // Whether a Windows symlink leads to a directory.
        | b"LIBARCHIVE.symlinktype" => true,
        _ => false,
    }
}

/// Refuses a global header that changes anything of the entries behind it.
pub(crate) fn check_global(records: &[u8]) -> Result<(), Refusal> {
    for_each(records, |key, value| match key {
        b"hdrcharset" if CHARSETS.contains(&value) => Ok(()),
        _ if is_harmless(key) => Ok(()),
        _ => Err(Refusal::Global(shown(key))),
    })
}

/// Calls `take` with each record. The iterator takes a record without a readable length
/// for the end: so the lengths are added up.
fn for_each<'a>(
    records: &'a [u8],
    mut take: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let malformed = || Refusal::Pax(String::new());
    let mut length = 0;
    for record in PaxExtensions::new(records) {
        let record = record.map_err(|_| malformed())?;
        let (key, value) = (record.key_bytes(), record.value_bytes());
        length += record_length(key.len(), value.len());
        take(key, value)?;
    }
    if length == records.len() {
        Ok(())
    } else {
        Err(malformed())
    }
}

/// Readers differ in which of two records counts.
fn once<T>(place: &mut Option<T>, key: &[u8], value: T) -> Result<(), Refusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Refusal::PaxTwice(shown(key))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tar::records::Records;

    fn refusal(pairs: &[(&str, &str)]) -> Option<Refusal> {
        let mut records = Records::default();
        for (key, value) in pairs {
            records.push(key.as_bytes(), value.as_bytes());
        }
        Pax::read(records.as_bytes()).err()
    }

    #[test]
    fn refuses_keys_that_it_does_not_know() {
        for key in [
            "SCHILY.acl.ace",
            "GNU.dumpdir",
            "SCHILY.realsize",
            "charset",
            "GNU.sparse.x",
        ] {
            assert_eq!(
                refusal(&[(key, "1")]),
                Some(Refusal::PaxKey(key.to_owned()))
            );
        }
        assert_eq!(
            refusal(&[("comment", "1"), ("atime", "x"), ("uname", "")]),
            None
        );
    }

    #[test]
    fn refuses_values_that_it_cannot_read() {
        for (key, value) in [
            ("path", ""),
            ("size", "-1"),
            ("size", "18446744073709551616"),
            ("uid", "+1"),
            ("mtime", "1e5"),
            ("mtime", "99999999999999999999"),
            ("hdrcharset", "ISO-8859-1"),
            ("GNU.sparse.numbytes", "1"),
        ] {
            let refused = Some(Refusal::Pax(key.to_owned()));
            assert_eq!(refusal(&[(key, value)]), refused, "{value}");
        }
    }

    #[test]
    fn refuses_a_record_that_stands_twice() {
        let twice = Some(Refusal::PaxTwice("size".to_owned()));
        assert_eq!(refusal(&[("size", "1"), ("size", "1")]), twice);
    }

    #[test]
    fn refuses_records_whose_lengths_are_wrong() {
        assert!(Pax::read(b"20 path=foo/bar.txt\n").is_ok());
        for records in [
            &b"20 path=foo/bar.txt\nxx size=1\n"[..],
            b"21 path=foo/bar.txt\n",
            b"020 path=foo/bar.txt\n",
            b"20 path=foo/bar.txt\n\0",
        ] {
            assert!(Pax::read(records).is_err());
        }
    }

    #[test]
    fn a_global_header_may_only_comment() {
        assert_eq!(check_global(b"13 comment=x\n"), Ok(()));
        let refused = Err(Refusal::Global("mtime".to_owned()));
        assert_eq!(check_global(b"11 mtime=1\n"), refused);
    }
}
