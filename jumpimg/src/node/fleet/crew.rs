//! The threads that do what takes a connection, a few for all nodes.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::Scope;

/// Each talks over one connection at a time, which is two ssh processes.
const MOST: usize = 64;

/// How many threads conduct a fleet of which so many nodes are sent images, and so many are out of service,
/// at once: no more ssh processes than both together.
pub(super) fn size(transfers: usize, down: usize) -> usize {
    (transfers.saturating_add(down) / 2).clamp(1, MOST)
}

type Job<'a, T> = Box<dyn FnOnce() -> T + Send + 'a>;

/// Threads that do jobs in the order in which they were given, and what came of them.
pub(super) struct Crew<'a, T> {
    jobs: Sender<Job<'a, T>>,
    done: Receiver<T>,
}

impl<'a, T: Send + 'a> Crew<'a, T> {
    /// So many threads, which end with this value.
    pub(super) fn of<'s>(scope: &'s Scope<'s, '_>, size: usize) -> Self
    where
        'a: 's,
        T: 's,
    {
        let (jobs, given) = mpsc::channel::<Job<'a, T>>();
        let (tell, done) = mpsc::channel();
        let given = Arc::new(Mutex::new(given));
        for _ in 0..size {
            let (given, tell) = (Arc::clone(&given), tell.clone());
            scope.spawn(move || {
                loop {
                    // Whoever waits for a job holds the lock; the others wait for that.
                    let job = given.lock().map(|given| given.recv());
                    let Ok(Ok(job)) = job else { break };
                    if tell.send(job()).is_err() {
                        break;
                    }
                }
            });
        }
        Self { jobs, done }
    }

    /// Has a job done.
    pub(super) fn give(&self, job: impl FnOnce() -> T + Send + 'a) {
        // The threads take jobs for as long as this value is there.
        self.jobs.send(Box::new(job)).ok();
    }

    /// What comes of jobs.
    pub(super) fn done(&self) -> &Receiver<T> {
        &self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_jobs_are_done_and_the_threads_end() {
        let mut done: Vec<usize> = std::thread::scope(|scope| {
            let crew = Crew::of(scope, 4);
            for number in 0..100 {
                crew.give(move || number);
            }
            crew.done().iter().take(100).collect()
        });
        done.sort_unstable();
        assert!(done.iter().copied().eq(0..100));
    }

    #[test]
    fn there_are_never_more_ssh_processes_than_was_said() {
        for (transfers, down) in [(32, 50), (1, 1), (512, 1000), (3, 2)] {
            let size = size(transfers, down);
            assert!(size >= 1 && 2 * size <= (transfers + down).max(2), "{size}");
            assert!(size <= MOST);
        }
    }
}
