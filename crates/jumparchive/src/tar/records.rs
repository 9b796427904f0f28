//! PAX records, as an extended header has them: `LENGTH KEY=VALUE\n`
//! (POSIX.1-2017, pax interchange format).

use std::io::{self, Write};

use tar::{EntryType, Header};

use crate::tar::block::padding;

/// No block of records that is written or read is longer: the name and the attributes of
/// one entry, of which Linux allows 64 KiB each.
pub(crate) const RECORDS_CAP: usize = 2 << 20;

/// Records of one entry, to be written.
#[derive(Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    /// Whether a name in them is not UTF-8.
    binary: bool,
}

impl Records {
    /// Adds a record; `key` has no `=`.
    pub(crate) fn push(&mut self, key: &[u8], value: &[u8]) {
        let length = record_length(key.len(), value.len());
        self.bytes.reserve(length);
        self.bytes.extend_from_slice(length.to_string().as_bytes());
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(key);
        self.bytes.push(b'=');
        self.bytes.extend_from_slice(value);
        self.bytes.push(b'\n');
    }

    /// Adds a record with a name, which may be any bytes.
    pub(crate) fn push_name(&mut self, key: &[u8], name: &[u8]) {
        self.binary |= str::from_utf8(name).is_err();
        self.push(key, name);
    }

    /// Adds a record with a number.
    pub(crate) fn push_number(&mut self, key: &[u8], value: u64) {
        self.push(key, value.to_string().as_bytes());
    }

    /// The records, as an extended header has them.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes an extended header with the records, if there are any.
    pub(crate) fn append(&self, out: &mut Vec<u8>) -> io::Result<()> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        let first = if self.binary { BINARY } else { b"" };
        let size = first.len() + self.bytes.len();
        if size > RECORDS_CAP {
            return Err(io::Error::other(
                "its name and extended attributes take more than 2 MiB",
            ));
        }
        let mut header = Header::new_ustar();
        let name = &mut header.as_old_mut().name;
        // What an archiver that does not know records calls the file that it takes them for.
        name[..NAME.len()].copy_from_slice(NAME);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(EntryType::XHeader);
        header.set_size(size as u64);
        header.set_cksum();
        for part in [&header.as_bytes()[..], first, self.as_bytes()] {
            out.write_all(part)?;
        }
        out.write_all(padding(size as u64))
    }
}

/// Without it bsdtar takes names for UTF-8 and ends with an error where they are not
/// (libarchive 3.6.2); GNU tar 1.34 says that it ignores it, and does everything right.
const BINARY: &[u8] = b"21 hdrcharset=BINARY\n";
const NAME: &[u8] = b"././@PaxHeader";

/// Bytes of a record: its own length in decimal, space, key, `=`, value, newline.
pub(crate) fn record_length(key: usize, value: usize) -> usize {
    let rest = key + value + 3;
    let digits = |n: usize| n.to_string().len();
    let guess = rest + digits(rest);
    rest + digits(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_the_digits_of_its_own_length() {
        for (key, value, length) in [
            (4, 11, 20),
            (1, 3, 8),
            (1, 4, 9),
            (1, 5, 11),
            (1, 93, 99),
            (1, 94, 101),
        ] {
            assert_eq!(record_length(key, value), length, "{key} {value}");
        }
        let mut records = Records::default();
        records.push(b"path", b"foo/bar.txt");
        assert_eq!(records.as_bytes(), b"20 path=foo/bar.txt\n");
    }

    #[test]
    fn says_so_when_a_name_is_not_utf_8() {
        for (name, is_said) in [(&b"caf\xc3\xa9"[..], false), (b"caf\xe9", true)] {
            let (mut records, mut out) = (Records::default(), Vec::new());
            records.push_name(b"path", name);
            records.append(&mut out).unwrap();
            assert_eq!(out[512..].starts_with(BINARY), is_said);
        }
    }
}
