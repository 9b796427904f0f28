//! The end of this boot: init is asked for it by its own interface, or the kernel does it.
//!
//! No signal is sent to init: their numbers depend on the C library that init was built with
//! (`SIGRTMIN` is 34 for glibc and 35 for musl), and systemd's reboot is one beside its kexec and
//! its power-off.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::libc;
use nix::sys::reboot::RebootMode;
use nix::unistd::{ForkResult, fork};

use crate::cmd::{CmdError, Program};
use crate::error::{At as _, PathError};
use crate::kernel::{kexec, process};

/// How long a reboot that init was asked for may take, before the kernel is asked: as long as
/// systemd gives its own (systemd.special(7); `JobTimeoutSec=30min` of reboot.target).
const INIT_LIMIT: Duration = Duration::from_mins(30);
/// How long init may take to take the order.
const ORDER_LIMIT: Duration = Duration::from_mins(1);
/// How long a sync before a reset may take: a file server that is gone holds it up for ever.
const SYNC_LIMIT: Duration = Duration::from_mins(1);

/// Where sysvinit listens (init(8)): its newer place, and the older one.
const INITCTL: [&str; 2] = ["run/initctl", "dev/initctl"];
/// `struct init_request` of sysvinit's initreq.h: four ints, then 368 bytes that a change of the
/// run level leaves unused.
const REQUEST: usize = 4 * 4 + 368;
/// `INIT_MAGIC`.
const MAGIC: i32 = 0x0309_1969;
/// `INIT_CMD_RUNLVL`.
const CHANGE_RUN_LEVEL: i32 = 1;
/// The run level that is a reboot.
const REBOOT_LEVEL: u8 = b'6';

/// How to restart the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebootVia {
    /// Asks init to, which stops services and unmounts; where a shutdown hangs, the kernel
    /// restarts the machine after half an hour. Never by kexec, which passes the boot loader by.
    /// Returns; then wait.
    Init,
    /// Asks systemd to start the kernel that kexec has loaded, once all services are stopped and file
    /// systems unmounted, or else read-only; where its shutdown hangs, as above. Returns; then wait.
    Kexec,
    /// Syncs, for a minute at most, and resets. reboot(2).
    Kernel,
    /// Resets at once. For when a sync hangs.
    Reset,
}

/// Why the machine is not restarted.
#[derive(Debug, thiserror::Error)]
pub enum RebootError {
    /// Init's own program failed.
    #[error("init does not restart the machine")]
    Init(#[from] CmdError),
    /// A kernel that kexec has loaded stays, init's ear is deaf, or the kernel refuses.
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Restarts the machine.
pub fn reboot(via: RebootVia) -> Result<(), RebootError> {
    match via {
        RebootVia::Init => {
            kexec::forget()?;
            Init::of(Path::new("/")).ask()?;
            // Init has limits of its own.
            reset_later().ok();
            Ok(())
        }
        RebootVia::Kexec => {
            start("kexec.target").run()?;
            reset_later().ok();
            Ok(())
        }
        RebootVia::Kernel => {
            sync_in_time();
            Ok(reset()?)
        }
        RebootVia::Reset => Ok(reset()?),
    }
}

fn reset() -> Result<(), PathError> {
    match nix::sys::reboot::reboot(RebootMode::RB_AUTOBOOT) {
        Ok(never) => match never {},
        Err(e) => Err(e).at("restart", Path::new("the machine")),
    }
}

fn sync_in_time() {
    let (done, told) = channel();
    thread::spawn(move || {
        nix::unistd::sync();
        done.send(()).ok();
    });
    // What is not written by then would not be written later either.
    told.recv_timeout(SYNC_LIMIT).ok();
}

/// Which init runs, as far as asking it for a reboot goes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Init {
    /// systemd.
    Systemd,
    /// sysvinit, which listens at this FIFO.
    Sysv(PathBuf),
    /// Upstart, BusyBox, OpenRC, runit …: each brings a `reboot` that asks it.
    Other,
}

impl Init {
    fn of(root: &Path) -> Self {
        if is_systemd(root) {
            return Self::Systemd;
        }
        let fifo =
            |path: &PathBuf| std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
        let listens = |path: &PathBuf| fifo(path) && open_to_write(path).is_ok();
        let ears = INITCTL.map(|place| root.join(place));
        ears.into_iter()
            .find(listens)
            .map_or(Self::Other, Self::Sysv)
    }

