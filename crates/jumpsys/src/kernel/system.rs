//! The running system as a whole: its kernel, name, memory, randomness.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use nix::libc;

use crate::error::{At as _, PathError};

/// The running kernel. uname(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// `6.1.0-28-amd64`
    pub release: String,
    /// `x86_64`
    pub machine: String,
}

/// Which kernel runs.
pub fn kernel() -> Result<Kernel, PathError> {
    let uname = nix::sys::utsname::uname().at("ask", Path::new("the kernel's name"))?;
    let text = |s: &OsStr| s.to_string_lossy().into_owned();
    Ok(Kernel {
        release: text(uname.release()),
        machine: text(uname.machine()),
    })
}

/// The host name that is set now.
pub fn hostname() -> Result<String, PathError> {
    let name = nix::unistd::gethostname().at("get", Path::new("the host name"))?;
    Ok(name.to_string_lossy().into_owned())
}

/// Sets the host name until the next boot.
pub fn set_hostname(name: &str) -> Result<(), PathError> {
    nix::unistd::sethostname(name).at("set", Path::new("the host name"))
}

/// Memory of this machine, in bytes. /proc/meminfo, proc(5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it, without what the kernel keeps for itself from the start.
    pub total: u64,
    /// What programs can have without anything being swapped out; kernels before 3.14 do not tell.
    pub available: Option<u64>,
}

/// How much memory there is.
pub fn memory() -> Result<Memory, PathError> {
    let path = Path::new("/proc/meminfo");
    let text = fs::read_to_string(path).at("read", path)?;
    let invalid = || PathError::new("read", path, io::ErrorKind::InvalidData);
    parse_memory(&text).ok_or_else(invalid)
}

/// `MemTotal` and `MemAvailable` of /proc/meminfo.
pub fn parse_memory(meminfo: &str) -> Option<Memory> {
    let bytes = |name: &str| -> Option<u64> {
        let value = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kib.checked_mul(1024)
    };
    Some(Memory {
        total: bytes("MemTotal:")?,
        available: bytes("MemAvailable:"),
    })
}

/// A UUID that is another one after each boot.
pub fn boot_id() -> Result<String, PathError> {
    let path = Path::new("/proc/sys/kernel/random/boot_id");
    let text = fs::read_to_string(path).at("read", path)?;
    Ok(text.trim().to_owned())
}

/// Milliseconds since boot (`/proc/uptime`, proc(5)).
pub fn uptime_ms() -> u64 {
    let text = fs::read_to_string("/proc/uptime").unwrap_or_default();
    parse_uptime(&text).unwrap_or_default()
}

fn parse_uptime(text: &str) -> Option<u64> {
    let (seconds, fraction) = text.split_whitespace().next()?.split_once('.')?;
    let hundredths: u64 = fraction.get(..2)?.parse().ok()?;
    Some(seconds.parse::<u64>().ok()? * 1000 + hundredths * 10)
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Randomness good enough for keys. Waits until the kernel has gathered enough. getrandom(2).
pub fn random_bytes<const N: usize>() -> Result<[u8; N], PathError> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        let rest = &mut bytes[filled..];
        // SAFETY: the pointer and the length are those of one slice that may be written.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match nix::errno::Errno::result(got) {
            Err(nix::errno::Errno::EINTR) => {}
            Err(e) => return Err(e).at("get", Path::new("random bytes")),
            Ok(got) => filled += got.unsigned_abs(),
        }
    }
    Ok(bytes)
}

/// Whether this program ignores a signal, as whoever started it may have it do (nohup(1)).
pub fn ignores(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_in_mask(&status, "SigIgn:", signal)
}

/// Whether `signal` is in a mask of `/proc/PID/status`: 64 bits in hex, the lowest for signal 1
/// (proc_pid_status(5)).
fn is_in_mask(status: &str, name: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(name));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(signal - 1)
        .ok()
        .and_then(|bit| 1u64.checked_shl(bit));
    mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
}

#[cfg(test)]
mod tests {
    use super::{Memory, boot_id, hostname, kernel, memory, parse_memory, random_bytes};

    #[test]
    fn reads_memory_in_bytes() {
        let text = "MemTotal:       24601256 kB\nMemFree:  1 kB\n";
        let mut memory = Memory {
            total: 25_191_686_144,
            available: None,
        };
        assert_eq!(parse_memory(text), Some(memory));
        memory.available = Some(2048);
        let text = format!("{text}MemAvailable:  2 kB\n");
        assert_eq!(parse_memory(&text), Some(memory));
        assert_eq!(parse_memory("MemFree: 1 kB"), None);
    }

    #[test]
    fn this_machine_answers() {
        assert_eq!(kernel().unwrap().machine, std::env::consts::ARCH);
        assert!(!hostname().unwrap().is_empty());
        let memory = memory().unwrap();
        assert!(memory.total > 1 << 24 && memory.available.unwrap() < memory.total);
        assert_eq!(boot_id().unwrap().len(), 36);
    }

    #[test]
    fn randomness_fills_every_byte_and_differs() {
        let (a, b) = (random_bytes::<64>().unwrap(), random_bytes::<64>().unwrap());
        assert_ne!(a, b);
        assert!(a[48..].iter().any(|&byte| byte != 0));
    }

    #[test]
    fn a_signal_is_found_in_its_mask() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert!(super::is_in_mask(status, "SigIgn:", 1));
        assert!(super::is_in_mask(status, "SigIgn:", 13));
        for other in [0, 2, 64, 65, -1] {
            assert!(!super::is_in_mask(status, "SigIgn:", other), "{other}");
        }
    }
}
