//! One run at a time on a node: a file with an exclusive flock(2), which the kernel lets go when
//! its holder dies, and in which the holder says who it is.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::error::{At as _, PathError};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Another process holds it.
    #[error("{} is held by {holder}", path.display())]
    Held {
        /// The lock.
        path: PathBuf,
        /// What its holder wrote into it.
        holder: String,
    },
}

/// A held lock; let go when dropped. The file stays.
#[derive(Debug)]
pub struct RunLock {
    _file: Flock<File>,
}

impl RunLock {
    /// Takes the lock at `path` and writes `holder` (a run id, a process) into it. Does not wait.
    pub fn acquire(path: &Path, holder: &str) -> Result<Self, LockError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .at("open", path)?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((file, Errno::EWOULDBLOCK)) => return Err(held(path, file)),
            Err((_, e)) => Err(e).at("lock", path)?,
        };
        file.set_len(0).at("write", path)?;
        file.write_all(holder.as_bytes()).at("write", path)?;
        Ok(Self { _file: file })
    }
}

fn held(path: &Path, mut file: File) -> LockError {
    let mut holder = String::new();
    // Only for the message: the lock is held whether or not this can be read.
    file.read_to_string(&mut holder).ok();
    LockError::Held {
        path: path.to_owned(),
        holder: if holder.is_empty() {
            "someone".to_owned()
        } else {
            holder
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{LockError, RunLock};

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = RunLock::acquire(&path, "run 1").unwrap();
        match RunLock::acquire(&path, "run 2") {
            Err(LockError::Held { holder, .. }) => assert_eq!(holder, "run 1"),
            other => panic!("{other:?}"),
        }
        drop(first);
        RunLock::acquire(&path, "run 3").unwrap();
    }
}
