//! Packs trees into an image.
//!
//! Only what is in the tree decides the bytes: names are sorted, and no clock,
//! host name or owner's name is looked at.

mod content;
mod paths;
mod virtuals;
mod visit;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use jumpspec::digest::Digest;
use jumpspec::manifest::Manifest;
use jumpspec::relpath::RelPath;
use jumpspec::size::Size;

pub use paths::pack_paths;
pub use virtuals::{Virtual, VirtualKind};
use visit::Visit;

use crate::compress::FrameWriter;
use crate::decode::threads;
use crate::entry::{Entry, EntryKind};
use crate::error::{Error, Result, io_error};
use crate::format::{self, FRONT, Front, INDEX_TAG, IndexPlace, PREFIX, VERSION};
use crate::header;
use crate::index::{IndexEntry, IndexWriter};
use crate::tree::Tree;
use crate::walk::{self, Decision, Node};

/// How to pack.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// zstd level, 1–19.
    pub level: i32,
    /// Compression threads.
    pub threads: usize,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            level: 3,
            threads: threads(),
        }
    }
}

/// What packing could not keep.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Sockets, which no archive can hold.
    pub sockets: u64,
    /// Files that were written to or changed size while they were read; the image
    /// has as many bytes as were there at first, zeros where they are missing.
    pub changed: Vec<String>,
    /// What was listed and then gone.
    pub vanished: Vec<String>,
}

/// A finished image.
#[derive(Debug)]
pub struct Packed {
    /// What stands in front of it, if it was given one.
    pub manifest: Option<Manifest>,
    /// Of the image file, in bytes.
    pub size: u64,
    /// Of all files' contents.
    pub content: u64,
    /// Archive entries.
    pub entries: u64,
    /// What could not be kept.
    pub report: Report,
}

/// Packs trees into one image.
pub struct Packer {
    builder: tar::Builder<FrameWriter>,
    index: IndexWriter,
    links: HashMap<(u64, u64), Vec<u8>>,
    virtuals: BTreeMap<Vec<u8>, Virtual>,
    content: u64,
    unpacked: u64,
    directories: BTreeMap<String, Size>,
    inodes: u64,
    report: Report,
    buffer: Vec<u8>,
}

/// Bytes read at once.
const BUFFER: usize = 256 << 10;
/// Blocks of the file systems that images are made for; see `Manifest::unpacked`.
const BLOCK: u64 = 4096;

impl Packer {
    /// Packs into `out`, an empty file open for writing.
    pub fn new(out: File, options: &PackOptions) -> io::Result<Self> {
        let frames = FrameWriter::new(out, FRONT as u64, options.level, options.threads)?;
        Ok(Self {
            builder: tar::Builder::new(frames),
            index: IndexWriter::new()?,
            links: HashMap::new(),
            virtuals: BTreeMap::new(),
            content: 0,
            unpacked: 0,
            directories: BTreeMap::new(),
            inodes: 0,
            report: Report::default(),
            buffer: vec![0; BUFFER],
        })
    }

    /// Puts something at `path` in place of what the trees have there. It must be
    /// called before [`Packer::add_tree`]; parents that are not in the tree have to be
    /// given as well.
    pub fn add_virtual(&mut self, path: &RelPath, node: Virtual) {
        self.virtuals
            .insert(path.as_str().as_bytes().to_vec(), node);
    }

    /// Adds a tree as far as `filter` wants it. `progress` is told the bytes of
    /// content read so far.
    pub fn add_tree(
        &mut self,
        tree: &Tree,
        filter: &dyn Fn(&Node) -> Decision,
        progress: crate::Progress<'_>,
    ) -> Result<()> {
        let mut visit = Visit {
            packer: self,
            filter,
            progress,
        };
        walk::walk(tree.as_fd(), &mut visit)?;
        let added = std::mem::take(&mut self.virtuals);
        added
            .iter()
            .try_for_each(|(path, node)| self.store_virtual(path, node))
    }

