//! The firmware's variables, by the kernel's efivarfs (kernel documentation, filesystems/efivarfs):
//! a file for each, `NAME-VENDOR`, whose first four bytes are the variable's attributes. One write is
//! one change, which the firmware makes whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jumpspec::boot::uefi::GLOBAL;
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

use crate::error::{At as _, PathError};

/// Where the kernel shows them.
pub const EFIVARS: &str = "/sys/firmware/efi/efivars";

/// Bytes of a variable that are read at the most; a firmware's whole store has some 64 KiB.
const LARGEST: u64 = 64 << 10;
/// Kept without power, and seen by firmware and system alike (UEFI Specification 2.10, section 8.2).
const ATTRIBUTES: [u8; 4] = [7, 0, 0, 0];
/// The vendor of what is written to see whether anything can be.
const TRIAL_VENDOR: &str = "b6f2a3c0-52f1-4c57-8d0e-0a6a756d7021";
/// Its name.
const TRIAL: &str = "JumpTrial";
/// Its bytes: what a boot entry and an order take together.
const TRIAL_SIZE: usize = 1 << 10;

/// The variables of one firmware.
#[derive(Debug, Clone)]
pub struct EfiVars(PathBuf);

/// A variable was not written.
#[derive(Debug, thiserror::Error)]
pub enum EfiVarError {
    /// The kernel or the firmware refused: `EROFS` where the variables cannot be written at all,
    /// `ENOSPC` where the store is full.
    #[error(transparent)]
    Refused(#[from] PathError),
    /// It was taken, and another value is there.
    #[error("the firmware took {0} and has kept another value")]
    NotKept(String),
}

impl EfiVars {
    /// Those below `folder`, which is [`EFIVARS`] or stands in for it.
    pub fn at(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The value of a variable of the specification's; none if there is no such variable.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PathError> {
        value_of(&self.global(name))
    }

    /// Writes one of these variables, for good, and reads it back.
    pub fn write(&self, name: &str, value: &[u8]) -> Result<(), EfiVarError> {
        set(&self.global(name), value)
    }

    /// Removes one of these variables, if it is there.
    pub fn remove(&self, name: &str) -> Result<(), PathError> {
        remove(&self.global(name))
    }

    /// The names of these variables, sorted.
    pub fn names(&self) -> Result<Vec<String>, PathError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.0).at("list", &self.0)? {
            let name = entry.at("list", &self.0)?.file_name();
            let name = name.to_str().and_then(|name| name.strip_suffix(GLOBAL));
            names.extend(
                name.and_then(|name| name.strip_suffix('-'))
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }

    /// Whether a variable can be written and removed again: a read-only efivarfs, a full store and a
    /// kernel without runtime services say no.
    pub fn try_writing(&self) -> Result<(), EfiVarError> {
        let path = self.0.join(format!("{TRIAL}-{TRIAL_VENDOR}"));
        remove(&path)?;
        let tried = set(&path, &[b'j'; TRIAL_SIZE]);
        let removed = remove(&path);
        tried?;
        Ok(removed?)
    }

    fn global(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}-{GLOBAL}"))
    }
}

fn value_of(path: &Path) -> Result<Option<Vec<u8>>, PathError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.at("open", path)?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST)
        .read_to_end(&mut bytes)
        .at("read", path)?;
    // What could not be written is left without a value by some kernels, and is no variable.
    Ok((bytes.len() >= ATTRIBUTES.len()).then(|| bytes.split_off(ATTRIBUTES.len())))
}

fn set(path: &Path, value: &[u8]) -> Result<(), EfiVarError> {
    let mut options = OpenOptions::new();
    // Not truncated: the kernel would take that for a change of its own.
    let opened = options.write(true).create(true).truncate(false).open(path);
    let bytes = [&ATTRIBUTES, value].concat();
    let mut file = opened.at("open", path)?;
    let written = match file.write(&bytes).at("write", path) {
        Ok(written) => written,
        Err(refused) => {
            // A file that is made and not written to is no variable.
            if file.metadata().is_ok_and(|found| found.len() == 0) {
                let _left_there = remove(path);
            }
            return Err(refused.into());
        }
    };
    // What stands in for a firmware, unlike one, has the end of a longer value still.
    if file.metadata().at("measure", path)?.len() > written as u64 {
        file.set_len(written as u64).at("shorten", path)?;
    }
    let kept = value_of(path)?;
    if written == bytes.len() && kept.as_deref() == Some(value) {
        return Ok(());
    }
    Err(EfiVarError::NotKept(path.display().to_string()))
}

