//! Files written whole or not at all: beside the old one, synced, renamed, the directory synced.
//! Not for what GRUB reads at boot, see [`crate::files::freeze`], nor for its environment block.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::{At as _, PathError};

/// Writes a file whole, with this mode (`0o644`) whatever the umask. Symbolic links at `path` are
/// replaced, not followed. The directory must exist.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PathError> {
    let mut file = AtomicFile::create(path, mode)?;
    file.write_all(bytes).at("write", path)?;
    file.commit()
}

/// A file that takes its name only at [`AtomicFile::commit`]. Dropped before, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    path: PathBuf,
    /// The name it has until then; `None` once it is the real one.
    beside: Option<PathBuf>,
}

impl AtomicFile {
    /// Begins `path`, as `.NAME.jump-tmp-PID` in the same directory. What an earlier process of the
    /// same number left under that name is replaced.
    pub fn create(path: &Path, mode: u32) -> Result<Self, PathError> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput);
        let name = name.at("write", path)?.to_string_lossy();
        let beside = path.with_file_name(format!(".{name}.jump-tmp-{}", std::process::id()));
        match fs::remove_file(&beside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e).at("remove", &beside)?,
            _ => {}
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .at("create", &beside)?;
        let atomic = Self {
            file,
            path: path.to_owned(),
            beside: Some(beside),
        };
        let permissions = Permissions::from_mode(mode);
        atomic
            .file
            .set_permissions(permissions)
            .at("set the mode of", path)?;
        Ok(atomic)
    }

    /// The open file, to seek in, to read back or to set the owner of.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Syncs, renames, and syncs the directory.
    pub fn commit(mut self) -> Result<(), PathError> {
        self.file.sync_all().at("sync", &self.path)?;
        if let Some(beside) = &self.beside {
            fs::rename(beside, &self.path).at("put in place", &self.path)?;
        }
        self.beside = None;
        sync_parent(&self.path)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        let Some(beside) = &self.beside else { return };
        if let Err(e) = fs::remove_file(beside) {
            eprintln!("jump: cannot remove {}: {e}", beside.display());
        }
    }
}

/// Syncs the directory that holds `path`: a new, renamed or removed name in it then lasts.
pub fn sync_parent(path: &Path) -> Result<(), PathError> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let dir = File::open(parent).at("open", parent)?;
    dir.sync_all().at("sync", parent)
}

#[cfg(test)]
mod tests {
    use super::{AtomicFile, write_atomic};
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn replaces_a_file_and_sets_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("shadow");
        fs::write(&path, "old").unwrap();
        write_atomic(&path, b"new", 0o640).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn leaves_the_old_file_and_nothing_else_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan");
        fs::write(&path, "old").unwrap();
        let mut file = AtomicFile::create(&path, 0o644).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