    /// Writes what is left, the index and the front. What the manifest says of sizes,
    /// counts and the index is filled in here.
    pub fn finish(self, manifest: Option<Manifest>) -> Result<Packed> {
        let failed = |source| io_error::<io::Error>(b"image", "cannot write")(source);
        // This writes the end-of-archive blocks.
        let frames = self.builder.into_inner().map_err(failed)?;
        let written = frames.finish().map_err(failed)?;
        let index = self.index.finish(&written.frames).map_err(failed)?;
        let prefix = format::prefix(INDEX_TAG, index.compressed.len())
            .ok_or(Error::BadIndex("it is too large"))?;
        let (out, offset) = (written.out, written.position);
        out.write_all_at(&prefix, offset).map_err(failed)?;
        out.write_all_at(&index.compressed, offset + PREFIX as u64)
            .map_err(failed)?;
        let manifest = manifest.map(|manifest| Manifest {
            unpacked: Size(self.unpacked),
            directories: self.directories,
            entries: index.entries,
            inodes: self.inodes,
            index_digest: index.digest,
            ..manifest
        });
        let length = (PREFIX + index.compressed.len()) as u64;
        let front = Front {
            version: VERSION,
            index: IndexPlace {
                offset,
                length,
                raw_length: index.raw_length,
                digest: index.digest,
                frames: written.frames.len() as u64,
                entries: index.entries,
            },
            manifest,
        };
        out.write_all_at(&format::encode_front(&front)?, 0)
            .map_err(failed)?;
        Ok(Packed {
            manifest: front.manifest,
            size: offset + length,
            content: self.content,
            entries: index.entries,
            report: self.report,
        })
    }

    /// Writes an entry's headers; gives where it begins.
    fn begin(&mut self, entry: &Entry) -> Result<(u32, u32)> {
        let failed = |source| io_error::<io::Error>(&entry.path, "cannot store it")(source);
        let place = self
            .builder
            .get_mut()
            .begin_entry(entry.size)
            .map_err(failed)?;
        header::write(&mut self.builder, entry).map_err(failed)?;
        Ok(place)
    }

    /// Writes padding and the index record of an entry whose content is written.
    fn end(&mut self, entry: &Entry, place: (u32, u32), digest: Option<Digest>) -> Result<()> {
        let failed = |source| io_error::<io::Error>(&entry.path, "cannot store it")(source);
        self.builder
            .get_mut()
            .write_all(header::padding(entry.size))
            .map_err(failed)?;
        self.content += entry.size;
        self.count_unpacked(entry);
        self.inodes += u64::from(!matches!(entry.kind, EntryKind::HardLink(_)));
        let digest = digest.map(|digest| *digest.as_bytes());
        self.index
            .push(&IndexEntry::new(entry, place, digest))
            .map_err(failed)
    }

    /// Counts what an entry takes when it is unpacked, for its first-level directory too.
    fn count_unpacked(&mut self, entry: &Entry) {
        let taken = match &entry.kind {
            EntryKind::File => entry.size.next_multiple_of(BLOCK),
            EntryKind::Directory => BLOCK,
            _ => 0,
        };
        self.unpacked += taken;
        let first = entry
            .path
            .split(|byte| *byte == b'/')
            .next()
            .unwrap_or_default();
        let deeper = entry.path.len() > first.len() || entry.kind == EntryKind::Directory;
        if let (false, true, Ok(name)) = (first.is_empty(), deeper, str::from_utf8(first)) {
            if let Some(sum) = self.directories.get_mut(name) {
                sum.0 += taken;
            } else {
                self.directories.insert(name.to_owned(), Size(taken));
            }
        }
    }

    /// Stores an entry without content.
    fn store_bare(&mut self, entry: &Entry) -> Result<()> {
        let place = self.begin(entry)?;
        self.end(entry, place, None)
    }
}
