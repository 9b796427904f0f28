//! Reads entries and contents from a tar stream that arrives in chunks.

use crate::error::{Error, Result, shown};
use crate::tar::block;
use crate::tar::decode::{Headers, Parsed};
use crate::tar::entry::Entry;

/// Where a tar stream's bytes come from.
pub(crate) trait Chunks {
    /// The next bytes; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>>;
}

/// Zeros that may follow an archive.
const ZEROS_CAP: u64 = 64 << 20;

/// Entries and contents from chunks of a tar stream.
pub(crate) struct TarStream<'a> {
    chunks: &'a mut dyn Chunks,
    headers: Headers,
    buffer: Vec<u8>,
    /// Of the next byte, in the buffer.
    at: usize,
    /// Of the next byte, in the stream.
    offset: u64,
    content: u64,
    padding: u64,
}

impl<'a> TarStream<'a> {
    pub(crate) fn new(chunks: &'a mut dyn Chunks) -> Self {
        Self {
            chunks,
            headers: Headers::new(),
            buffer: Vec::new(),
            at: 0,
            offset: 0,
            content: 0,
            padding: 0,
        }
    }

    /// The next entry and the offset at which its headers begin; the rest of the
    /// content before it is passed over. `None` after the end-of-archive blocks.
    pub(crate) fn next_entry(&mut self) -> Result<Option<(Entry, u64)>> {
        while self.content()?.is_some() {}
        self.skip_padding()?;
        loop {
            let begin = self.offset;
            let (consumed, entry) = match self.headers.parse(&self.buffer[self.at..])? {
                Parsed::More => {
                    self.more()?;
                    continue;
                }
                Parsed::End { consumed } => {
                    self.advance(consumed);
                    return Ok(None);
                }
                Parsed::Entry { consumed, entry } => (consumed, entry),
            };
            self.advance(consumed);
            self.content = entry.stored();
            self.padding = block::padding(self.content).len() as u64;
            return Ok(Some((entry, begin)));
        }
    }

    /// The next bytes of the current entry's content; `None` at its end.
    pub(crate) fn content(&mut self) -> Result<Option<&[u8]>> {
        if self.content == 0 {
            return Ok(None);
        }
        let length = self.available(self.content)?;
        self.content -= length as u64;
        let begin = self.at;
        self.advance(length);
        Ok(Some(&self.buffer[begin..begin + length]))
    }

    /// Makes sure that nothing but zeros follows the end-of-archive blocks, and not more
    /// of them than the largest record that GNU tar makes (`--blocking-factor`).
    pub(crate) fn finish(mut self) -> Result<()> {
        let begin = self.offset;
        loop {
            if self.offset - begin > ZEROS_CAP {
                return Err(self.headers.endless());
            }
            self.offset += (self.buffer.len() - self.at) as u64;
            if self.buffer[self.at..].iter().any(|byte| *byte != 0) {
                return Err(self.headers.trailing());
            }
            match self.chunks.next_chunk()? {
                Some(chunk) => (self.buffer, self.at) = (chunk, 0),
                None => return Ok(()),
            }
        }
    }

    fn skip_padding(&mut self) -> Result<()> {
        while self.padding > 0 {
            let length = self.available(self.padding)?;
            self.padding -= length as u64;
            self.advance(length);
        }
        Ok(())
    }

    /// Bytes that can be had at once, at least 1 and at most `wanted`.
    fn available(&mut self, wanted: u64) -> Result<usize> {
        while self.at == self.buffer.len() {
            self.more()?;
        }
        let held = self.buffer.len() - self.at;
        Ok(usize::try_from(wanted).map_or(held, |wanted| wanted.min(held)))
    }

    fn advance(&mut self, length: usize) {
        self.at += length;
        self.offset += length as u64;
    }

    fn more(&mut self) -> Result<()> {
        let chunk = self.chunks.next_chunk()?;
        let chunk = chunk.ok_or_else(|| match self.headers.last() {
            Some(path) if self.content > 0 => Error::ContentTruncated { path: shown(path) },
            _ => Error::TarTruncated,
        })?;
        if self.at == self.buffer.len() {
            self.buffer = chunk;
        } else {
            self.buffer.drain(..self.at);
            self.buffer.extend_from_slice(&chunk);
        }
        self.at = 0;
        Ok(())
    }
}
