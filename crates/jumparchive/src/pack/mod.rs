//! Packs a tree into an image.
//!
//! Only what is in the tree decides the bytes: names are sorted, and no clock,
//! host name or owner's name is looked at, nor does the number of threads matter.

mod frame;
mod paths;
mod pool;
mod tally;
mod virtuals;
mod visit;
mod work;
mod writer;

use std::io;

use jumpspec::image::manifest::Manifest;
use jumpspec::words::relpath::RelPath;
use jumpspec::words::size::Size;

pub use paths::pack_paths;
pub use tally::Report;
use virtuals::Virtuals;
pub use virtuals::{Virtual, VirtualKind};
use visit::Visit;
use writer::{Writer, Written};

use crate::error::{Error, Result};
use crate::image::format::{self, Front, VERSION};
use crate::image::index::FrameKind;
use crate::image::medium::WriteAt;
use crate::image::threads::writers;
use crate::tree::root::Tree;
use crate::tree::walk::{Decision, Node, Pass};

/// How to pack.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// What comes out.
    pub codec: Codec,
    /// zstd level, 1–19.
    pub level: i32,
    /// Compression threads.
    pub threads: usize,
}

/// What comes out of packing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// An image: zstd, with manifest and index in it.
    #[default]
    Zstd,
    /// A plain `.tgz` in independent gzip members (RFC 1952, 2.2), without either.
    Gzip,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            codec: Codec::default(),
            level: 3,
            threads: writers(),
        }
    }
}

/// A finished image.
#[derive(Debug)]
pub struct Packed {
    /// What stands in front of it, if it was given one; what should stand beside a `.tgz`.
    pub manifest: Option<Manifest>,
    /// Of the image file, in bytes.
    pub size: u64,
    /// Of all files' contents, without holes.
    pub content: u64,
    /// Archive entries.
    pub entries: u64,
    /// What could not be kept.
    pub report: Report,
}

/// Packs a tree into an image.
pub struct Packer {
    writer: Writer,
    virtuals: Virtuals,
    codec: Codec,
}

impl Packer {
    /// Packs into `out`, such as an empty file open for writing.
    pub fn new(out: impl WriteAt + 'static, options: &PackOptions) -> io::Result<Self> {
        Ok(Self {
            writer: Writer::new(Box::new(out), options)?,
            virtuals: Virtuals::default(),
            codec: options.codec,
        })
    }

    /// Puts something at `path` in place of what the tree has there. Parents that are
    /// not in the tree have to be given as well.
    pub fn add_virtual(&mut self, path: &RelPath, node: Virtual) {
        self.virtuals.insert(path, node);
    }

    /// Packs the tree as far as `filter` wants it, which must answer the same each time
    /// that it is asked about a directory. `progress` is told the bytes of content
    /// packed so far. What the manifest says of sizes, counts and the index is filled in
    /// here.
    pub fn pack(
        self,
        tree: &Tree,
        filter: &dyn Fn(&Node) -> Decision,
        manifest: Option<Manifest>,
        progress: crate::Progress<'_>,
    ) -> Result<Packed> {
        let Self {
            mut writer,
            mut virtuals,
            codec,
        } = self;
        let mut visit = Visit::new(&mut writer, &mut virtuals, filter, progress);
        if codec == Codec::Gzip {
            visit.walk(tree, Pass::Everything, FrameKind::Files)?;
        } else {
            visit.walk(tree, Pass::Directories, FrameKind::Directories)?;
            visit.walk(tree, Pass::Others, FrameKind::Files)?;
        }
        let report = visit.store_hard_links()?;
        if let Some(path) = virtuals.left_over() {
            return Err(Error::NoPlace { path });
        }
        finish(writer.finish()?, manifest, report)
    }
}

/// Writes the front.
fn finish(mut written: Written, manifest: Option<Manifest>, report: Report) -> Result<Packed> {
    let tally = &mut written.tally;
    let manifest = manifest.map(|manifest| Manifest {
        unpacked: Size(tally.unpacked),
        directories: std::mem::take(&mut tally.directories),
        entries: tally.entries,
        inodes: tally.inodes,
        index_digest: written.digest,
        ..manifest
    });
    tally.report.merge(report);
    let mut packed = Packed {
        manifest,
        size: written.size,
        content: tally.content,
        entries: tally.entries,
        report: std::mem::take(&mut tally.report),
    };
    if let Some(index) = written.index {
        let front = Front {
            version: VERSION,
            index,
            manifest: packed.manifest.take(),
        };
        written
            .out
            .write_all_at(&format::encode_front(&front)?, 0)
            .map_err(Error::Output)?;
        packed.manifest = front.manifest;
    }
    Ok(packed)
}
