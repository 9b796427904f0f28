//! A kernel that kexec has loaded: at a reboot init would start it and pass the boot loader by,
//! and with it everything that the loader was told.
//!
//! Source: kexec_load(2), the kernel's Documentation/ABI/testing/sysfs-kernel-kexec and
//! admin-guide/sysctl/kernel.rst (`kexec_load_disabled`), linux/kexec.h.

use std::fs;
use std::io;
use std::path::Path;

use nix::libc;

use crate::error::{At as _, PathError};

/// `1` while a kernel is loaded; not there in a kernel without kexec.
const LOADED: &str = "/sys/kernel/kexec_loaded";
/// Written with `1`, nothing is loaded or unloaded until the next boot.
const LOCK: &str = "/proc/sys/kernel/kexec_load_disabled";
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

/// Sees to it that no kernel is started by kexec until the next boot: unloads the one that is
/// loaded and locks the door, for there are scripts that load one while the machine shuts down.
/// The kernel for crashes stays.
///
/// # Errors
/// When a kernel is loaded and stays so.
pub fn forget() -> Result<(), PathError> {
    let loaded = Path::new(LOADED);
    if read()? != Kexec::Empty {
        unload().at("unload the kernel of", loaded)?;
    }
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
    use super::{Kexec, read_at};
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
}
