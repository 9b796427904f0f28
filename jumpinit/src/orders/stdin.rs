//! Bytes from an admin host that may vanish without a word: who waits for them for ever holds the
//! node's lock for ever, and no other admin host could go on. The same goes for those that trickle.

use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::orders::pace::Pace;

/// How long nothing may come. `jumpimg` itself gives a connection up after 15 seconds.
const LIMIT: Duration = Duration::from_mins(2);
/// Bytes that are read at a time.
const CHUNK: usize = 1 << 18;
/// Chunks that may wait to be written.
const WAITING: usize = 4;

/// A reader that fails when nothing has come for some time, or next to nothing.
pub(crate) struct Feed {
    chunks: Receiver<io::Result<Vec<u8>>>,
    current: Cursor<Vec<u8>>,
    pace: Pace,
}

impl Feed {
    /// Standard input.
    pub(crate) fn stdin() -> Self {
        Self::of(io::stdin(), LIMIT)
    }

    /// The same of `from`, with this limit.
    pub(crate) fn of(mut from: impl Read + Send + 'static, limit: Duration) -> Self {
        let (sender, chunks) = sync_channel(WAITING);
        std::thread::spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = from.read(&mut chunk).map(|read| {
                    chunk.truncate(read);
                    chunk
                });
                let is_last = read.as_ref().map_or(true, Vec::is_empty);
                if sender.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        Self {
            chunks,
            current: Cursor::default(),
            pace: Pace::within(limit),
        }
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.current.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        loop {
            let begun = Instant::now();
            let received = self.chunks.recv_timeout(self.pace.left());
            let came = match received {
                Ok(chunk) => Some(chunk?),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => None,
            };
            if came.as_ref().is_some_and(Vec::is_empty) {
                return Ok(0);
            }
            let length = came.as_ref().map_or(0, Vec::len) as u64;
            if !self.pace.keeps(begun.elapsed(), length) {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    self.pace.to_string(),
                ));
            }
            if let Some(came) = came {
                self.current = Cursor::new(came);
                return self.current.read(buffer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn everything_comes_in_order_to_the_end() {
        let sent: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut got = Vec::new();
        let mut feed = Feed::of(Cursor::new(sent.clone()), LIMIT);
        feed.read_to_end(&mut got).unwrap();
        assert!(got == sent, "{} of {} bytes", got.len(), sent.len());
    }

    #[test]
    fn a_sender_that_falls_silent_is_given_up() {
        let (mut here, there) = UnixStream::pair().unwrap();
        here.write_all(b"some").unwrap();
        let mut feed = Feed::of(there, Duration::from_millis(100));
        let mut got = Vec::new();
        let error = feed.read_to_end(&mut got).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(got, b"some");
        drop(here);
    }

    #[test]
    fn a_sender_that_trickles_is_given_up_and_what_waits_to_be_read_is_no_wait() {
        let (mut here, there) = UnixStream::pair().unwrap();
        let trickle = std::thread::spawn(move || {
            while here.write_all(b".").is_ok() {
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let mut feed = Feed::of(there, Duration::from_millis(200));
        let error = feed.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(feed);
        trickle.join().unwrap();
    }
}
