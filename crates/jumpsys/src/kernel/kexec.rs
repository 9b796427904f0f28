//! A kernel that kexec has loaded: at a reboot init would start it and pass the boot loader by,
//! and with it everything that the loader was told.
//!
//! Source: kexec_load(2), the kernel's Documentation/ABI/testing/sysfs-kernel-kexec and
//! admin-guide/sysctl/kernel.rst (`kexec_load_disabled`), linux/kexec.h.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use nix::libc;

use crate::error::{At as _, PathError};

/// `1` while a kernel is loaded; not there in a kernel without kexec.
const LOADED: &str = "/sys/kernel/kexec_loaded";
/// Written with `1`, nothing is loaded or unloaded until the next boot.
const LOCK: &str = "/proc/sys/kernel/kexec_load_disabled";
/// How often a kernel may be loaded, `-1` without end; not there before Linux 6.3. What is looked at by
/// trying counts.
const LIMIT: &str = "/proc/sys/kernel/kexec_load_limit_reboot";
/// `none [integrity] confidentiality`; not there in a kernel without lockdown (kernel_lockdown(7)).
const LOCKDOWN: &str = "/sys/kernel/security/lockdown";
/// `KEXEC_FILE_UNLOAD` of linux/kexec.h.
const FILE_UNLOAD: libc::c_ulong = 1;

/// What kexec would start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kexec {
    /// Nothing.
    Empty,
    /// A kernel that can be unloaded.
    Loaded,
    /// A kernel that the running one does not let go of any more.
    Locked,
}

/// What kexec would start now.
pub fn read() -> Result<Kexec, PathError> {
    read_at(Path::new(LOADED), Path::new(LOCK))
}

fn read_at(loaded: &Path, lock: &Path) -> Result<Kexec, PathError> {
    Ok(match (is_set(loaded)?, is_set(lock)?) {
        (false, _) => Kexec::Empty,
        (true, false) => Kexec::Loaded,
        (true, true) => Kexec::Locked,
    })
}

fn is_set(switch: &Path) -> Result<bool, PathError> {
    match fs::read_to_string(switch) {
        Ok(text) => Ok(text.trim() != "0"),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e).at("read", switch),
    }
}

/// Whether the kernel takes another one from its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taking {
    /// It does.
    Takes,
    /// It was built without.
    Without,
    /// It was told not to until its next boot.
    Disabled,
    /// It does not let us.
    NotAllowed,
}

/// Whether the kernel would take another one. Loads nothing and unloads nothing.
pub fn taking() -> Result<Taking, PathError> {
    let limit = fs::read_to_string(LIMIT).unwrap_or_default();
    if is_set(Path::new(LOCK))? || limit.trim() == "0" {
        return Ok(Taking::Disabled);
    }
    if !matches!(limit.trim(), "" | "-1") {
        return Ok(Taking::Takes);
    }
    Ok(match try_nothing() {
        Err(nix::Error::ENOSYS) => Taking::Without,
        Err(nix::Error::EPERM) => Taking::NotAllowed,
        _ => Taking::Takes,
    })
}

/// Loads no file: who may is told that there is none (`EBADF`).
fn try_nothing() -> nix::Result<()> {
    let none: libc::c_ulong = 0;
    // SAFETY: the kernel reads no command line of length 0 and gives up at the first descriptor, which
    // is none; what is loaded stays loaded then (kernel/kexec_file.c).
    let tried = unsafe { libc::syscall(libc::SYS_kexec_file_load, -1, -1, none, none, none) };
    nix::errno::Errno::result(tried).map(drop)
}

/// Whether the kernel starts signed kernels alone.
pub fn is_locked_down() -> bool {
    fs::read_to_string(LOCKDOWN).is_ok_and(|text| is_locked(&text))
}

/// The mode in brackets is the one in force.
fn is_locked(lockdown: &str) -> bool {
    !lockdown.trim().is_empty() && !lockdown.contains("[none]")
}

