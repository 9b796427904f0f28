//! Finds the headers of an entry: the extended ones and that of the entry itself.
//!
//! `tar-core` gives the views of a header and of PAX records. Its own parser is not used:
//! it cuts base-256 numbers to size, forgets an extended header in front of a global one,
//! takes a lone zero block for nothing, cannot read a PAX 1.0 sparse file of more than
//! 8 GiB or a key that is not UTF-8, and its errors name no entry.

use tar_core::Header;

use crate::error::{Error, Refusal, Result, refuse, shown};
use crate::tar::block::{BLOCK, padding};
use crate::tar::entry::{Chain, Entry, NAME_CAP};
use crate::tar::numbers::natural;
use crate::tar::pax::check_global;
use crate::tar::records::RECORDS_CAP;

/// An entry has no more blocks of extensions in front of it.
const EXTENSIONS_CAP: usize = 16;

/// Takes entries from tar data at hand.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    /// The last entry, to say where something is wrong.
    last: Vec<u8>,
    any: bool,
}

/// What stands at the beginning of the data.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// Not enough to tell: the same again with more behind it.
    More,
    /// The end-of-archive blocks.
    End {
        /// Their bytes, with those of what stands in front of them.
        consumed: usize,
    },
    /// An entry.
    Entry {
        /// Bytes of all its headers and its sparse map, up to its data.
        consumed: usize,
        /// What they say.
        entry: Entry,
    },
}

/// What was found so far.
#[derive(Default)]
struct Extensions<'a> {
    records: Option<&'a [u8]>,
    long_name: Option<&'a [u8]>,
    long_link: Option<&'a [u8]>,
    count: usize,
    at: usize,
}

impl Headers {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Parses what stands at the beginning of `data`, which is not taken: where the
    /// entry's data begins, `consumed` says, and how long it is, [`Entry::stored`].
    pub(crate) fn parse(&mut self, data: &[u8]) -> Result<Parsed> {
        let mut found = Extensions::default();
        loop {
            let Some(block) = data[found.at..].first_chunk::<BLOCK>() else {
                return Ok(Parsed::More);
            };
            let header = Header::from_bytes(block);
            if header.is_empty() {
                return self.end(data, &found);
            }
            if header.verify_checksum().is_err() {
                return Err(self.damaged("this is no header"));
            }
            if is_extension(header) {
                if !self.extend(&mut found, header, data)? {
                    return Ok(Parsed::More);
                }
                continue;
            }
            let behind = found.at + BLOCK;
            let chain = Chain {
                header,
                records: found.records.unwrap_or_default(),
                long_name: found.long_name,
                long_link: found.long_link,
                data: &data[behind..],
            };
            let Some((entry, length)) = Entry::from_chain(&chain)? else {
                return Ok(Parsed::More);
            };
            self.last.clone_from(&entry.path);
            self.any = true;
            let consumed = behind + length;
            return Ok(Parsed::Entry { consumed, entry });
        }
    }

    /// An archive ends with two blocks of zeros. Readers differ in what one alone means.
    fn end(&self, data: &[u8], found: &Extensions<'_>) -> Result<Parsed> {
        let consumed = found.at + 2 * BLOCK;
        let Some(second) = data.get(found.at + BLOCK..consumed) else {
            return Ok(Parsed::More);
        };
        if second.iter().any(|byte| *byte != 0) {
            return Err(self.damaged("a lone block of zeros is neither end nor entry"));
        }
        if found.is_pending() {
            return Err(self.damaged("an extended header has no entry"));
        }
        Ok(Parsed::End { consumed })
    }

    /// Takes an extension; gives whether `data` has all of it.
    fn extend<'a>(
        &self,
        found: &mut Extensions<'a>,
        header: &Header,
        data: &'a [u8],
    ) -> Result<bool> {
        found.count += 1;
        if found.count > EXTENSIONS_CAP {
            return Err(self.damaged("an entry has more than 16 extended headers"));
        }
        let kind = header.as_ustar().typeflag[0];
        let cap = match kind {
            b'L' | b'K' => NAME_CAP,
            _ => RECORDS_CAP,
        };
        let size = natural(&header.as_ustar().size).and_then(|size| usize::try_from(size).ok());
        let Some(size) = size.filter(|size| *size <= cap) else {
            return Err(self.damaged("an extended header is larger than 2 MiB, or a name than 1"));
        };
        let begin = found.at + BLOCK;
        let end = begin + size + padding(size as u64).len();
        if data.len() < end {
            return Ok(false);
        }
        let content = &data[begin..begin + size];
        let name = || content.strip_suffix(b"\0").unwrap_or(content);
        let before = match kind {
            b'x' => found.records.replace(content),
            b'L' => found.long_name.replace(name()),
            b'K' => found.long_link.replace(name()),
            b'g' if found.is_pending() => Some(content),
            b'g' => {
                let global = |why: Refusal| refuse(header.path_bytes(), why);
                check_global(content).map_err(global)?;
                None
            }
            // The label of a GNU archive.
            _ if size > 0 => return Err(self.damaged("a label has content")),
            _ => None,
        };
        if before.is_some() {
            return Err(self.damaged("an entry has two extended headers of a kind"));
        }
        found.at = end;
        Ok(true)
    }

    /// The path of the last entry.
    pub(crate) fn last(&self) -> Option<&[u8]> {
        self.any.then_some(&self.last)
    }

    /// Something is behind the end-of-archive blocks.
    pub(crate) fn trailing(&self) -> Error {
        self.damaged("something other than zeros follows the end of the archive")
    }

    /// Zeros behind them do not end.
    pub(crate) fn endless(&self) -> Error {
        self.damaged("more than 64 MiB of zeros follow the end of the archive")
    }

    fn damaged(&self, why: &'static str) -> Error {
        let place = if self.any {
            format!("behind {}", shown(&self.last))
        } else {
            "at its beginning".to_owned()
        };
        Error::Tar { place, why }
    }
}

impl Extensions<'_> {
    fn is_pending(&self) -> bool {
        self.records.is_some() || self.long_name.is_some() || self.long_link.is_some()
    }
}

/// Whether a header is about another one, or about the archive.
fn is_extension(header: &Header) -> bool {
    let posix = header.is_ustar() || header.is_gnu();
    match header.as_ustar().typeflag[0] {
        b'x' | b'g' | b'L' | b'K' => posix,
        // GNU tar's label has no magic.
        flag => flag == b'V',
    }
}

#[cfg(test)]
mod tests;
