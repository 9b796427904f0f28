//! What a tree is, and what an archive says that it is.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::error::Result;
use crate::foreign::decompress::decompressed;
use crate::tar::block::padding;
use crate::tar::encode::append;
use crate::tar::entry::{Entry, EntryKind};
use crate::tar::mtime::Mtime;
use crate::tar::sparse::Extent;
use crate::tar::stream::TarStream;

/// How much an archive format can hold.
#[derive(Clone, Copy)]
pub(super) struct Detail {
    pub(super) nanoseconds: bool,
    /// Attributes that begin with one of these.
    pub(super) xattrs: &'static [&'static str],
}

/// What every format can hold.
pub(super) const LEAST: Detail = Detail {
    nanoseconds: false,
    xattrs: &[],
};
pub(super) const MOST: Detail = Detail {
    nanoseconds: true,
    xattrs: &["user.", "trusted.", "security.", "system."],
};

/// One name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// A hard link is what it links to.
    kind: EntryKind,
    mode: u32,
    owner: (u32, u32),
    mtime: Mtime,
    xattrs: Vec<(String, Vec<u8>)>,
    content: Vec<u8>,
    /// The first of its names.
    first: Vec<u8>,
}

pub(super) type Listing = BTreeMap<Vec<u8>, Node>;

/// What is in an archive, and whether any of its files is sparse.
pub(super) fn of_archive(archive: &[u8], detail: Detail) -> Result<(Listing, bool)> {
    let (mut nodes, mut sparse) = (Listing::new(), false);
    decompressed(archive, &|_| (), |chunks| {
        let mut tar = TarStream::new(chunks);
        while let Some((entry, _)) = tar.next_entry()? {
            sparse |= entry.map.is_some();
            let node = if let EntryKind::HardLink(target) = &entry.kind {
                nodes[target].clone()
            } else {
                let content = expanded(&entry, &mut tar)?;
                node(&entry, content, detail)
            };
            assert!(nodes.insert(entry.path, node).is_none());
        }
        tar.finish()
    })?;
    name_by_first(&mut nodes);
    Ok((nodes, sparse))
}

fn expanded(entry: &Entry, tar: &mut TarStream<'_>) -> Result<Vec<u8>> {
    let mut data = Vec::new();
    while let Some(chunk) = tar.content()? {
        data.extend_from_slice(chunk);
    }
    let Some(map) = &entry.map else {
        return Ok(data);
    };
    let (mut content, mut data) = (vec![0; place(entry.size)], data.as_slice());
    for extent in map {
        let (one, rest) = data.split_at(place(extent.length));
        content[place(extent.offset)..][..one.len()].copy_from_slice(one);
        data = rest;
    }
    assert!(data.is_empty());
    Ok(content)
}

fn node(entry: &Entry, content: Vec<u8>, detail: Detail) -> Node {
    let kept = |name: &str| detail.xattrs.iter().any(|prefix| name.starts_with(prefix));
    let xattrs = entry.xattrs.iter().map(|(name, value)| {
        let name = String::from_utf8(name.clone()).unwrap();
        (name, value.clone())
    });
    let nanoseconds = if detail.nanoseconds {
        entry.mtime.nanoseconds
    } else {
        0
    };
    Node {
        kind: entry.kind.clone(),
        mode: entry.mode,
        owner: (entry.uid, entry.gid),
        mtime: Mtime {
            nanoseconds,
            ..entry.mtime
        },
        xattrs: xattrs.filter(|(name, _)| kept(name)).collect(),
        content,
        first: entry.path.clone(),
    }
}

/// Archives store whichever name comes first.
fn name_by_first(nodes: &mut Listing) {
    let mut first: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for (path, node) in nodes {
        let name = first
            .entry(node.first.clone())
            .or_insert_with(|| path.clone());
        node.first.clone_from(name);
    }
}

