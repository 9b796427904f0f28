//! Where a job is written: a directory that is there as a whole, or not at all.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jumpspec::conversion::Made;

use crate::error::{Exit, Trouble};

/// A directory that is new, or empty.
pub(super) struct Directory {
    /// As it was named.
    named: PathBuf,
    /// Behind symbolic links.
    path: PathBuf,
    /// Where it stands.
    parent: PathBuf,
}

impl Directory {
    /// Looks at the place.
    pub(super) fn place(named: &Path) -> Result<Self, Trouble> {
        let shown = named.display();
        let path = match named.canonicalize() {
            Err(error) if error.kind() == ErrorKind::NotFound => named.to_owned(),
            path => path.with_context(|| format!("cannot write {shown}"))?,
        };
        let is_free = match fs::read_dir(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            entries => {
                let entries = entries.with_context(|| format!("cannot write {shown}"));
                entries?.next().is_none()
            }
        };
        if !is_free {
            return Err(taken(named));
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let named = named.to_owned();
        Ok(Self {
            named,
            path,
            parent,
        })
    }

    /// As it was named.
    pub(super) fn named(&self) -> &Path {
        &self.named
    }

    /// Writes files beside it, and gives them its name when all are there.
    pub(super) fn write(&self, files: &[Made]) -> Result<(), Trouble> {
        let shown = self.named.display();
        let beside = tempfile::Builder::new()
            .prefix(".jump-convert-")
            .permissions(Permissions::from_mode(0o777))
            .tempdir_in(&self.parent)
            .with_context(|| format!("cannot write beside {shown}"))?;
        for file in files {
            write(&beside.path().join(&file.path), file)
                .with_context(|| format!("cannot write {} of {shown}", file.path))?;
        }
        match fs::rename(beside.path(), &self.path) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                return Err(taken(&self.named));
            }
            renamed => renamed.with_context(|| format!("cannot write {shown}"))?,
        }
        // It has another name now.
        let _ = beside.keep();
        let synced = File::open(&self.parent).and_then(|parent| parent.sync_all());
        Ok(synced.with_context(|| format!("cannot write {shown} to disk"))?)
    }
}

fn write(path: &Path, made: &Made) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let bits = if made.is_program { 0o777 } else { 0o666 };
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(bits).open(path)?;
    file.write_all(made.text.as_bytes())?;
    file.sync_all()
}

fn taken(path: &Path) -> Trouble {
    let message = format!("{} is not empty", path.display());
    Trouble::new(Exit::Refused, "directory-not-empty", message)
        .hint("name a directory that is new or empty with -o DIR; nothing was written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(path: &str) -> Made {
        Made {
            path: path.to_owned(),
            text: "x".to_owned(),
            is_program: path.contains('/'),
        }
    }

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_job_is_there_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job");
        let files = [made("job.toml"), made("hooks/saved")];
        Directory::place(&path).unwrap().write(&files).unwrap();
        assert_eq!(names(&path), ["hooks", "job.toml"]);
        let mode = fs::metadata(path.join("hooks/saved"))
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o100, 0o100);

        let other = Directory::place(&dir.path().join("other")).unwrap();
        let twice = [made("job.toml"), made("job.toml")];
        assert!(other.write(&twice).is_err());
        assert_eq!(names(dir.path()), ["job"]);
    }

    #[test]
    fn a_directory_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("job");
        fs::create_dir(&path).unwrap();
        let empty = Directory::place(&path).unwrap();
        fs::write(path.join("mine"), "").unwrap();
        let late = empty.write(&[made("job.toml")]).unwrap_err();
        let early = Directory::place(&path).err().unwrap();
        for trouble in [late, early] {
            assert_eq!(trouble.causes[0].code, "directory-not-empty");
        }
        assert_eq!(names(dir.path()), ["job"]);
        assert_eq!(names(&path), ["mine"]);
    }
}
