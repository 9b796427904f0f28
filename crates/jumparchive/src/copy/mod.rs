//! Copies one tree into another directory, and reads the copy back.
//!
//! What the walk finds goes to what makes an image's entries, without an archive in between: a copy
//! keeps what an image keeps, and holes besides. Sockets are left out, as nothing but their owner
//! can make them. Nothing is followed out of either tree, nothing is changed in the first, and of
//! the second nothing goes but what an unfinished copy has left.

mod destination;
mod each;
mod fingerprint;
#[cfg(test)]
mod tests;

use std::os::fd::AsFd as _;

use rustix::fs;

pub use destination::{Destination, is_free};
use each::each;
use fingerprint::{Fingerprint, Fingerprinter};

use crate::error::{Error, Result, io_error, shown};
use crate::tar::entry::{Entry, EntryKind};
use crate::tree::look::Ready;
use crate::tree::root::Tree;
use crate::tree::walk::Pass;
use crate::unpack::{Existing, Maker, UnpackOptions, Writeback};

/// Bytes of a file that are read at once: whole blocks of a fingerprint.
const CHUNK: usize = 1 << 20;

/// What a tree was when it was copied: eight bytes for each entry.
#[derive(Debug)]
pub struct Copied {
    fingerprints: Vec<Fingerprint>,
    /// The directory itself.
    top: Entry,
    /// Bytes of content, holes left out.
    pub bytes: u64,
    /// Sockets, which are left out.
    pub sockets: u64,
}

impl Copied {
    /// How many entries there are, the directory itself included.
    pub fn entries(&self) -> usize {
        self.fingerprints.len()
    }

    /// Holds `tree` against what was copied. Whether bytes come from the disk or from memory is the
    /// caller's to arrange. `progress` is told bytes of [`Copied::bytes`].
    ///
    /// # Errors
    /// [`Error::Differs`] names the first difference.
    pub fn check(&self, tree: &Tree, progress: crate::Progress<'_>) -> Result<()> {
        let mut wanted = self.fingerprints.iter();
        let mut reader = Reader::new(progress);
        let made_by_mkfs = |path: &[u8]| path == destination::LOST_AND_FOUND;
        each(tree, Pass::Everything, |ready| {
            let found = reader.fingerprint(&ready, |_, _| Ok(()))?;
            if wanted.as_slice().first() == Some(&found) {
                wanted.next();
                return Ok(());
            }
            if made_by_mkfs(&ready.entry.path) {
                return Ok(());
            }
            Err(differs(&ready.entry.path, "is not what was copied"))
        })?;
        if wanted.next().is_some() {
            return Err(differs(b"", "lacks something that was copied"));
        }
        Ok(())
    }
}

fn differs(path: &[u8], what: &'static str) -> Error {
    Error::Differs {
        path: shown(path),
        what,
    }
}

/// Nobody else is to work in a tree that is copied.
fn changed(path: &[u8]) -> Error {
    Error::Changed { path: shown(path) }
}

/// Copies `from`, itself and all below it, into an empty directory, and waits until everything is
/// on the disk. `progress` is told the bytes of content copied so far.
///
/// # Errors
/// After an error a part of the copy is there, and its mark.
pub fn copy(from: &Tree, to: &Destination, progress: crate::Progress<'_>) -> Result<Copied> {
    let options = UnpackOptions {
        existing: Existing::Refuse,
        // It is synced here, when its directories are complete.
        sync: false,
        ..UnpackOptions::default()
    };
    let mut maker = Maker::new(to.as_fd(), options)?;
    let writeback = Writeback::begin(to.as_fd())?;
    let copied = list(from, progress, |reader, ready| {
        make(&mut maker, reader, ready)
    });
    let finished = copied.and_then(|copied| {
        each(from, Pass::Directories, |ready| {
            maker.finish_directory(&ready.entry)
        })?;
        Ok(copied)
    });
    // Nobody holds the file system when this is over, whatever came of it.
    let written = writeback.end();
    let copied = finished?;
    written?;
    fs::syncfs(to.as_fd()).map_err(io_error(b"", "cannot write to disk"))?;
    Ok(copied)
}

/// What `from` is, as [`copy`] would say it, without a copy.
fn look_at(from: &Tree, progress: crate::Progress<'_>) -> Result<Copied> {
    list(from, progress, |reader, ready| {
        reader.fingerprint(ready, |_, _| Ok(()))
    })
}

/// Lists what `from` has, as far as `take` gives the fingerprint of each entry.
fn list(
    from: &Tree,
    progress: crate::Progress<'_>,
    mut take: impl FnMut(&mut Reader<'_>, &Ready) -> Result<Fingerprint>,
) -> Result<Copied> {
    let mut reader = Reader::new(progress);
    let (mut fingerprints, mut top) = (Vec::new(), None);
    let walked = each(from, Pass::Everything, |ready| {
        fingerprints.push(take(&mut reader, &ready)?);
        top.get_or_insert(ready.entry);
        Ok(())
    })?;
    Ok(Copied {
        fingerprints,
        top: top.ok_or_else(|| changed(b""))?,
        bytes: reader.bytes,
        sockets: walked.sockets,
    })
}

/// Makes one entry; gives what was read for it.
fn make(maker: &mut Maker<'_>, reader: &mut Reader<'_>, ready: &Ready) -> Result<Fingerprint> {
    let entry = &ready.entry;
    match entry.kind {
        EntryKind::Directory => maker.directory(entry).map(drop)?,
        EntryKind::File => {
            let Some(file) = maker.begin_file(entry)? else {
                return Err(changed(&entry.path));
            };
            let write = |at, chunk: &[u8]| maker.write(&file, entry, at, chunk);
            let found = reader.fingerprint(ready, write)?;
            maker.finish_file(&file, entry)?;
            return Ok(found);
        }
        _ => maker.bare(entry)?,
    }
    reader.fingerprint(ready, |_, _| Ok(()))
}

/// Reads what there is of an entry.
struct Reader<'a> {
    buffer: Vec<u8>,
    bytes: u64,
    progress: crate::Progress<'a>,
}

impl<'a> Reader<'a> {
    fn new(progress: crate::Progress<'a>) -> Self {
        Self {
            buffer: vec![0; CHUNK],
            bytes: 0,
            progress,
        }
    }

    /// The fingerprint of an entry, whose stored content is given to `take` piece by piece.
    fn fingerprint(
        &mut self,
        ready: &Ready,
        mut take: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<Fingerprint> {
        let entry = &ready.entry;
        let mut fingerprinter = Fingerprinter::of(entry);
        let (mut at, stored) = (0, entry.stored());
        while at < stored {
            let length = usize::try_from(stored - at).map_or(CHUNK, |left| left.min(CHUNK));
            let chunk = &mut self.buffer[..length];
            if ready.read(at, chunk)? {
                return Err(changed(&entry.path));
            }
            fingerprinter.content(entry, at, chunk);
            take(at, chunk)?;
            at += length as u64;
            self.bytes += length as u64;
            (self.progress)(self.bytes);
        }
        Ok(fingerprinter.finish())
    }
}
