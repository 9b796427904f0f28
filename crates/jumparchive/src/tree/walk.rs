//! Walks a tree in the order of an archive.
//!
//! Directories come depth-first with names sorted by their bytes. In the same order
//! of directories, what else is in each comes together, so that whoever makes the
//! entries again has to look each directory up once.
//!
//! Relative to directory descriptors, so that no path is too long, no symlink is
//! followed and a directory that is moved meanwhile leads nowhere else. Levels are kept on the
//! heap, and a tree is entered no deeper than an image's paths go ([`fits`]).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::error::{Refusal, Result, io_error, refuse};
use crate::tar::entry::fits;
use crate::tree::members::{Member, Members, Overlaid};
use crate::tree::root::{self, Tree};

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

    /// A file's bytes of content without the holes of a sparse one, as far as its blocks
    /// tell; 0 for all else.
    pub fn content(&self) -> u64 {
        let positive = |n: i64| u64::try_from(n).unwrap_or_default();
        let (size, blocks) = (self.stat.st_size, self.stat.st_blocks);
        // stat(2): blocks of 512 bytes. What is short may be kept in the inode.
        let held = positive(blocks).saturating_mul(512).max(INLINE);
        if self.is_file() {
            positive(size).min(held)
        } else {
            0
        }
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

/// No file system keeps more than a block of content without a block for it.
const INLINE: u64 = 4096;

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
    pub(crate) directory: &'a Arc<OwnedFd>,
    pub(crate) name: &'a [u8],
}

/// Which nodes a walk reports. It is asked about directories either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Directories alone.
    Directories,
    /// All but directories.
    Others,
    /// Each directory in front of what is in it: what unpacks one entry after another has
    /// done with a directory when it leaves it.
    Everything,
}

