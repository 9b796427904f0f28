//! Reads and writes images: a tar stream in independent zstd frames, with a
//! manifest in front and an index behind it in frames that other tools pass over.
//!
//! Nothing here opens, follows or creates anything outside the directory
//! descriptor that the caller hands over, and nothing read from an image is
//! believed before its digest is checked.

mod below;
mod compress;
mod decode;
mod entry;
mod error;
mod format;
mod header;
mod image;
mod index;
mod mtime;
mod pack;
mod stream;
mod subset;
mod tarstream;
mod tree;
mod unpack;
mod verify;
mod walk;

pub use entry::{Entry, EntryKind};
pub use error::{Error, Refusal, Result};
pub use image::Image;
pub use index::{FrameInfo, IndexEntry};
pub use mtime::Mtime;
pub use pack::{PackOptions, Packed, Packer, Report, Virtual, VirtualKind, pack_paths};
pub use stream::unpack_stream;
pub use subset::{extract_subset, read_file};
pub use tree::Tree;
pub use unpack::{Existing, Summary, UnpackOptions, unpack, unpack_tar};
pub use verify::{Verified, verify};
pub use walk::{Decision, Node, look_through};

/// Called with the number of bytes done so far.
pub type Progress<'a> = &'a dyn Fn(u64);