    fn ask(&self) -> Result<(), RebootError> {
        match self {
            Self::Systemd => Ok(start("reboot.target").run().map(drop)?),
            Self::Sysv(ear) => {
                let mut ear_open = open_to_write(ear).at("open", ear)?;
                Ok(ear_open.write_all(&request()).at("write", ear)?)
            }
            Self::Other => Ok(other_reboot().run().map(drop)?),
        }
    }
}

/// What `systemctl reboot` and `systemctl kexec` do (systemctl(1)), less what it does besides: it takes kexec or
/// another root where either is at hand, and it asks logind, whom a session may inhibit.
fn start(target: &str) -> Program {
    Program::new("systemctl")
        .args(["--no-block", "--job-mode=replace-irreversibly"])
        .args(["start", target])
        .timeout(ORDER_LIMIT)
}

/// Whether systemd is init, known as sd_booted(3) does.
pub fn is_systemd(root: &Path) -> bool {
    root.join("run/systemd/system").is_dir()
}

fn other_reboot() -> Program {
    Program::new("reboot").timeout(ORDER_LIMIT)
}

/// Fails at once where nobody reads (`ENXIO`, fifo(7)).
fn open_to_write(fifo: &Path) -> std::io::Result<std::fs::File> {
    OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(fifo)
}

fn request() -> [u8; REQUEST] {
    let mut bytes = [0; REQUEST];
    let no_pause = 0;
    let fields = [MAGIC, CHANGE_RUN_LEVEL, REBOOT_LEVEL.into(), no_pause];
    for (place, field) in bytes.chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_ne_bytes());
    }
    bytes
}

/// Leaves a process behind that resets the machine if init has not done so by [`INIT_LIMIT`]. It
/// syncs nothing: that could hang as the shutdown does, and what is older than half a minute the
/// kernel has written by itself.
fn reset_later() -> Result<(), PathError> {
    // The login's end with its session, which is soon.
    process::leave_cgroups(Path::new(process::CGROUPS));
    // Or systemd waits 90 seconds for it, kills it, and hangs after that perhaps.
    process::outlive_services().ok();
    let limit = libc::c_uint::try_from(INIT_LIMIT.as_secs()).unwrap_or(libc::c_uint::MAX);
    // SAFETY: the child runs only `outlive`, which makes async-signal-safe system calls, allocates
    // nothing, and never returns.
    match unsafe { fork() }.at("fork", Path::new("a process that resets"))? {
        ForkResult::Child => outlive(limit),
        ForkResult::Parent { .. } => Ok(()),
    }
}

fn outlive(seconds: libc::c_uint) -> ! {
    // SAFETY: setsid, chdir, signal, close, sleep, reboot and _exit touch no memory of this process and
    // are async-signal-safe (signal-safety(7); reboot is a bare system call).
    unsafe {
        libc::setsid();
        // No file system is to be busy for it.
        libc::chdir(c"/".as_ptr());
        for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGPIPE] {
            libc::signal(signal, libc::SIG_IGN);
        }
        // The connection that gave the order must not wait for this.
        for descriptor in 0..3 {
            libc::close(descriptor);
        }
        let mut left = seconds;
        while left > 0 {
            left = libc::sleep(left);
        }
        libc::reboot(libc::RB_AUTOBOOT);
        libc::_exit(1)
    }
}

#[cfg(test)]
mod tests;