/// Loads a kernel with its initramfs, which the next reboot by kexec starts with this command line. One
/// that was loaded before is unloaded.
pub fn load(kernel: &Path, initramfs: &Path, command_line: &str) -> Result<(), PathError> {
    let [kernel_file, initramfs_file] = [
        File::open(kernel).at("open", kernel)?,
        File::open(initramfs).at("open", initramfs)?,
    ];
    let invalid = || PathError::new("load", kernel, io::ErrorKind::InvalidInput);
    let line = CString::new(command_line).map_err(|_| invalid())?;
    let flags: libc::c_ulong = 0;
    // SAFETY: both descriptors are open for the call, and the kernel reads as many bytes behind the
    // pointer as it is told, which are the line's with its NUL (kexec_file_load(2)).
    let loaded = unsafe {
        libc::syscall(
            libc::SYS_kexec_file_load,
            kernel_file.as_raw_fd(),
            initramfs_file.as_raw_fd(),
            line.as_bytes_with_nul().len(),
            line.as_ptr(),
            flags,
        )
    };
    nix::errno::Errno::result(loaded).at("load", kernel)?;
    Ok(())
}

/// Unloads the kernel that is loaded, if one is.
pub fn unload_loaded() -> Result<(), PathError> {
    let loaded = Path::new(LOADED);
    if read()? == Kexec::Empty {
        return Ok(());
    }
    unload().at("unload the kernel of", loaded)
}

/// Sees to it that no kernel is started by kexec until the next boot: unloads the one that is
/// loaded and locks the door, for there are scripts that load one while the machine shuts down.
/// The kernel for crashes stays.
///
/// # Errors
/// When a kernel is loaded and stays so.
pub fn forget() -> Result<(), PathError> {
    let loaded = Path::new(LOADED);
    unload_loaded()?;
    let lock = Path::new(LOCK);
    if lock.exists() {
        fs::write(lock, "1").at("lock", lock)?;
    }
    if is_set(loaded)? {
        return Err(PathError::new(
            "unload the kernel of",
            loaded,
            io::ErrorKind::ResourceBusy,
        ));
    }
    Ok(())
}

/// By the newer call, which a locked-down kernel allows as well, or else by the older one.
fn unload() -> nix::Result<()> {
    let none: libc::c_ulong = 0;
    // SAFETY: with KEXEC_FILE_UNLOAD the kernel looks at none of the descriptors and pointers.
    let newer =
        unsafe { libc::syscall(libc::SYS_kexec_file_load, -1, -1, none, none, FILE_UNLOAD) };
    if newer == 0 {
        return Ok(());
    }
    // SAFETY: no segments are named, so the kernel reads none; that unloads (kexec_load(2)).
    let older = unsafe { libc::syscall(libc::SYS_kexec_load, none, none, none, none) };
    nix::errno::Errno::result(older).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{Kexec, is_locked, read_at};
    use std::fs;

    #[test]
    fn a_kernel_that_is_loaded_and_locked_in_is_told_from_one_that_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let [loaded, lock] = ["loaded", "lock"].map(|name| dir.path().join(name));
        let set = |values: [&str; 2]| {
            fs::write(&loaded, values[0]).unwrap();
            fs::write(&lock, values[1]).unwrap();
            read_at(&loaded, &lock).unwrap()
        };
        assert_eq!(set(["0\n", "1\n"]), Kexec::Empty);
        assert_eq!(set(["1\n", "0\n"]), Kexec::Loaded);
        assert_eq!(set(["1\n", "1\n"]), Kexec::Locked);
        let missing = dir.path().join("missing");
        assert_eq!(read_at(&missing, &missing).unwrap(), Kexec::Empty);
    }
    #[test]
    fn the_mode_in_brackets_is_the_one_in_force() {
        assert!(is_locked("none [integrity] confidentiality\n"));
        assert!(is_locked("none integrity [confidentiality]\n"));
        assert!(!is_locked("[none] integrity confidentiality\n"));
        assert!(!is_locked(""));
    }
}
