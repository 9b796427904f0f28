//! What a worker does for an image: frames from items, or from a piece of a large file.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use jumpspec::words::digest::Digest;
use rustix::fs::Stat;

use super::frame::{Frame, Framer};
use super::tally::Tally;
use crate::error::{Result, shown};
use crate::image::chain::Chain;
use crate::image::format::FRAME_TARGET;
use crate::image::index::FrameKind;
use crate::tar::entry::EntryKind;
use crate::tree::look::{self, Ready};

/// The end-of-archive blocks (POSIX.1-2017, ustar interchange format).
const END: usize = 1024;

/// What a worker is to do.
pub(super) enum Work {
    /// Frames of whole entries.
    Items {
        /// What the frames hold.
        kind: FrameKind,
        /// In order.
        items: Vec<Item>,
    },
    /// One frame of a large file.
    Piece(Piece),
    /// The end of the archive.
    End,
}

/// Something to be stored.
pub(super) enum Item {
    /// What the walk has found, yet to be looked at.
    Found {
        path: Vec<u8>,
        directory: Arc<OwnedFd>,
        name: Vec<u8>,
        stat: Stat,
    },
    /// What was looked at already.
    Ready(Ready),
}

/// A piece of a large file.
pub(super) struct Piece {
    /// The file.
    pub(super) large: Arc<Large>,
    /// Counted from 0.
    pub(super) number: usize,
}

/// A file whose stored content takes several frames.
pub(super) struct Large {
    pub(super) ready: Ready,
    pub(super) chain: Chain,
}

impl Large {
    /// How many pieces it has.
    pub(super) fn pieces(&self) -> usize {
        usize::try_from(self.ready.entry.stored().div_ceil(FRAME_TARGET as u64))
            .unwrap_or(usize::MAX)
    }
}

/// What has come of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// In order.
    pub(super) frames: Vec<Frame>,
    /// What they hold.
    pub(super) tally: Tally,
    /// Of a large file's content, with its last piece.
    pub(super) digest: Option<Digest>,
}

/// A worker.
pub(super) struct Worker {
    framer: Framer,
    outcome: Outcome,
}

impl Worker {
    pub(super) fn new(framer: Framer) -> Self {
        Self {
            framer,
            outcome: Outcome::default(),
        }
    }

    /// Does the work.
    pub(super) fn perform(&mut self, work: Work) -> Result<Outcome> {
        match work {
            Work::Items { kind, items } => {
                for item in items {
                    self.item(kind, item)?;
                }
                self.cut(kind)?;
            }
            Work::Piece(piece) => self.piece(&piece)?,
            Work::End => {
                self.framer.room(END).fill(0);
                self.cut(FrameKind::End)?;
            }
        }
        Ok(std::mem::take(&mut self.outcome))
    }

    fn cut(&mut self, kind: FrameKind) -> Result<()> {
        self.outcome.frames.extend(self.framer.cut(kind)?);
        Ok(())
    }

    fn item(&mut self, kind: FrameKind, item: Item) -> Result<()> {
        match item {
            Item::Ready(ready) => self.store(kind, &ready),
            Item::Found {
                path,
                directory,
                name,
                stat,
            } => {
                let shown = shown(&path);
                if let Some(ready) = look::look(path, directory.as_fd(), &name, &stat)? {
                    return self.store(kind, &ready);
                }
                self.outcome.tally.report.vanished.push(shown);
                Ok(())
            }
        }
    }

    fn store(&mut self, kind: FrameKind, ready: &Ready) -> Result<()> {
        let entry = &ready.entry;
        // What is longer than a frame comes in pieces.
        let length = usize::try_from(entry.stored()).unwrap_or(usize::MAX);
        if self.framer.is_full_for(length) {
            self.cut(kind)?;
        }
        let offset = self.framer.begin(entry)?;
        let room = self.framer.room(length);
        let missing = ready.read(0, room)?;
        let digest = (entry.kind == EntryKind::File).then(|| Digest::of(room));
        self.framer.pad(entry.stored());
        self.framer.note(entry, offset, digest);
        self.outcome.tally.count(entry);
        self.tell_change(ready, missing)
    }

    fn tell_change(&mut self, ready: &Ready, missing: bool) -> Result<()> {
        if missing || ready.has_changed()? {
            let path = shown(&ready.entry.path);
            self.outcome.tally.report.changed.push(path);
        }
        Ok(())
    }

    fn piece(&mut self, Piece { large, number }: &Piece) -> Result<()> {
        let Large { ready, chain } = large.as_ref();
        let (entry, link, first) = (&ready.entry, chain.link(), *number == 0);
        if first {
            let offset = self.framer.begin(entry)?;
            self.framer.note(entry, offset, None);
        }
        let from = *number as u64 * FRAME_TARGET as u64;
        let left = entry.stored() - from;
        let last = left <= FRAME_TARGET as u64;
        let length = usize::try_from(left).map_or(FRAME_TARGET, |left| left.min(FRAME_TARGET));
        let room = self.framer.room(length);
        let missing = ready.read(from, room)?;
        // Nothing only if another piece has failed, which is what will be told.
        let digest = link.add(*number, room);
        if last {
            self.outcome.tally.count(entry);
            self.outcome.digest = digest;
            self.framer.pad(entry.stored());
        }
        if last || missing {
            self.tell_change(ready, missing)?;
        }
        self.cut(if first {
            FrameKind::Files
        } else {
            FrameKind::Part
        })
    }
}
