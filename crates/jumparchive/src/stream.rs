//! Unpacks an image that arrives as a stream, such as one sent over SSH.
//!
//! The index comes last, so entries are made before it is known that they are right:
//! only a success says that they are.

use std::io::{self, BufRead, Read};
use std::os::fd::BorrowedFd;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jumpspec::manifest::Manifest;
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result, io_error};
use crate::format::{self, FRAME_CAP, FRONT, Front, INDEX_TAG, PREFIX, SKIPPABLE};
use crate::image::{raw_index, read_frames};
use crate::index::FrameInfo;
use crate::tarstream::{Chunks, TarStream};
use crate::unpack::{Maker, Summary, UnpackOptions};

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
    let (summary, (frames, input)) = thread::scope(|scope| {
        let reader = scope.spawn(move || read_frames_until_index(input, &sender));
        let made = make(receiver, root, options);
        let read = reader
            .join()
            .map_err(|_| Error::BadIndex("the reading thread is gone"));
        // What is wrong with the input explains what is wrong with the entries.
        let read = read??;
        Ok::<_, Error>((made?, read))
    })?;
    check_index(input, &front, &frames, summary.1)?;
    Ok((front.manifest, summary.0))
}

fn read_front(input: &mut impl Read) -> Result<Front> {
    let mut bytes = Vec::with_capacity(FRONT);
    input
        .take(FRONT as u64)
        .read_to_end(&mut bytes)
        .map_err(io_error(b"stream", "cannot read"))?;
    format::decode_front(&bytes)
}

struct Received<'a> {
    receiver: Receiver<(Vec<u8>, u64)>,
    progress: crate::Progress<'a>,
}

impl Chunks for Received<'_> {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let Ok((data, position)) = self.receiver.recv() else {
            return Ok(None);
        };
        (self.progress)(position);
        Ok(Some(data))
    }
}

/// Makes the entries; gives also how many there were, selected or not.
fn make(
    receiver: Receiver<(Vec<u8>, u64)>,
    root: BorrowedFd<'_>,
    options: &UnpackOptions<'_>,
) -> Result<(Summary, u64)> {
    let mut chunks = Received {
        receiver,
        progress: options.progress,
    };
    let mut tar = TarStream::new(&mut chunks);
    let mut maker = Maker::new(root, *options);
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

/// Sends each frame's data; gives what the frames were and the input, at the index.
fn read_frames_until_index<R: BufRead>(
    mut input: R,
    sender: &SyncSender<(Vec<u8>, u64)>,
) -> Result<(Vec<FrameInfo>, R)> {
    let mut frames: Vec<FrameInfo> = Vec::new();
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
            .map(|decoder| decoder.single_frame().take(u64::from(FRAME_CAP) + 1))
            .and_then(|mut decoder| decoder.read_to_end(&mut data))
            .map_err(|_| bad("it does not decode or is cut short"))?;
        let raw_length = u32::try_from(data.len()).unwrap_or(u32::MAX);
        if raw_length == 0 || raw_length > FRAME_CAP {
            return Err(bad("it has an impossible length"));
        }
        position += counted.length;
        frames.push(FrameInfo {
            length: u32::try_from(counted.length).map_err(|_| bad("it is too long"))?,
            raw_length,
            digest: counted.hash.finalize().into(),
        });
        if sender.send((data, position)).is_err() {
            // The other side has failed and says why.
            return Ok((frames, input));
        }
    }
}

/// Holds what was read against the index.
fn check_index(input: impl Read, front: &Front, read: &[FrameInfo], entries: u64) -> Result<()> {
    let place = &front.index;
    let mut index = Vec::new();
    // One more, to see whether something follows.
    let mut input = input.take(place.length.saturating_add(1));
    input
        .read_to_end(&mut index)
        .map_err(io_error(b"stream", "cannot read"))?;
    let actual = place.offset.saturating_add(index.len() as u64);
    let expected = place.offset.saturating_add(place.length);
    if actual < expected {
        return Err(Error::Truncated { expected, actual });
    }
    if actual > expected {
        return Err(Error::Trailing(1));
    }
    let payload = index.len().checked_sub(PREFIX);
    let prefix = payload.and_then(|payload| format::prefix(INDEX_TAG, payload));
    if prefix.is_none_or(|prefix| index[..PREFIX] != prefix) {
        return Err(Error::BadIndex("it does not begin where the manifest says"));
    }
    let frames = read_frames(raw_index(&index[PREFIX..], place)?, place)?;
    if entries != place.entries {
        return Err(Error::BadIndex("it lists other entries"));
    }
    let differs = frames
        .iter()
        .zip(read)
        .position(|(wanted, frame)| wanted != frame);
    match differs {
        Some(frame) => Err(Error::BadDigest { frame }),
        None if frames.len() != read.len() => Err(Error::BadIndex("it lists other frames")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::digest::Digest;

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
