//! Reads and writes images: a tar stream in independent zstd frames, with a
//! manifest in front and an index behind it in frames that other tools pass over.
//!
//! Nothing here opens, follows or creates anything outside the directory
//! descriptor that the caller hands over, and nothing read from an image is
//! believed before its digest is checked.

mod acl;
mod archive;
mod below;
mod block;
mod chain;
mod compare;
mod content;
mod decompress;
mod entries;
mod entry;
mod error;
mod extents;
mod fetch;
mod foreign;
mod format;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
mod header;
mod headers;
mod image;
mod index;
mod medium;
mod members;
mod mtime;
mod numbers;
mod order;
mod pack;
mod pax;
mod received;
mod records;
mod schily;
mod spans;
mod sparse;
mod stream;
mod subset;
mod tarstream;
mod threads;
mod tree;
mod unpack;
mod verify;
mod walk;
mod workers;
mod xattrs;

pub use archive::Archive;
pub use compare::compare;
pub use entry::{Entry, EntryKind};
pub use error::{Error, Refusal, Result};
pub use fetch::{Fetched, fetch};
pub use foreign::{begins_image, unpack_foreign, unpack_tar};
pub use format::ENTRY_LIMIT;
pub use image::Image;
pub use index::{FrameInfo, FrameKind, IndexEntry};
pub use medium::{ReadAt, WriteAt};
pub use mtime::Mtime;
pub use pack::{Codec, PackOptions, Packed, Packer, Report, Virtual, VirtualKind, pack_paths};
pub use sparse::Extent;
pub use stream::unpack_stream;
pub use subset::{extract_subset, read_file};
pub use tree::Tree;
pub use unpack::{Existing, Select, Summary, UnpackOptions, unpack};
pub use verify::{Verified, verify};
pub use walk::{Decision, Node, look_through};

/// Called with the number of bytes done so far.
pub type Progress<'a> = &'a dyn Fn(u64);
