//! Cuts the tar stream into frames and compresses them on worker threads, in order.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use jumpspec::digest::Digest;
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use crate::format::{FRAME_LIMIT, FRAME_TARGET};
use crate::index::FrameInfo;

/// Tar data in, frames out: a [`Write`] for the tar stream.
pub(crate) struct FrameWriter {
    out: File,
    position: u64,
    buffer: Vec<u8>,
    frames: Vec<FrameInfo>,
    pending: VecDeque<Receiver<io::Result<Compressed>>>,
    jobs: Option<SyncSender<Job>>,
    workers: Vec<JoinHandle<()>>,
}

struct Job {
    data: Vec<u8>,
    done: SyncSender<io::Result<Compressed>>,
}

struct Compressed {
    bytes: Vec<u8>,
    raw: usize,
    digest: Digest,
}

/// What is left when all frames are written.
pub(crate) struct Written {
    pub(crate) out: File,
    pub(crate) position: u64,
    pub(crate) frames: Vec<FrameInfo>,
}

impl FrameWriter {
    /// Writes frames to `out` from `position` on.
    pub(crate) fn new(out: File, position: u64, level: i32, threads: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let (jobs, queue) = sync_channel(threads);
        let queue = Arc::new(Mutex::new(queue));
        let workers = (0..threads)
            .map(|_| {
                let queue = Arc::clone(&queue);
                let mut compressor = Compressor::new(level)?;
                compressor.set_parameter(CParameter::ChecksumFlag(true))?;
                Ok(thread::spawn(move || {
                    compress_jobs(&mut compressor, &queue);
                }))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            out,
            position,
            buffer: Vec::with_capacity(FRAME_LIMIT),
            frames: Vec::new(),
            pending: VecDeque::new(),
            jobs: Some(jobs),
            workers,
        })
    }

    /// Where the next entry, of about `size` bytes, begins: frame and offset in it.
    /// Ends the current frame if it is full or the entry would not fit well.
    pub(crate) fn begin_entry(&mut self, size: u64) -> io::Result<(u32, u32)> {
        let held = self.buffer.len();
        let fits =
            usize::try_from(size).is_ok_and(|size| size < FRAME_LIMIT - held.min(FRAME_LIMIT));
        if held >= FRAME_TARGET || (!fits && held >= FRAME_TARGET / 4) {
            self.cut()?;
        }
        let narrow = |n: usize| u32::try_from(n).map_err(|_| io::Error::other("too many frames"));
        Ok((
            narrow(self.frames.len() + self.pending.len())?,
            narrow(self.buffer.len())?,
        ))
    }

    /// Ends the current frame.
    fn cut(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        while self.pending.len() > self.workers.len() {
            self.write_oldest()?;
        }
        let data = std::mem::replace(&mut self.buffer, Vec::with_capacity(FRAME_LIMIT));
        let (done, result) = sync_channel(1);
        self.jobs
            .as_ref()
            .and_then(|jobs| jobs.send(Job { data, done }).ok())
            .ok_or_else(worker_gone)?;
        self.pending.push_back(result);
        Ok(())
    }

    fn write_oldest(&mut self) -> io::Result<()> {
        let Some(result) = self.pending.pop_front() else {
            return Ok(());
        };
        let frame = result.recv().map_err(|_| worker_gone())??;
        self.out.write_all_at(&frame.bytes, self.position)?;
        self.position += frame.bytes.len() as u64;
        let narrow = |n: usize| u32::try_from(n).map_err(io::Error::other);
        self.frames.push(FrameInfo {
            length: narrow(frame.bytes.len())?,
            raw_length: narrow(frame.raw)?,
            digest: *frame.digest.as_bytes(),
        });
        Ok(())
    }

    /// Writes what is left and ends the workers.
    pub(crate) fn finish(mut self) -> io::Result<Written> {
        self.cut()?;
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        self.jobs = None;
        for worker in self.workers.drain(..) {
            worker.join().map_err(|_| worker_gone())?;
        }
        Ok(Written {
            out: self.out,
            position: self.position,
            frames: self.frames,
        })
    }
}

impl Write for FrameWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.buffer.len() >= FRAME_LIMIT {
            self.cut()?;
        }
        let taken = data.len().min(FRAME_LIMIT - self.buffer.len());
        self.buffer.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn worker_gone() -> io::Error {
    io::Error::other("a compression thread is gone")
}

fn compress_jobs(compressor: &mut Compressor<'_>, queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { data, done }) = job else { return };
        let result = compressor.compress(&data).map(|bytes| Compressed {
            digest: Digest::of(&bytes),
            raw: data.len(),
            bytes,
        });
        // Nobody waits for it once the writer has failed.
        drop(done.send(result));
    }
}
