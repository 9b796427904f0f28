//! Visits all nodes of a tree. Relative to directory descriptors and without recursion: no
//! path is too long here, and no tree too deep.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, statat};

/// A node that is visited.
pub(crate) struct Visited<'a> {
    /// Below the root; empty for the root itself.
    pub(crate) path: &'a [u8],
    /// The directory that it is in.
    pub(crate) at: BorrowedFd<'a>,
    /// Its name there.
    pub(crate) name: &'a [u8],
    /// What it is; no symlink is followed.
    pub(crate) stat: Stat,
}

/// A directory that is being visited.
struct Open {
    fd: OwnedFd,
    path: Vec<u8>,
    names: Vec<Vec<u8>>,
}

/// Visits the tree below `root` by names, a directory before what is in it.
pub(crate) fn walk(root: &Path, visit: &mut dyn FnMut(&Visited<'_>) -> Result<()>) -> Result<()> {
    let root = directory(CWD, root.as_os_str().as_encoded_bytes())?;
    let mut open = Vec::from_iter(enter(root.as_fd(), b".", Vec::new(), visit)?);
    while let Some(last) = open.last_mut() {
        if let Some(name) = last.names.pop() {
            let path = join(&last.path, &name);
            let below = enter(last.fd.as_fd(), &name, path, visit)?;
            open.extend(below);
        } else {
            open.pop();
        }
    }
    Ok(())
}

/// Visits one node, and opens it if it is a directory.
fn enter(
    at: BorrowedFd<'_>,
    name: &[u8],
    path: Vec<u8>,
    visit: &mut dyn FnMut(&Visited<'_>) -> Result<()>,
) -> Result<Option<Open>> {
    let shown = || format!("\"{}\"", path.escape_ascii());
    let stat = statat(at, name, AtFlags::SYMLINK_NOFOLLOW).with_context(shown)?;
    let is = FileType::from_raw_mode(stat.st_mode);
    let visited = Visited {
        path: &path,
        at,
        name,
        stat,
    };
    visit(&visited).with_context(shown)?;
    if is != FileType::Directory {
        return Ok(None);
    }
    let fd = directory(at, name).with_context(shown)?;
    let names = names(&fd).with_context(shown)?;
    Ok(Some(Open { fd, path, names }))
}

/// The names in a directory, the last first.
fn names(directory: &OwnedFd) -> Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    names.sort_unstable_by(|one, two| two.cmp(one));
    Ok(names)
}

fn directory(at: impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?)
}

fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    match path {
        [] => name.to_vec(),
        path => [path, b"/", name].concat(),
    }
}
