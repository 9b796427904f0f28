//! Unpacks an image that arrives as a stream, such as one sent over SSH.
//!
//! The index comes last, so entries are made before it is known that they are right:
//! only a success says that they are.

use std::io::{self, BufRead, Read};
use std::os::fd::BorrowedFd;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jumpspec::image::manifest::Manifest;
use jumpspec::words::digest::Digest;
use sha2::{Digest as _, Sha256};

use super::maker::Maker;
use super::{Summary, UnpackOptions};
use crate::error::{Error, Result, io_error};
use crate::image::format::{self, FRAME_CAP, FRONT, Front, IndexPlace, PREFIX, SKIPPABLE};
use crate::image::opened::{check_prefix, read_table, table_length};
use crate::tar::received::Received;
use crate::tar::stream::TarStream;

/// Makes the entries of the image that `input` delivers, to its last byte. Gives its
/// manifest too.
///
/// # Errors
/// After an error, `root` holds a part of the image or something else altogether.
pub fn unpack_stream(
    mut input: impl BufRead + Send,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<(Option<Manifest>, Summary)> {
    let front = read_front(&mut input)?;
    let (sender, receiver) = sync_channel(2);
    let (made, read) = thread::scope(|scope| {
        let reader = scope.spawn(move || read_frames_until_index(input, &sender));
        let made = make(&receiver, root, options);
        if !matches!(made, Err(Error::Io { .. })) {
            // What is wrong with entries is explained by a frame that is not what the
            // index says, which comes last.
            for _ in &receiver {}
        }
        drop(receiver);
        let gone = || Error::BadIndex("the reading thread is gone");
        (made, reader.join().unwrap_or_else(|_| Err(gone())))
    });
    if let Err(error @ Error::Io { .. }) = made {
        return Err(error);
    }
    let (frames, input) = read?;
    check_index(input, &front, &frames)?;
    let (summary, entries) = made?;
    if entries != front.index.entries {
        return Err(Error::BadIndex("it lists other entries"));
    }
    Ok((front.manifest, summary))
}

fn read_front(input: &mut impl Read) -> Result<Front> {
    let mut bytes = Vec::with_capacity(FRONT);
    input
        .take(FRONT as u64)
        .read_to_end(&mut bytes)
        .map_err(io_error(b"stream", "cannot read"))?;
    format::decode_front(&bytes)
}

/// Makes the entries; gives also how many there were, selected or not.
fn make(
    receiver: &Receiver<(Vec<u8>, u64)>,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<(Summary, u64)> {
    let mut chunks = Received {
        receiver,
        progress: options.progress,
    };
    let mut tar = TarStream::new(&mut chunks);
    let mut maker = Maker::new(root, *options)?;
    let mut entries = 0;
    while let Some((entry, _)) = tar.next_entry()? {
        entries += 1;
        maker.make(entry, &mut tar)?;
    }
    tar.finish()?;
    Ok((maker.finish()?, entries))
}

/// A reader that keeps the digest and the number of the bytes taken from it.
struct Counted<R> {
    input: R,
    hash: Sha256,
    length: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // The bytes are in the buffer still, or there are none.
        if let Ok(bytes) = self.input.fill_buf() {
            self.hash.update(&bytes[..amount.min(bytes.len())]);
        }
        self.length += amount as u64;
        self.input.consume(amount);
    }
}

/// A frame as it came.
struct FrameRead {
    length: u64,
    raw_length: usize,
    digest: [u8; 32],
}

/// Sends each frame's data; gives what the frames were and the input, at the index.
fn read_frames_until_index<R: BufRead>(
    mut input: R,
    sender: &SyncSender<(Vec<u8>, u64)>,
) -> Result<(Vec<FrameRead>, R)> {
    let mut frames: Vec<FrameRead> = Vec::new();
    let mut position = FRONT as u64;
    loop {
        let next = input
            .fill_buf()
            .map_err(io_error(b"stream", "cannot read"))?;
        // The index begins like the front; a frame's first byte is another (RFC 8878, 3.1).
        if next.first() == Some(&SKIPPABLE[0]) {
            return Ok((frames, input));
        }
        let frame = frames.len();
        let bad = |why| Error::BadFrame { frame, why };
        let mut counted = Counted {
            input: &mut input,
            hash: Sha256::new(),
            length: 0,
        };
        let mut data = Vec::new();
        zstd::stream::read::Decoder::with_buffer(&mut counted)
            .map(|decoder| decoder.single_frame().take(FRAME_CAP as u64 + 1))
            .and_then(|mut decoder| decoder.read_to_end(&mut data))
            .map_err(|_| bad("it does not decode or is cut short"))?;
        if data.is_empty() || data.len() > FRAME_CAP {
            return Err(bad("it has an impossible length"));
        }
        position += counted.length;
        frames.push(FrameRead {
            length: counted.length,
            raw_length: data.len(),
            digest: counted.hash.finalize().into(),
        });
        if sender.send((data, position)).is_err() {
            // The other side has failed and says why.
            return Ok((frames, input));
        }
    }
}

/// Holds what was read against the index. Entries' records pass by, for they are of use to
/// those who do not read the entries; but no bit of them may be wrong.
fn check_index(mut input: impl Read, front: &Front, read: &[FrameRead]) -> Result<()> {
    let place = &front.index;
    let mut prefix = [0; PREFIX];
    fill(&mut input, &mut prefix, place)?;
    check_prefix(&prefix, place)?;
    let mut table = vec![0; table_length(place)?];
    let records = place.length - (PREFIX + table.len()) as u64;
    let mut records = Counted {
        input: io::BufReader::new(input.by_ref().take(records)),
        hash: Sha256::new(),
        length: 0,
    };
    io::copy(&mut records, &mut io::sink()).map_err(io_error(b"stream", "cannot read"))?;
    let digest = Digest::from_bytes(records.hash.finalize().into());
    fill(&mut input, &mut table, place)?;
    if !matches!(input.read(&mut [0]), Ok(0)) {
        return Err(Error::Trailing(1));
    }
    let frames = read_table(&table, place)?;
    if digest != place.records_digest {
        return Err(Error::BadIndex("the digest of records differs"));
    }
    if frames.len() != read.len() {
        return Err(Error::BadIndex("it lists other frames"));
    }
    let differs = frames.iter().zip(read).position(|(wanted, frame)| {
        u64::from(wanted.length) != frame.length
            || wanted.raw_length as usize != frame.raw_length
            || wanted.digest != frame.digest
    });
    differs.map_or(Ok(()), |frame| Err(Error::BadDigest { frame }))
}

fn fill(input: &mut impl Read, space: &mut [u8], place: &IndexPlace) -> Result<()> {
    input.read_exact(space).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            cut_short(place)
        } else {
            io_error(b"stream", "cannot read")(error)
        }
    })
}

fn cut_short(place: &IndexPlace) -> Error {
    let expected = place.offset + place.length;
    Error::Truncated {
        expected,
        actual: place.offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_taken() {
        let mut counted = Counted {
            input: io::BufReader::with_capacity(3, &b"abcdef"[..]),
            hash: Sha256::new(),
            length: 0,
        };
        let mut taken = Vec::new();
        counted.read_to_end(&mut taken).unwrap();
        assert_eq!((taken.as_slice(), counted.length), (&b"abcdef"[..], 6));
        let digest = Digest::from_bytes(counted.hash.finalize().into());
        assert_eq!(digest, Digest::of(b"abcdef"));
    }
}
