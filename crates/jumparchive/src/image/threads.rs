//! How many threads are of use.

/// Most that work on frames side by side: each holds one before and one after decoding,
/// and all of them together are to stay below 32 MiB.
const READERS: usize = 3;
/// Most that compress.
const WRITERS: usize = 4;

/// Threads that decode frames and do little else: one a core.
pub(crate) fn readers() -> usize {
    cores().min(READERS)
}

/// Threads that make files: one more than there are cores, for each waits for the disk at
/// times.
pub(crate) fn makers() -> usize {
    (cores() + 1).min(READERS)
}

/// Threads that compress: one a core.
pub(crate) fn writers() -> usize {
    cores().min(WRITERS)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
