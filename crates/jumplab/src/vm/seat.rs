//! A processor for each guest in user-mode Linux. Its kernel and its guest's processes take turns, at
//! each system call: on two processors they wait for each other's wake-up, and a boot takes more than
//! twice as long.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

/// The guests on each processor.
static TAKEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// A place on a processor, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    processor: usize,
}

impl Seat {
    /// The processor, of those that this process may use, on which the fewest guests are.
    pub(super) fn take() -> Result<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0)).context("cannot ask for processors")?;
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken.resize(CpuSet::count(), 0);
        let processor = (0..CpuSet::count())
            .filter(|processor| allowed.is_set(*processor).unwrap_or_default())
            .min_by_key(|processor| taken[*processor])
            .context("this process may use no processor")?;
        taken[processor] += 1;
        Ok(Self { processor })
    }

    /// Its number, as taskset(1) wants it.
    pub(super) fn processor(&self) -> String {
        self.processor.to_string()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken[self.processor] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_spread_over_the_processors() {
        let processors = std::thread::available_parallelism().unwrap().get();
        let seats: Vec<Seat> = (0..processors).map(|_| Seat::take().unwrap()).collect();
        let mut numbers: Vec<usize> = seats.iter().map(|seat| seat.processor).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), processors);
        drop(seats);
        assert_eq!(TAKEN.lock().unwrap().iter().sum::<usize>(), 0);
    }
}
