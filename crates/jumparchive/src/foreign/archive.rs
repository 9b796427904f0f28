//! Any archive: an image, or what other tools make.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileTypeExt;

use jumpspec::image::manifest::Manifest;

use super::{begins_image, unpack_foreign};
use crate::error::{Error, Result, io_error};
use crate::image::format::PREFIX;
use crate::image::opened::Image;
use crate::unpack::{Summary, UnpackOptions, unpack, unpack_stream};

/// Bytes read at once from an image that is a stream.
const BUFFER: usize = 1 << 20;

/// An archive of which it is known what it is.
#[derive(Debug)]
pub struct Archive(Kind);

#[derive(Debug)]
enum Kind {
    /// An image in a file, whose frames are decoded side by side.
    Image(Box<Image>),
    /// An image that can only be read once.
    Stream(File, Vec<u8>),
    /// Something else, its length if it is a file, and its first bytes.
    Foreign(File, Option<u64>, Vec<u8>),
}

impl Archive {
    /// Looks at the first bytes of a file, pipe or socket.
    ///
    /// # Errors
    /// A directory or device is refused; else only an image is checked here.
    pub fn open(mut file: File) -> Result<Self> {
        let failed = |error: io::Error| io_error(b"archive", "cannot read")(error);
        let is = file.metadata().map_err(failed)?;
        let kind = is.file_type();
        if kind.is_dir() || kind.is_char_device() || kind.is_block_device() {
            return Err(Error::NotAnArchive);
        }
        // A file may be standard input, of which something was read.
        let whole = kind.is_file() && file.stream_position().map_err(failed)? == 0;
        let mut start = Vec::new();
        let limit = PREFIX as u64;
        let read = file.by_ref().take(limit).read_to_end(&mut start);
        read.map_err(failed)?;
        Ok(Self(match begins_image(&start) {
            true if whole => Kind::Image(Box::new(Image::open(file)?)),
            true => Kind::Stream(file, start),
            false => Kind::Foreign(file, whole.then_some(is.len()), start),
        }))
    }

    /// What [`Archive::unpack`] counts to, in bytes, as far as that is known.
    pub fn total(&self) -> Option<u64> {
        match &self.0 {
            Kind::Image(image) => Some(image.raw_length()),
            Kind::Stream(..) => None,
            Kind::Foreign(_, length, _) => *length,
        }
    }

    /// What an image in a file is.
    pub fn manifest(&self) -> Option<&Manifest> {
        match &self.0 {
            Kind::Image(image) => image.manifest(),
            Kind::Stream(..) | Kind::Foreign(..) => None,
        }
    }

    /// Makes the archive's entries below `root`.
    ///
    /// # Errors
    /// After an error, `root` holds a part of it.
    pub fn unpack(self, root: BorrowedFd<'_>, options: &UnpackOptions<'_>) -> Result<Summary> {
        match self.0 {
            Kind::Image(image) => unpack(&image, root, options),
            Kind::Stream(file, start) => {
                let input = Cursor::new(start).chain(file);
                let input = BufReader::with_capacity(BUFFER, input);
                unpack_stream(input, root, options).map(|(_, summary)| summary)
            }
            Kind::Foreign(file, _, start) => {
                unpack_foreign(Cursor::new(start).chain(file), root, options)
            }
        }
    }
}
