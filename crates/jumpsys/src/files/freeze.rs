//! Freezes a file system and thaws it again, so that GRUB, which replays no journal, reads what was
//! written (tried on ext4 and XFS: facts/boot.md). A child process stands by which thaws if this
//! process dies in between, as in ostree.
//!
//! While frozen every writer waits, this process too: between [`Freeze::start`] and
//! [`Freeze::thaw`] nothing may write to that file system. ioctl_fsfreeze: linux/fs.h.

use std::fs::File;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::libc;
use nix::unistd::{ForkResult, Pid, fork, pipe, write};

use crate::error::{At as _, PathError};

mod ioctl {
    nix::ioctl_readwrite!(fifreeze, b'X', 119, nix::libc::c_int);
    nix::ioctl_readwrite!(fithaw, b'X', 120, nix::libc::c_int);
}

/// A frozen file system. Dropped, it is thawed and a failure to do so is said on stderr.
#[derive(Debug)]
#[must_use = "dropping it thaws at once"]
pub struct Freeze {
    dir: File,
    path: PathBuf,
    guardian: Option<Guardian>,
}

impl Freeze {
    /// Freezes the file system that holds the directory `path`, for at most `limit`: then, or when
    /// this process dies, the guardian thaws it. `EOPNOTSUPP` where the file system cannot, `EBUSY`
    /// where it is frozen already.
    pub fn start(path: &Path, limit: Duration) -> Result<Self, PathError> {
        let dir = File::open(path).at("open", path)?;
        let guardian = Guardian::start(dir.as_raw_fd(), limit).at("guard", path)?;
        let mut unused = 0;
        // SAFETY: FIFREEZE reads and writes no more than the int behind the pointer.
        let frozen = unsafe { ioctl::fifreeze(dir.as_raw_fd(), &raw mut unused) };
        if let Err(e) = frozen {
            guardian.dismiss();
            return Err(e).at("freeze", path);
        }
        Ok(Self {
            dir,
            path: path.to_owned(),
            guardian: Some(guardian),
        })
    }

    /// Thaws. `EINVAL` means that the guardian had already done so at its limit.
    pub fn thaw(mut self) -> Result<(), PathError> {
        self.thaw_now()
    }

    fn thaw_now(&mut self) -> Result<(), PathError> {
        let Some(guardian) = self.guardian.take() else {
            return Ok(());
        };
        let thawed = thaw(self.dir.as_raw_fd());
        guardian.dismiss();
        thawed.map(drop).at("thaw", &self.path)
    }
}

impl Drop for Freeze {
    fn drop(&mut self) {
        if let Err(e) = self.thaw_now() {
            eprintln!("jump: {e}: {}", e.source);
        }
    }
}

/// Makes everything written so far to the file system that holds the directory `path` readable for
/// a boot loader: freezes and thaws it, or, where it has no freezing (FAT), syncs it.
pub fn settle(path: &Path) -> Result<(), PathError> {
    if cfg!(jump_mutant = "no-freeze") {
        return Ok(());
    }
    let dir = File::open(path).at("open", path)?;
    nix::unistd::syncfs(&dir).at("sync", path)?;
    match Freeze::start(path, Duration::from_secs(30)) {
        Ok(freeze) => freeze.thaw(),
        Err(e) if e.errno() == Some(libc::EOPNOTSUPP) => Ok(()),
        Err(e) => Err(e),
    }
}

fn thaw(dir: RawFd) -> nix::Result<libc::c_int> {
    let mut unused = 0;
    // SAFETY: FITHAW reads and writes no more than the int behind the pointer.
    unsafe { ioctl::fithaw(dir, &raw mut unused) }
}

/// The child that thaws unless a byte comes through the pipe first.
#[derive(Debug)]
struct Guardian {
    pid: Pid,
    /// Its end of the pipe: closed by this process's death, whatever kills it.
    leash: OwnedFd,
}

impl Guardian {
    fn start(dir: RawFd, limit: Duration) -> nix::Result<Self> {
        let (watched, leash) = pipe()?;
        let limit = libc::c_int::try_from(limit.as_millis()).unwrap_or(libc::c_int::MAX);
        // SAFETY: the child runs only `guard`, which makes async-signal-safe system calls on
        // descriptors that are open in it, allocates nothing, and never returns.
        match unsafe { fork() }? {
            ForkResult::Child => guard(watched.as_raw_fd(), leash.as_raw_fd(), dir, limit),
            ForkResult::Parent { child } => Ok(Self { pid: child, leash }),
        }
    }

    /// Tells it to go without thawing, and waits for that.
    fn dismiss(self) {
        // Both fail only if it is gone, which is what is wanted.
        write(&self.leash, b".").ok();
        nix::sys::wait::waitpid(self.pid, None).ok();
    }
}

fn guard(watched: RawFd, leash: RawFd, dir: RawFd, limit: libc::c_int) -> ! {
    let mut wait = libc::pollfd {
        fd: watched,
        events: libc::POLLIN,
        revents: 0,
    };
    let mut byte = 0u8;
    // SAFETY: close, setsid, signal, poll, read, ioctl and _exit are async-signal-safe
    // (signal-safety(7)); the pointers are to locals that outlive the calls.
    unsafe {
        libc::close(leash);
        // A Ctrl-C or hang-up meant for the parent must not end the child first.
        libc::setsid();
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        let told = libc::poll(&raw mut wait, 1, limit) > 0
            && libc::read(watched, (&raw mut byte).cast(), 1) == 1;
        if !told {
            thaw(dir).ok();
        }
        libc::_exit(0)
    }
}
