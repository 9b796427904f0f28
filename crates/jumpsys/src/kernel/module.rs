//! Kernel modules, loaded from a file by path: no modprobe, no dependencies.

use std::fs::File;
use std::path::Path;

use nix::errno::Errno;
use nix::kmod::{ModuleInitFlags, finit_module};

use crate::error::{At as _, PathError};

/// Loads the module in the file `path`; one that is loaded or built in already is as good.
///
/// # Errors
/// When there is no such file, or the kernel does not take it (compressed, for another kernel,
/// in need of another module). finit_module(2).
pub fn load(path: &Path) -> Result<(), PathError> {
    let file = File::open(path).at("open", path)?;
    match finit_module(&file, c"", ModuleInitFlags::empty()) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(e) => Err(e).at("load", path),
    }
}

#[cfg(test)]
mod tests {
    use super::load;
    use std::path::Path;

    #[test]
    fn a_missing_module_is_named() {
        let e = load(Path::new("/nonexistent/softdog.ko")).unwrap_err();
        assert_eq!(e.to_string(), "cannot open /nonexistent/softdog.ko");
    }
}
