//! Decompresses an archive on a thread of its own: what compression it is, its first bytes
//! say, and never its name.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader, Cursor, Read};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use crate::error::{Error, Result, io_error};
use crate::tar::received::Received;
use crate::tar::stream::Chunks;

/// Bytes handed over at once.
const CHUNK: usize = 256 << 10;
/// Chunks that wait for the other side.
const WAITING: usize = 4;
/// What an xz decoder may take, in KiB: `xz -9` needs 65 MiB. The zstd decoder's own
/// limit is as much.
const XZ_MEMORY: u32 = 128 << 10;
/// A tar header, which is more than any magic number.
const START: usize = 512;

/// What an archive is compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Nothing,
    Gzip,
    Zstd,
    Xz,
}

impl Compression {
    /// Looks at the first bytes.
    pub(crate) fn of(start: &[u8]) -> Result<Self> {
        Ok(match start {
            // RFC 1952, 2.3.1.
            [0x1f, 0x8b, ..] => Self::Gzip,
            // RFC 8878, 3.1.1; and what pzstd begins with, a skippable frame of 4 bytes.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, ..] => Self::Zstd,
            // RFC 8878, 3.1.2. An image with a damaged front is not taken for an archive
            // about which nothing is promised.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                return Err(Error::NotAnImage("its first frame is not that of one"));
            }
            // The .xz file format 1.2.1, 2.1.1.1.
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => return Err(Error::UnknownCompression("bzip2")),
            [0x04, 0x22, 0x4d, 0x18, ..] => return Err(Error::UnknownCompression("lz4")),
            [b'L', b'Z', b'I', b'P', ..] => return Err(Error::UnknownCompression("lzip")),
            [0x1f, 0x9d, ..] => return Err(Error::UnknownCompression("compress")),
            _ if is_tar(start) => Self::Nothing,
            _ => return Err(Error::NotAnArchive),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "tar",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
        }
    }
}

/// Whether a header or the end of an archive stands there.
fn is_tar(start: &[u8]) -> bool {
    start.first_chunk().is_some_and(|block| {
        let header = tar_core::Header::from_bytes(block);
        header.is_empty() || header.verify_checksum().is_ok()
    })
}

/// Calls `consume` with what `input` has decompressed. `progress` is told the bytes of
/// `input` that were dealt with.
pub(crate) fn decompressed<R>(
    input: impl Read + Send,
    progress: crate::Progress<'_>,
    consume: impl FnOnce(&mut dyn Chunks) -> Result<R>,
) -> Result<R> {
    let (sender, receiver) = sync_channel(WAITING);
    thread::scope(|scope| {
        let reader = scope.spawn(move || decompress(input, &sender));
        let mut chunks = Received {
            receiver: &receiver,
            progress,
        };
        let consumed = consume(&mut chunks);
        drop(receiver);
        // What is wrong with the input explains what is wrong with the entries.
        match reader.join() {
            Ok(read) => read?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        consumed
    })
}

/// What is known of the input: a decoder has hidden it.
#[derive(Default)]
struct Watch {
    position: Cell<u64>,
    failure: RefCell<Option<io::Error>>,
}

/// An input that is watched.
struct Watched<'w, R> {
    input: R,
    watch: &'w Watch,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buffer) {
            Ok(read) => {
                self.watch.position.update(|at| at + read as u64);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.watch.failure.replace(Some(error));
                Err(io::Error::other("the input failed"))
            }
        }
    }
}

fn decompress(mut input: impl Read, sender: &SyncSender<(Vec<u8>, u64)>) -> Result<()> {
    let mut start = Vec::new();
    let limit = START as u64;
    let read = input.by_ref().take(limit).read_to_end(&mut start);
    read.map_err(io_error(b"archive", "cannot read"))?;
    let compression = Compression::of(&start)?;
    let watch = Watch::default();
    let input = Cursor::new(start).chain(input);
    let input = Watched {
        input,
        watch: &watch,
    };
    let input = BufReader::with_capacity(CHUNK, input);
    let done = match compression {
        Compression::Nothing => pump(input, &watch, sender),
        Compression::Gzip => pump(MultiGzDecoder::new(input), &watch, sender),
        Compression::Zstd => zstd::stream::read::Decoder::with_buffer(input)
            .and_then(|decoder| pump(decoder, &watch, sender)),
        Compression::Xz => {
            let decoder = XzReader::new_mem_limit(input, true, XZ_MEMORY);
            pump(decoder, &watch, sender)
        }
    };
    done.map_err(|source| match watch.failure.take() {
        Some(failure) => io_error(b"archive", "cannot read")(failure),
        None => Error::Compressed {
            format: compression.name(),
            source,
        },
    })
}

/// Sends what `decoder` gives, to its end or until nobody wants more.
fn pump(
    mut decoder: impl Read,
    watch: &Watch,
    sender: &SyncSender<(Vec<u8>, u64)>,
) -> io::Result<()> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        decoder
            .by_ref()
            .take(CHUNK as u64)
            .read_to_end(&mut chunk)?;
        if chunk.is_empty() || sender.send((chunk, watch.position.get())).is_err() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_compressions_by_their_first_bytes() {
        let of = |start: &[u8]| Compression::of(start);
        assert_eq!(of(b"\x1f\x8b\x08").unwrap(), Compression::Gzip);
        assert_eq!(of(b"\x28\xb5\x2f\xfd").unwrap(), Compression::Zstd);
        let pzstd = of(b"\x50\x2a\x4d\x18\x04\0\0\0");
        assert_eq!(pzstd.unwrap(), Compression::Zstd);
        let front = of(b"\x50\x2a\x4d\x18\xf8\xff\0\0");
        assert!(matches!(front, Err(Error::NotAnImage(_))));
        assert_eq!(of(b"\xfd7zXZ\0").unwrap(), Compression::Xz);
        assert_eq!(of(&[0; 512]).unwrap(), Compression::Nothing);
        assert!(matches!(
            of(b"BZh9"),
            Err(Error::UnknownCompression("bzip2"))
        ));
        for other in [&b""[..], b"PK\x03\x04", &[0; 511], &[b'x'; 512]] {
            assert!(matches!(of(other), Err(Error::NotAnArchive)));
        }
    }

    /// Fails after some bytes.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
                read => Ok(read),
            }
        }
    }

    #[test]
    fn an_input_that_fails_is_no_damaged_archive() {
        // An empty gzip member, which ends at once.
        const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0\0\0\0\0\0\0\0\0";
        let drain = |chunks: &mut dyn Chunks| {
            while chunks.next_chunk()?.is_some() {}
            Ok(())
        };
        assert!(decompressed(GZIP, &|_| (), drain).is_ok());
        let failed = decompressed(Broken(GZIP), &|_| (), drain);
        assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
        let cut = decompressed(&GZIP[..15], &|_| (), drain);
        assert!(matches!(cut, Err(Error::Compressed { .. })), "{cut:?}");
    }
}
