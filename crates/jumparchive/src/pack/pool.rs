//! Worker threads that make frames; what they make comes back in order.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::PackOptions;
use super::frame::Framer;
use super::work::{Outcome, Work, Worker};
use crate::error::{Result, io_error};

type Answer = SyncSender<Result<Outcome>>;
type Queue = Mutex<Receiver<(Work, Answer)>>;

/// Worker threads and the work that they have.
pub(super) struct Pool {
    jobs: Option<SyncSender<(Work, Answer)>>,
    pending: VecDeque<Receiver<Result<Outcome>>>,
    workers: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn new(options: &PackOptions) -> io::Result<Self> {
        let threads = options.threads.max(1);
        let (jobs, queue) = sync_channel(threads);
        let queue = Arc::new(Mutex::new(queue));
        let workers = (0..threads)
            .map(|_| {
                let worker = Worker::new(Framer::new(options)?);
                let queue = Arc::clone(&queue);
                Ok(thread::spawn(move || perform(worker, &queue)))
            })
            .collect::<io::Result<_>>()?;
        Ok(Self {
            jobs: Some(jobs),
            pending: VecDeque::new(),
            workers,
        })
    }

    /// Gives work to the next worker that is free. Its outcome comes after those of the
    /// work before it.
    pub(super) fn submit(&mut self, work: Work) -> Result<()> {
        let (answer, outcome) = sync_channel(1);
        self.jobs
            .as_ref()
            .and_then(|jobs| jobs.send((work, answer)).ok())
            .ok_or_else(gone)?;
        self.pending.push_back(outcome);
        Ok(())
    }

    /// Whether so much is under way that an outcome should be taken first.
    pub(super) fn is_full(&self) -> bool {
        self.pending.len() > self.workers.len() + 1
    }

    /// Waits for the outcome of the oldest work; nothing if there is none under way.
    pub(super) fn next(&mut self) -> Option<Result<Outcome>> {
        let outcome = self.pending.pop_front()?;
        Some(outcome.recv().unwrap_or_else(|_| Err(gone())))
    }

    /// Ends the workers.
    pub(super) fn finish(mut self) -> Result<()> {
        self.jobs = None;
        for worker in self.workers.drain(..) {
            worker.join().map_err(|_| gone())?;
        }
        Ok(())
    }
}

fn gone() -> crate::Error {
    io_error(b"image", "cannot pack")(io::Error::other("a worker thread is gone"))
}

fn perform(mut worker: Worker, queue: &Queue) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((work, answer)) = job else { return };
        // Nobody waits for it once packing has failed.
        drop(answer.send(worker.perform(work)));
    }
}
