//! Reads and writes images: a tar stream in independent zstd frames, with a
//! manifest in front and an index behind it in frames that other tools pass over.
//!
//! Nothing here opens, follows or creates anything outside the directory
//! descriptor that the caller hands over, and nothing read from an image is
//! believed before its digest is checked.
//!
//! An arrow between the rooms runs down: `foreign` `copy` → `pack` | `unpack` → `image` → `tree` → `tar`; `initramfs` → `tree`.

mod copy;
mod error;
mod foreign;
#[cfg(fuzzing)]
pub mod fuzzing;
mod image;
mod initramfs;
mod pack;
mod tar;
mod tree;
mod unpack;

pub use copy::{Copied, Destination, copy, is_free};
pub use error::{Error, Refusal, Result};
pub use foreign::{Archive, begins_image, unpack_foreign, unpack_tar};
pub use image::compare::compare;
pub use image::fetch::{Fetched, fetch};
pub use image::format::ENTRY_LIMIT;
pub use image::index::{FrameInfo, FrameKind, IndexEntry};
pub use image::medium::{ReadAt, WriteAt};
pub use image::opened::Image;
pub use image::subset::{extract_subset, read_file};
pub use image::verify::{Verified, verify};
pub use initramfs::pack_initramfs;
pub use pack::{Codec, PackOptions, Packed, Packer, Report, Virtual, VirtualKind, pack_paths};
pub use tree::root::Tree;
pub use tree::walk::{Decision, Node, look_through};
pub use unpack::{Existing, Summary, UnpackOptions, unpack, unpack_stream};

pub use crate::tar::entry::{Entry, EntryKind};
pub use crate::tar::mtime::Mtime;
pub use crate::tar::sparse::Extent;

/// Says of a path whether it is meant.
pub type Select<'a> = &'a (dyn Fn(&[u8]) -> bool + Sync);

/// Called with the number of bytes done so far.
pub type Progress<'a> = &'a dyn Fn(u64);