/// What a walk reports to.
pub(crate) trait Visitor {
    /// What becomes of the node: the same answer each time that it is asked.
    fn decide(&mut self, node: &Node) -> Decision;
    /// The node is to be stored.
    fn found(&mut self, found: &Found<'_>) -> Result<()>;
    /// The node was listed and is gone.
    fn vanished(&mut self, path: &[u8]);
    /// What stands in a directory instead of, or besides, what the tree has there.
    fn overlay(&self, _directory: &[u8]) -> Vec<Overlaid> {
        Vec::new()
    }
    /// Something of the overlay is to be stored.
    fn overlaid(&mut self, _path: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// Walks the tree below `root`, the root itself first.
pub(crate) fn walk(root: BorrowedFd<'_>, pass: Pass, visitor: &mut dyn Visitor) -> Result<()> {
    allow_deep_trees();
    let stat = fs::fstat(root).map_err(io_error(b"", "cannot look at it"))?;
    let node = Node {
        path: Vec::new(),
        stat,
    };
    let root = root
        .try_clone_to_owned()
        .map_err(io_error(b"", "cannot open directory"))?;
    let mut walk = Walk { pass, visitor };
    let mut levels: Vec<Level> = Vec::new();
    levels.extend(walk.directory(&Arc::new(root), b".", &node)?);
    while let Some(level) = levels.last_mut() {
        let Some((name, member)) = level.members.get(level.next) else {
            levels.pop();
            continue;
        };
        let below = walk.subdirectory(level.directory.as_ref(), &level.path, name, member)?;
        level.next += 1;
        levels.extend(below);
    }
    Ok(())
}

/// A directory whose subdirectories are walked.
struct Level {
    /// None if only the overlay has it.
    directory: Option<Arc<OwnedFd>>,
    path: Vec<u8>,
    members: Members,
    /// The member that comes next.
    next: usize,
}

/// Walks a tree and stores nothing: `decide` is asked about every node.
pub fn look_through(tree: &Tree, decide: &mut dyn FnMut(&Node) -> Decision) -> Result<()> {
    walk(tree.as_fd(), Pass::Others, &mut Look { decide })
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

struct Walk<'v> {
    pass: Pass,
    visitor: &'v mut dyn Visitor,
}

impl Walk<'_> {
    /// A directory, named `name` in `parent`; the level to go on with, if it is entered.
    fn directory(
        &mut self,
        parent: &Arc<OwnedFd>,
        name: &[u8],
        node: &Node,
    ) -> Result<Option<Level>> {
        let decision = self.visitor.decide(node);
        if self.pass != Pass::Others {
            self.report(decision, parent, name, node)?;
        }
        if !matches!(decision, Decision::Store | Decision::Pass) {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match fs::openat(parent.as_fd(), name, flags, Mode::empty()) {
            Ok(opened) => self.enter(Some(Arc::new(opened)), &node.path).map(Some),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                self.visitor.vanished(&node.path);
                Ok(None)
            }
            Err(error) => Err(io_error(&node.path, "cannot open directory")(error)),
        }
    }

    fn report(
        &mut self,
        decision: Decision,
        directory: &Arc<OwnedFd>,
        name: &[u8],
        node: &Node,
    ) -> Result<()> {
        if !matches!(decision, Decision::Store | Decision::Hollow) {
            return Ok(());
        }
        self.visitor.found(&Found {
            node,
            directory,
            name,
        })
    }

    /// Lists a directory and reports what else than directories is in it; one that only the
    /// overlay has is entered without a descriptor.
    fn enter(&mut self, directory: Option<Arc<OwnedFd>>, path: &[u8]) -> Result<Level> {
        let mut members = match &directory {
            Some(directory) => {
                Members::read(directory.as_fd()).map_err(io_error(path, "cannot read directory"))?
            }
            None => Members::default(),
        };
        members.lay_over(self.visitor.overlay(path));
        if self.pass != Pass::Directories {
            for (name, member) in members.iter() {
                self.other(directory.as_ref(), path, name, member)?;
            }
        }
        Ok(Level {
            directory,
            path: path.to_vec(),
            members,
            next: 0,
        })
    }

    /// A member of a directory, if it is none itself.
    fn other(
        &mut self,
        directory: Option<&Arc<OwnedFd>>,
        parent: &[u8],
        name: &[u8],
        member: Member,
    ) -> Result<()> {
        match (member, directory) {
            (Member::OverlaidOther, _) => self.visitor.overlaid(&join(parent, name)),
            (Member::Other, Some(directory)) => {
                let Some(node) = self.look(directory, parent, name)? else {
                    return Ok(());
                };
                let decision = self.visitor.decide(&node);
                self.report(decision, directory, name, &node)
            }
            _ => Ok(()),
        }
    }

    /// A member of a directory, if it is one itself; the level to go on with, if it is entered.
    fn subdirectory(
        &mut self,
        directory: Option<&Arc<OwnedFd>>,
        parent: &[u8],
        name: &[u8],
        member: Member,
    ) -> Result<Option<Level>> {
        match (member, directory) {
            (Member::OverlaidDirectory, _) => {
                let path = join(parent, name);
                if self.pass != Pass::Others {
                    self.visitor.overlaid(&path)?;
                }
                self.enter(None, &path).map(Some)
            }
            (Member::Directory, Some(directory)) => match self.look(directory, parent, name)? {
                Some(node) => self.directory(directory, name, &node),
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    fn look(
        &mut self,
        directory: &Arc<OwnedFd>,
        parent: &[u8],
        name: &[u8],
    ) -> Result<Option<Node>> {
        let path = join(parent, name);
        if !fits(&path) {
            return Err(refuse(&path, Refusal::TooLong));
        }
        let stat =
            root::stat_at(directory.as_fd(), name).map_err(io_error(&path, "cannot look at it"))?;
        if stat.is_none() {
            self.visitor.vanished(&path);
        }
        Ok(stat.map(|stat| Node { path, stat }))
    }
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
pub(crate) fn allow_deep_trees() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // If it is refused, only trees deeper than the limit fail, and say so.
    let _unraised = setrlimit(Resource::Nofile, raised);
}
