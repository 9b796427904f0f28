//! Nodes that stand in an image in place of what the tree has.

use std::collections::BTreeMap;

use jumpspec::words::relpath::RelPath;

use crate::tar::entry::{Entry, EntryKind};
use crate::tar::mtime::Mtime;
use crate::tree::look::{Content, Ready};
use crate::tree::members::Overlaid;

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

/// All that is put into an image, by path.
#[derive(Default)]
pub(super) struct Virtuals(BTreeMap<Vec<u8>, Pending>);

struct Pending {
    node: Virtual,
    taken: bool,
}

impl Virtuals {
    pub(super) fn insert(&mut self, path: &RelPath, node: Virtual) {
        let pending = Pending { node, taken: false };
        self.0.insert(path.as_str().as_bytes().to_vec(), pending);
    }

    /// What is put into a directory.
    pub(super) fn in_directory(&self, directory: &[u8]) -> Vec<Overlaid> {
        let within = self.0.iter().filter_map(|(path, pending)| {
            let name = match directory {
                [] => path.as_slice(),
                _ => path.strip_prefix(directory)?.strip_prefix(b"/")?,
            };
            (!name.contains(&b'/')).then(|| Overlaid {
                name: name.to_vec(),
                is_directory: matches!(pending.node.kind, VirtualKind::Directory),
            })
        });
        within.collect()
    }

    /// Takes what is put at `path`.
    pub(super) fn take(&mut self, path: &[u8]) -> Option<Ready> {
        let pending = self.0.get_mut(path)?;
        pending.taken = true;
        let node = &pending.node;
        let (kind, content) = match &node.kind {
            VirtualKind::File(content) => (EntryKind::File, Content::Bytes(content.clone())),
            VirtualKind::Symlink(target) => (
                EntryKind::Symlink(target.clone().into_bytes()),
                Content::None,
            ),
            VirtualKind::Directory => (EntryKind::Directory, Content::None),
        };
        let size = match &content {
            Content::Bytes(bytes) => bytes.len() as u64,
            _ => 0,
        };
        let entry = Entry {
            path: path.to_vec(),
            kind,
            mode: node.mode,
            uid: 0,
            gid: 0,
            mtime: Mtime {
                seconds: node.mtime,
                nanoseconds: 0,
            },
            size,
            xattrs: Vec::new(),
            map: None,
        };
        Some(Ready { entry, content })
    }

    /// The first that has found no place, but for directories that the tree has.
    pub(super) fn left_over(&self) -> Option<String> {
        let left = |pending: &Pending| {
            !pending.taken && !matches!(pending.node.kind, VirtualKind::Directory)
        };
        let mut all = self.0.iter();
        all.find(|(_, pending)| left(pending))
            .map(|(path, _)| crate::error::shown(path))
    }
}
