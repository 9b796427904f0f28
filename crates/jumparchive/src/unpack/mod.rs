//! Makes an image's entries below one directory.
//!
//! Directories come first, then threads make the files of a frame each, then come hard
//! links. The attributes of directories come last, when nothing more is made in them.
//!
//! Never follows a name that is there already, and never makes anything outside of the directory.

mod attributes;
mod creator;
mod gate;
mod image;
mod maker;
mod sink;
mod stream;
mod writeback;

use crate::Select;

pub use image::unpack;
pub(crate) use maker::Maker;
pub use stream::unpack_stream;
pub(crate) use writeback::Writeback;

/// What to do when something is there already. Directories are shared either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Fail.
    #[default]
    Refuse,
    /// Replace it, unless it is a directory: for saved files over a new system.
    Replace,
}

/// How to unpack.
#[derive(Clone, Copy)]
pub struct UnpackOptions<'a> {
    /// What to do when something is there already.
    pub existing: Existing,
    /// Which paths to make; what a chosen hard link names must be chosen too.
    pub select: Select<'a>,
    /// Told bytes of [`crate::Image::raw_length`]; of the compressed stream when streaming.
    pub progress: crate::Progress<'a>,
    /// Whether to wait at the end until everything is on the disk.
    pub sync: bool,
}

impl Default for UnpackOptions<'_> {
    fn default() -> Self {
        Self {
            existing: Existing::Refuse,
            select: &|_| true,
            progress: &|_| (),
            sync: true,
        }
    }
}

/// What was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Entries made, hard links included.
    pub entries: u64,
    /// Bytes of content written.
    pub bytes: u64,
}
