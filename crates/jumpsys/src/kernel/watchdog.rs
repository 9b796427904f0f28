//! The hardware watchdog: resets the machine unless it is petted in time.
//!
//! Source: the kernel's Documentation/watchdog/watchdog-api.rst, linux/watchdog.h.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::libc::c_int;

use crate::error::{At as _, PathError};

mod ioctl {
    nix::ioctl_readwrite!(wdioc_settimeout, b'W', 6, nix::libc::c_int);
}

/// The watchdogs that the kernel has, `/dev/watchdog0` first.
///
/// # Errors
/// When /dev cannot be read.
pub fn devices() -> Result<Vec<PathBuf>, PathError> {
    let dev = Path::new("/dev");
    let mut found = Vec::new();
    for entry in fs::read_dir(dev).at("read", dev)? {
        let path = entry.at("read", dev)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let number = name.and_then(|name| name.strip_prefix("watchdog"));
        if number.is_some_and(|number| number.parse::<u8>().is_ok()) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// An armed watchdog with a thread that pets it. Dropped, or when the process dies, petting ends
/// and the machine is reset: to stop it, [`Watchdog::disarm`].
#[derive(Debug)]
pub struct Watchdog {
    path: PathBuf,
    timeout: u32,
    orders: Sender<()>,
    petter: JoinHandle<File>,
}

impl Watchdog {
    /// Opens `/dev/watchdog` or another, which arms it, and asks for this many seconds; it then
    /// is petted thrice in that time.
    pub fn arm(path: &Path, seconds: u32) -> Result<Self, PathError> {
        let mut file = OpenOptions::new().write(true).open(path).at("arm", path)?;
        let mut timeout = c_int::try_from(seconds).unwrap_or(c_int::MAX);
        // SAFETY: WDIOC_SETTIMEOUT reads and writes the one int behind the pointer.
        let set = unsafe { ioctl::wdioc_settimeout(file.as_raw_fd(), &raw mut timeout) };
        if let Err(e) = set {
            // Better none than one of unknown patience: give it back.
            file.write_all(b"V").ok();
            return Err(e).at("set the time of", path);
        }
        let timeout = timeout.unsigned_abs().max(1);
        let (orders, heard) = channel();
        let pause = Duration::from_secs(timeout.into()) / 3;
        let petter = thread::spawn(move || {
            loop {
                // A failure shows by itself, soon.
                file.write_all(b"p").ok();
                match heard.recv_timeout(pause) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return file,
                }
            }
        });
        Ok(Self {
            path: path.to_owned(),
            timeout,
            orders,
            petter,
        })
    }

    /// Seconds it really waits, which may be other than asked.
    pub fn timeout(&self) -> u32 {
        self.timeout
    }

    /// Stops it, by the "magic close". Where the driver was built not to be stopped it runs on.
    pub fn disarm(self) -> Result<(), PathError> {
        let mut file = stop(self.orders, self.petter).at("disarm", &self.path)?;
        file.write_all(b"V").at("disarm", &self.path)
    }

    /// Stops petting and leaves it running: the machine has [`Watchdog::timeout`] seconds to come
    /// to something that pets it. For a reboot that must not hang.
    pub fn keep_running(self) -> Result<(), PathError> {
        stop(self.orders, self.petter)
            .map(drop)
            .at("leave", &self.path)
    }
}

fn stop(orders: Sender<()>, petter: JoinHandle<File>) -> std::io::Result<File> {
    drop(orders);
    let died = |_| std::io::Error::other("the petting thread died");
    petter.join().map_err(died)
}

#[cfg(test)]
mod tests {
    use super::Watchdog;
    use std::path::Path;

    #[test]
    fn a_missing_watchdog_is_named() {
        let e = Watchdog::arm(Path::new("/nonexistent/watchdog"), 60).unwrap_err();
        assert_eq!(e.to_string(), "cannot arm /nonexistent/watchdog");
    }
}
