//! Reads entries and contents from a tar stream that arrives in chunks.

use tar_core::parse::{Limits, ParseEvent, Parser};

use crate::entry::Entry;
use crate::error::{Error, Refusal, Result, refuse};
use crate::header;

/// Where a tar stream's bytes come from.
pub(crate) trait Chunks {
    /// The next bytes; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>>;
}

/// Entries and contents from chunks of a tar stream.
pub(crate) struct TarStream<'a> {
    chunks: &'a mut dyn Chunks,
    parser: Parser,
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
        let mut parser = Parser::new(Limits {
            max_metadata_size: 2 << 20,
            ..Limits::default()
        });
        // It takes times before 1970 for errors. All numbers are checked in `Entry`.
        parser.set_ignore_pax_errors(true);
        Self {
            chunks,
            parser,
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
            let event = self
                .parser
                .parse(&self.buffer[self.at..])
                .map_err(Error::Tar)?;
            let (consumed, entry) = match event {
                ParseEvent::NeedData { .. } => {
                    self.more()?;
                    continue;
                }
                ParseEvent::End { consumed } => {
                    self.advance(consumed);
                    return Ok(None);
                }
                ParseEvent::GlobalExtensions { .. } => {
                    return Err(refuse(b"", Refusal::Type('g')));
                }
                ParseEvent::SparseEntry { entry, .. } => {
                    return Err(refuse(&entry.path, Refusal::Sparse));
                }
                ParseEvent::Entry { consumed, entry } => (consumed, Entry::from_parsed(&entry)?),
            };
            self.advance(consumed);
            self.content = entry.size;
            self.padding = header::padding(entry.size).len() as u64;
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

    /// Makes sure that nothing but zeros follows the end-of-archive blocks.
    pub(crate) fn finish(mut self) -> Result<()> {
        loop {
            if self.buffer[self.at..].iter().any(|byte| *byte != 0) {
                return Err(Error::BadIndex("something follows the end of the archive"));
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
        let chunk = self.chunks.next_chunk()?.ok_or(Error::TarTruncated)?;
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
