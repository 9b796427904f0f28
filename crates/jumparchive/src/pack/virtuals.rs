//! Nodes that stand in an image in place of what the tree has.

use std::io::Write;

use jumpspec::digest::Digest;

use super::Packer;
use crate::entry::{Entry, EntryKind};
use crate::error::{Result, io_error};
use crate::mtime::Mtime;

/// Something put into an image that is not in the tree. It belongs to root.
#[derive(Clone, Debug)]
pub struct Virtual {
    /// What it is.
    pub kind: VirtualKind,
    /// Permission bits.
    pub mode: u32,
    /// Seconds since 1970: from the tree, never from the clock.
    pub mtime: i64,
}

/// What is put in.
#[derive(Clone, Debug)]
pub enum VirtualKind {
    /// A file with this content.
    File(Vec<u8>),
    /// A symlink to there.
    Symlink(String),
    /// A directory, if the tree has none.
    Directory,
}

impl Virtual {
    pub(super) fn is_directory(&self) -> bool {
        matches!(self.kind, VirtualKind::Directory)
    }
}

impl Packer {
    pub(super) fn store_virtual(&mut self, path: &[u8], node: &Virtual) -> Result<()> {
        let content: &[u8] = match &node.kind {
            VirtualKind::File(content) => content,
            _ => &[],
        };
        let entry = Entry {
            path: path.to_vec(),
            kind: match &node.kind {
                VirtualKind::File(_) => EntryKind::File,
                VirtualKind::Symlink(target) => EntryKind::Symlink(target.clone().into_bytes()),
                VirtualKind::Directory => EntryKind::Directory,
            },
            mode: node.mode,
            uid: 0,
            gid: 0,
            mtime: Mtime {
                seconds: node.mtime,
                nanoseconds: 0,
            },
            size: content.len() as u64,
            xattrs: Vec::new(),
        };
        let place = self.begin(&entry)?;
        self.builder
            .get_mut()
            .write_all(content)
            .map_err(io_error(path, "cannot store it"))?;
        let digest = (entry.kind == EntryKind::File).then(|| Digest::of(content));
        self.end(&entry, place, digest)
    }
}
