//! Decodes an image's frames on worker threads, in order, each digest checked first.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::error::Result;
use crate::image::Image;
use crate::tarstream::Chunks;

/// Frames in order, as the workers deliver them.
struct Ordered<'a> {
    receivers: Vec<Receiver<Result<Vec<u8>>>>,
    next: usize,
    total: usize,
    done: u64,
    progress: crate::Progress<'a>,
}

impl Chunks for Ordered<'_> {
    fn next_chunk(&mut self) -> Result<Option<Vec<u8>>> {
        (self.progress)(self.done);
        if self.next == self.total {
            return Ok(None);
        }
        let worker = self.next % self.receivers.len();
        // A worker ends early only after it has delivered an error.
        let Ok(frame) = self.receivers[worker].recv() else {
            return Ok(None);
        };
        self.next += 1;
        let frame = frame?;
        self.done += frame.len() as u64;
        Ok(Some(frame))
    }
}

/// Calls `consume` with the image's decoded frames. `progress` is told the bytes of
/// tar data handed out and dealt with.
pub(crate) fn decoded<R>(
    image: &Image,
    progress: crate::Progress<'_>,
    consume: impl FnOnce(&mut dyn Chunks) -> Result<R>,
) -> Result<R> {
    let total = image.frames().len();
    let workers = threads().min(total.max(1));
    thread::scope(|scope| {
        let receivers = (0..workers)
            .map(|worker| {
                let (sender, receiver) = sync_channel(1);
                scope.spawn(move || {
                    for number in (worker..total).step_by(workers) {
                        let frame = image.frame(number);
                        let failed = frame.is_err();
                        if sender.send(frame).is_err() || failed {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        let mut frames = Ordered {
            receivers,
            next: 0,
            total,
            done: 0,
            progress,
        };
        consume(&mut frames)
    })
}

/// Worker threads to use: one a core, at most four, for each holds some frames.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(4))
}
