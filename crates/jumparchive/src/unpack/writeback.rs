//! Has the kernel write to the disk what is unpacked while more is unpacked, so that
//! the disk is not idle until the end.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs;
use rustix::io::Errno;

use crate::error::{Result, io_error};

/// How long the kernel gathers before it writes.
const INTERVAL: Duration = Duration::from_millis(150);

/// A thread that syncs every now and then.
pub(crate) struct Writeback {
    stop: SyncSender<()>,
    thread: JoinHandle<Result<(), Errno>>,
}

impl Writeback {
    /// Begins with the file system of `root`.
    pub(crate) fn begin(root: BorrowedFd<'_>) -> Result<Self> {
        let root = root
            .try_clone_to_owned()
            .map_err(io_error(b"", "cannot open directory"))?;
        let (stop, stopped) = sync_channel(0);
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                // syncfs(2) tells a failed write once; whoever syncs next would not hear of it.
                fs::syncfs(root.as_fd())?;
            }
            Ok(())
        });
        Ok(Self { stop, thread })
    }

    /// Ends it, and tells whether all that it wrote was written.
    pub(crate) fn end(self) -> Result<()> {
        drop(self.stop);
        match self.thread.join() {
            Ok(written) => written.map_err(io_error(b"", "cannot write to disk")),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
