//! Walks a tree in the order of an archive: parents before children, names sorted.
//!
//! Relative to directory descriptors, so that no path is too long, no symlink is
//! followed and a directory that is moved meanwhile leads nowhere else.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{Result, io_error};
use crate::tree::{self, Tree};

/// Something that the walk has met.
#[derive(Clone, Debug)]
pub struct Node {
    /// Below the root; empty for the root itself.
    pub path: Vec<u8>,
    /// What it is.
    pub stat: Stat,
}

impl Node {
    /// The type of file.
    pub fn file_type(&self) -> FileType {
        FileType::from_raw_mode(self.stat.st_mode)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.file_type() == FileType::Directory
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.file_type() == FileType::RegularFile
    }

    /// The last component of its path.
    pub fn name(&self) -> &[u8] {
        let after_slash = self
            .path
            .iter()
            .rposition(|b| *b == b'/')
            .map_or(0, |at| at + 1);
        &self.path[after_slash..]
    }
}

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Stored, and what is below it.
    Store,
    /// Left out, and what is below it.
    Skip,
    /// A directory is stored, and nothing below it.
    Hollow,
    /// A directory is left out, but what is below it is looked at.
    Pass,
}

/// A node to be stored, and where it can be opened.
pub(crate) struct Found<'a> {
    pub(crate) node: &'a Node,
    pub(crate) directory: BorrowedFd<'a>,
    pub(crate) name: &'a [u8],
}

/// What a walk reports to.
pub(crate) trait Visitor {
    /// What becomes of the node.
    fn decide(&mut self, node: &Node) -> Decision;
    /// The node is to be stored.
    fn found(&mut self, found: &Found<'_>) -> Result<()>;
    /// The node was listed and is gone.
    fn vanished(&mut self, path: &[u8]);
}

/// Walks the tree below `root`, the root itself first.
pub(crate) fn walk(root: BorrowedFd<'_>, visitor: &mut dyn Visitor) -> Result<()> {
    allow_deep_trees();
    let stat = fs::fstat(root).map_err(io_error(b"", "cannot look at it"))?;
    let node = Node {
        path: Vec::new(),
        stat,
    };
    step(root, b".", &node, visitor)
}

/// Walks a tree and stores nothing: `decide` is asked about every node.
pub fn look_through(tree: &Tree, decide: &mut dyn FnMut(&Node) -> Decision) -> Result<()> {
    walk(tree.as_fd(), &mut Look { decide })
}

struct Look<'a> {
    decide: &'a mut dyn FnMut(&Node) -> Decision,
}

impl Visitor for Look<'_> {
    fn decide(&mut self, node: &Node) -> Decision {
        (self.decide)(node)
    }

    fn found(&mut self, _: &Found<'_>) -> Result<()> {
        Ok(())
    }

    fn vanished(&mut self, _: &[u8]) {}
}

fn step(
    directory: BorrowedFd<'_>,
    name: &[u8],
    node: &Node,
    visitor: &mut dyn Visitor,
) -> Result<()> {
    let decision = visitor.decide(node);
    if matches!(decision, Decision::Store | Decision::Hollow) {
        visitor.found(&Found {
            node,
            directory,
            name,
        })?;
    }
    if node.is_directory() && matches!(decision, Decision::Store | Decision::Pass) {
        descend(directory, name, &node.path, visitor)?;
    }
    Ok(())
}

fn descend(
    parent: BorrowedFd<'_>,
    name: &[u8],
    path: &[u8],
    visitor: &mut dyn Visitor,
) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match fs::openat(parent, name, flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
            visitor.vanished(path);
            return Ok(());
        }
        Err(error) => return Err(io_error(path, "cannot open directory")(error)),
    };
    let names = tree::names(directory.as_fd()).map_err(io_error(path, "cannot read directory"))?;
    for name in names {
        let path = join(path, &name);
        let stat = tree::stat_at(directory.as_fd(), &name)
            .map_err(io_error(&path, "cannot look at it"))?;
        match stat {
            Some(stat) => step(directory.as_fd(), &name, &Node { path, stat }, visitor)?,
            None => visitor.vanished(&path),
        }
    }
    Ok(())
}

/// `path` with `name` after it.
pub(crate) fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(path.len() + 1 + name.len());
    joined.extend_from_slice(path);
    if !path.is_empty() {
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
    joined
}

/// Each level of directories holds a descriptor, and 1024 is the usual soft limit.
fn allow_deep_trees() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If it is refused, only trees deeper than the limit fail, and say so.
    let _unraised = setrlimit(Resource::Nofile, raised);
}