/// A plain tar archive of what a tree is, in which files of zeros are sparse.
pub(super) fn written(nodes: &Listing) -> Vec<u8> {
    let mut archive = Vec::new();
    for (path, node) in nodes {
        let linked = node.first != *path;
        let link = linked.then(|| EntryKind::HardLink(node.first.clone()));
        let (size, map) = match node.kind {
            EntryKind::File if !linked => (node.content.len() as u64, map(&node.content)),
            _ => (0, None),
        };
        let bytes = |(name, value): &(String, Vec<u8>)| (name.clone().into_bytes(), value.clone());
        let entry = Entry {
            path: path.clone(),
            kind: link.unwrap_or_else(|| node.kind.clone()),
            mode: node.mode,
            uid: node.owner.0,
            gid: node.owner.1,
            mtime: node.mtime,
            size,
            xattrs: node.xattrs.iter().filter(|_| !linked).map(bytes).collect(),
            map,
        };
        append(&mut archive, &entry).unwrap();
        let whole = [Extent {
            offset: 0,
            length: size,
        }];
        for extent in entry.map.as_deref().unwrap_or(&whole) {
            let data = &node.content[place(extent.offset)..];
            archive.extend_from_slice(&data[..place(extent.length)]);
        }
        archive.extend_from_slice(padding(entry.stored()));
    }
    archive.extend_from_slice(&[0; 1024]);
    archive
}

/// Where the data of a file is, if it has whole blocks of zeros.
fn map(content: &[u8]) -> Option<Vec<Extent>> {
    const BLOCK: usize = 4096;
    let blocks = content.chunks(BLOCK).enumerate();
    let data = blocks.filter(|(_, block)| block.iter().any(|byte| *byte != 0));
    let extents = data.map(|(at, block)| Extent {
        offset: (at * BLOCK) as u64,
        length: block.len() as u64,
    });
    let extents: Vec<_> = extents.collect();
    (extents.len() < content.len().div_ceil(BLOCK)).then_some(extents)
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

/// What is below a directory.
pub(super) fn of_tree(root: &Path, detail: Detail) -> Listing {
    let mut nodes = Listing::new();
    look(root, &[], detail, &mut nodes);
    let mut first: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for (path, node) in &mut nodes {
        let inode = std::mem::take(&mut node.first);
        node.first
            .clone_from(first.entry(inode).or_insert_with(|| path.clone()));
    }
    nodes
}

fn look(full: &Path, path: &[u8], detail: Detail, nodes: &mut Listing) {
    let is = fs::symlink_metadata(full).unwrap();
    let device = (rustix::fs::major(is.rdev()), rustix::fs::minor(is.rdev()));
    let (kind, content) = match is.file_type() {
        kind if kind.is_dir() => (EntryKind::Directory, Vec::new()),
        kind if kind.is_file() => (EntryKind::File, fs::read(full).unwrap()),
        kind if kind.is_fifo() => (EntryKind::Fifo, Vec::new()),
        kind if kind.is_symlink() => {
            let target = fs::read_link(full).unwrap().into_os_string().into_vec();
            (EntryKind::Symlink(target), Vec::new())
        }
        kind if kind.is_char_device() => (EntryKind::CharDevice(device.0, device.1), Vec::new()),
        _ => (EntryKind::BlockDevice(device.0, device.1), Vec::new()),
    };
    let entry = Entry {
        path: is.ino().to_le_bytes().to_vec(),
        kind,
        mode: is.mode() & 0o7777,
        uid: is.uid(),
        gid: is.gid(),
        mtime: Mtime {
            seconds: is.mtime(),
            nanoseconds: u32::try_from(is.mtime_nsec()).unwrap(),
        },
        size: 0,
        xattrs: xattrs(full),
        map: None,
    };
    nodes.insert(path.to_vec(), node(&entry, content, detail));
    if is.is_dir() {
        for child in fs::read_dir(full).unwrap() {
            let name = child.unwrap().file_name();
            let below = [path, name.as_bytes()].join(&b"/"[..usize::from(!path.is_empty())]);
            look(&full.join(&name), &below, detail, nodes);
        }
    }
}

fn xattrs(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = vec![0; 65_536];
    let length = rustix::fs::llistxattr(path, &mut names).unwrap();
    let names = names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    let mut pairs: Vec<_> = names
        .map(|name| {
            let mut value = vec![0; 65_536];
            let length = rustix::fs::lgetxattr(path, name, &mut value).unwrap();
            value.truncate(length);
            (name.to_vec(), value)
        })
        .collect();
    pairs.sort();
    pairs
}
