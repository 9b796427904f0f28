//! What one node is.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use rustix::fs::{FileType, Stat, readlinkat};

use super::content::{self, Content};
use super::xattrs;
use crate::walk::Visited;

/// The type of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    Character,
    /// A block device.
    Block,
    /// A named pipe.
    Fifo,
    /// A socket, which no archive holds.
    Socket,
}

/// What a node is, as far as an archive could keep it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Permissions with setuid, setgid and sticky.
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    /// Of the device that it stands for; 0 otherwise.
    pub(crate) device: u64,
    /// The first of its names, if there are several, and how many there are.
    pub(crate) links: Option<(Vec<u8>, usize)>,
    /// Where a symlink points.
    pub(crate) target: Vec<u8>,
    /// Of a regular file.
    pub(crate) content: Option<Content>,
    pub(crate) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Seconds since 1970, nanoseconds.
    pub(crate) mtime: (i64, u64),
}

impl Node {
    /// Reads it; `links` is for those to fill in who know the other nodes.
    pub(super) fn read(found: &Visited<'_>) -> Result<Self> {
        let (at, name, stat) = (found.at, found.name, &found.stat);
        let kind = kind(stat)?;
        Ok(Self {
            kind,
            mode: stat.st_mode & 0o7777,
            owner: (stat.st_uid, stat.st_gid),
            device: match kind {
                Kind::Character | Kind::Block => stat.st_rdev,
                _ => 0,
            },
            links: None,
            target: match kind {
                Kind::Symlink => readlinkat(at, name, Vec::new())?.into_bytes(),
                _ => Vec::new(),
            },
            content: match kind {
                Kind::File => Some(content::read(at, name)?),
                _ => None,
            },
            xattrs: xattrs::read(at, name)?,
            mtime: (stat.st_mtime, stat.st_mtime_nsec),
        })
    }
}

fn kind(stat: &Stat) -> Result<Kind> {
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::CharacterDevice => Kind::Character,
        FileType::BlockDevice => Kind::Block,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::Unknown => bail!("a type that stat(2) does not know"),
    })
}
