//! Threads that each take the next frame of an image, decode it and work on it.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::error::{Error, Result};
use crate::image::opened::Image;

/// What the threads do.
pub(crate) trait FrameWork: Sync {
    /// What each thread keeps to itself.
    type State: Send;

    /// How many threads are of use.
    fn threads(&self) -> usize;
    /// A thread begins.
    fn begin(&self) -> Result<Self::State>;
    /// Works on a frame's tar data, whose digest was found to be right.
    fn frame(&self, state: &mut Self::State, frame: usize, data: &[u8]) -> Result<()>;
    /// A thread has failed: lets those go that wait for it.
    fn abandon(&self);
}

/// Has all `frames` worked on, while this thread does `meanwhile`. `progress` is told the
/// bytes of tar data dealt with, beginning at `done`. Gives what the threads kept.
///
/// # Errors
/// That of the first frame which failed.
pub(crate) fn run<W: FrameWork>(
    image: &Image,
    frames: Range<usize>,
    work: &W,
    mut done: u64,
    progress: crate::Progress<'_>,
    meanwhile: impl FnOnce() -> Result<()>,
) -> Result<Vec<W::State>> {
    let shared = Shared {
        image,
        next: AtomicUsize::new(frames.start),
        end: frames.end,
        stop: AtomicBool::new(false),
        work,
    };
    let (told, tell) = channel();
    thread::scope(|scope| {
        let count = work.threads().min(frames.len());
        let workers: Vec<_> = (0..count)
            .map(|_| {
                let (shared, told) = (&shared, told.clone());
                scope.spawn(move || shared.perform(&told))
            })
            .collect();
        drop(told);
        let own = meanwhile();
        if own.is_err() {
            shared.give_up();
        }
        for length in tell {
            done += length;
            progress(done);
        }
        let mut states = Vec::new();
        let mut first: Option<(usize, Error)> = own.err().map(|error| (0, error));
        for worker in workers {
            match worker.join() {
                Ok(Ok(state)) => states.push(state),
                Ok(Err(failure)) if first.as_ref().is_none_or(|first| failure.0 < first.0) => {
                    first = Some(failure);
                }
                Ok(Err(_)) => {}
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        first.map_or(Ok(states), |(_, error)| Err(error))
    })
}

struct Shared<'a, W> {
    image: &'a Image,
    next: AtomicUsize,
    end: usize,
    stop: AtomicBool,
    work: &'a W,
}

impl<W: FrameWork> Shared<'_, W> {
    /// Takes frames until there are none, or gives the number of one and what is wrong.
    fn perform(&self, told: &Sender<u64>) -> Result<W::State, (usize, Error)> {
        let mut current = self.next.load(Ordering::Relaxed);
        let result = self.take(&mut current, told);
        if result.is_err() {
            self.give_up();
        }
        result.map_err(|error| (current, error))
    }

    fn take(&self, current: &mut usize, told: &Sender<u64>) -> Result<W::State> {
        let mut state = self.work.begin()?;
        let mut reader = self.image.reader()?;
        loop {
            let frame = self.next.fetch_add(1, Ordering::Relaxed);
            if frame >= self.end || self.stop.load(Ordering::Relaxed) {
                return Ok(state);
            }
            *current = frame;
            let data = reader.frame(frame)?;
            self.work.frame(&mut state, frame, data)?;
            // Nobody listens once another has failed.
            let _unheard = told.send(data.len() as u64);
        }
    }

    fn give_up(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.work.abandon();
    }
}