/// Removes a variable. The kernel guards those it does not know against that, by a flag.
fn remove(path: &Path) -> Result<(), PathError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened.at("open", path)?,
    };
    if let Ok(flags) = ioctl_getflags(&file)
        && flags.contains(IFlags::IMMUTABLE)
    {
        ioctl_setflags(&file, flags - IFlags::IMMUTABLE).at("unlock", path)?;
    }
    std::fs::remove_file(path).at("remove", path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::boot::uefi::{BOOT_NEXT, BOOT_ORDER};

    #[test]
    fn a_variable_is_read_back_as_it_was_written_and_gone_when_removed() {
        let folder = tempfile::tempdir().unwrap();
        let vars = EfiVars::at(folder.path());
        assert_eq!(vars.read(BOOT_ORDER).unwrap(), None);
        vars.write(BOOT_ORDER, &[1, 0, 2, 0]).unwrap();
        vars.write(BOOT_NEXT, &[2, 0]).unwrap();
        assert_eq!(vars.read(BOOT_ORDER).unwrap().unwrap(), [1, 0, 2, 0]);
        let file = folder.path().join(format!("BootNext-{GLOBAL}"));
        assert_eq!(std::fs::read(file).unwrap(), [7, 0, 0, 0, 2, 0]);
        vars.write(BOOT_ORDER, &[3, 0]).unwrap();
        assert_eq!(vars.read(BOOT_ORDER).unwrap().unwrap(), [3, 0]);
        vars.remove(BOOT_NEXT).unwrap();
        vars.remove(BOOT_NEXT).unwrap();
        assert_eq!(vars.names().unwrap(), [BOOT_ORDER]);
    }

    #[test]
    fn variables_of_other_vendors_are_not_ours_to_see() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(format!("{TRIAL}-{TRIAL_VENDOR}")), "x").unwrap();
        assert!(EfiVars::at(folder.path()).names().unwrap().is_empty());
    }

    #[test]
    fn the_trial_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        EfiVars::at(folder.path()).try_writing().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_written_is_refused_by_name() {
        let nowhere = EfiVars::at(Path::new("/nonexistent"));
        let refused = nowhere.write(BOOT_NEXT, &[1, 0]).unwrap_err();
        assert!(matches!(refused, EfiVarError::Refused(_)), "{refused}");
        assert!(refused.to_string().contains("BootNext-"), "{refused}");
    }

    #[test]
    fn a_store_that_is_full_is_left_with_no_half_of_a_variable() {
        let folder = tempfile::tempdir().unwrap();
        let vars = EfiVars::at(folder.path());
        let file = folder.path().join(format!("Boot0001-{GLOBAL}"));
        std::os::unix::fs::symlink("/dev/full", &file).unwrap();
        let refused = vars.write("Boot0001", &[1, 0]).unwrap_err();
        let EfiVarError::Refused(refused) = refused else {
            panic!("{refused}");
        };
        let why = std::error::Error::source(&refused).unwrap().to_string();
        assert!(why.contains("No space"), "{why}");
        assert!(file.symlink_metadata().is_err());
        // Some kernels leave one themselves.
        std::fs::write(&file, "").unwrap();
        assert_eq!(vars.read("Boot0001").unwrap(), None);
        vars.write("Boot0001", &[2, 0]).unwrap();
        assert_eq!(vars.read("Boot0001").unwrap().unwrap(), [2, 0]);
    }

    #[test]
    fn a_value_that_is_not_kept_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let vars = EfiVars::at(folder.path());
        let file = folder.path().join(format!("{BOOT_ORDER}-{GLOBAL}"));
        std::os::unix::fs::symlink("/dev/null", file).unwrap();
        let refused = vars.write(BOOT_ORDER, &[3, 0]).unwrap_err();
        assert!(matches!(refused, EfiVarError::NotKept(_)), "{refused}");
    }
}
