//! Decodes every byte of an image and holds it against the index.

use std::cmp::Ordering;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use jumpspec::words::digest::Digest;

use crate::error::{Error, Refusal, Result, refuse, shown};
use crate::image::chain::Chain;
use crate::image::entries::{self, Piece};
use crate::image::index::{FrameKind, IndexEntry};
use crate::image::opened::Image;
use crate::image::spans::Spans;
use crate::image::threads;
use crate::image::workers::{self, FrameWork};
use crate::tar::entry::EntryKind;
use crate::tree::order;

/// Something of which every byte was checked.
#[derive(Debug)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Gives it back without the proof.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// Checks every frame's digest, every entry against the index, every file's content
/// against its digest, that entries are in order and none comes twice, and that nothing
/// is missing or left over. `progress` is told bytes of [`Image::raw_length`].
pub fn verify(image: Image, progress: crate::Progress<'_>) -> Result<Verified<Image>> {
    let frames = 0..image.frames().len();
    let check = Check {
        image: &image,
        spans: Spans::new(),
        ends: Mutex::new(vec![None; frames.len()]),
    };
    workers::run(&image, frames, &check, 0, progress, || Ok(()))?;
    check.order_of_frames()?;
    Ok(Verified(image))
}

/// A large file whose pieces are checked by several threads.
struct Content {
    chain: Chain,
    wanted: [u8; 32],
}

/// The first and the last path of a frame.
type Ends = (Vec<u8>, Vec<u8>);

struct Check<'a> {
    image: &'a Image,
    spans: Spans<Content>,
    /// Of each frame.
    ends: Mutex<Vec<Option<Ends>>>,
}

impl FrameWork for Check<'_> {
    type State = ();

    fn threads(&self) -> usize {
        threads::readers()
    }

    fn begin(&self) -> Result<()> {
        Ok(())
    }

    fn frame(&self, (): &mut (), frame: usize, data: &[u8]) -> Result<()> {
        match self.image.frames()[frame].kind {
            FrameKind::End => check_end(frame, data),
            FrameKind::Part => self.part(frame, data),
            _ => self.entries(frame, data),
        }
    }

    fn abandon(&self) {
        for span in self.spans.abandon() {
            span.work.chain.abandon();
        }
    }
}

impl Check<'_> {
    fn entries(&self, frame: usize, data: &[u8]) -> Result<()> {
        let records = self.image.records(frame)?;
        let number = u32::try_from(frame).unwrap_or(u32::MAX);
        let mut listed = records.iter();
        entries::each(self.image, frame, data, |entry, offset, piece| {
            let differs = || refuse(&entry.path, Refusal::Index);
            let record = listed.next().ok_or_else(differs)?;
            if !record.describes(&entry, (number, offset)) {
                return Err(differs());
            }
            // `describes` has made sure that files and only they have one.
            let Some(wanted) = record.digest.filter(|_| entry.kind == EntryKind::File) else {
                return Ok(());
            };
            match piece {
                Piece::Whole(content) => check_digest(&entry.path, &Digest::of(content), wanted),
                Piece::First(content) => {
                    let length = content.len();
                    let work = Content {
                        chain: Chain::default(),
                        wanted,
                    };
                    let span = self.spans.open(self.image, frame, (entry, length), work);
                    let link = span.work.chain.link();
                    link.add(0, content);
                    self.spans.done(&span);
                    Ok(())
                }
            }
        })?;
        self.order_in_frame(frame, &records)
    }

    fn part(&self, frame: usize, data: &[u8]) -> Result<()> {
        let Some(span) = self.spans.wait(self.image, frame) else {
            return Ok(());
        };
        let content = span.content(span.offset(self.image, frame), data);
        let link = span.work.chain.link();
        let digest = link.add(frame - span.head, content);
        let last = self.image.parts(span.head).end == frame + 1;
        self.spans.done(&span);
        match digest.filter(|_| last) {
            Some(digest) => check_digest(&span.entry.path, &digest, span.work.wanted),
            None => Ok(()),
        }
    }

    fn order_in_frame(&self, frame: usize, records: &[IndexEntry]) -> Result<()> {
        let kind = self.image.frames()[frame].kind;
        for pair in records.windows(2) {
            in_order(kind, &pair[0].path, &pair[1].path)?;
        }
        let ends = records.first().zip(records.last());
        let mut all = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        all[frame] = ends.map(|(first, last)| (first.path.clone(), last.path.clone()));
        Ok(())
    }

    fn order_of_frames(&self) -> Result<()> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in [
            FrameKind::Directories,
            FrameKind::Files,
            FrameKind::HardLinks,
        ] {
            let ends: Vec<_> = ends[self.image.frames_of(kind)].iter().flatten().collect();
            for pair in ends.windows(2) {
                in_order(kind, &pair[0].1, &pair[1].0)?;
            }
        }
        Ok(())
    }
}

fn in_order(kind: FrameKind, one: &[u8], next: &[u8]) -> Result<()> {
    let order = match kind {
        FrameKind::Directories => order::of_directories(one, next),
        _ => order::of_members(one, next),
    };
    match order {
        Ordering::Less => Ok(()),
        Ordering::Equal => Err(refuse(next, Refusal::Exists)),
        Ordering::Greater => Err(refuse(next, Refusal::Order)),
    }
}

fn check_digest(path: &[u8], found: &Digest, wanted: [u8; 32]) -> Result<()> {
    if *found.as_bytes() == wanted {
        return Ok(());
    }
    Err(Error::BadContent { path: shown(path) })
}

/// The end-of-archive blocks are zeros.
pub(crate) fn check_end(frame: usize, data: &[u8]) -> Result<()> {
    if data.len() >= 1024 && data.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    Err(Error::BadFrame {
        frame,
        why: "something else stands where the archive ends",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;
    use std::{fs, thread};

    use super::*;
    use crate::pack::{PackOptions, Packer};
    use crate::tree::root::Tree;
    use crate::tree::walk::Decision;

    #[test]
    fn nobody_waits_for_a_piece_in_a_frame_that_failed() {
        let scratch = tempfile::tempdir().unwrap();
        fs::write(scratch.path().join("large"), vec![7; 9 << 20]).unwrap();
        let out = tempfile::tempfile().unwrap();
        let packer = Packer::new(out.try_clone().unwrap(), &PackOptions::default()).unwrap();
        let tree = Tree::open(scratch.path()).unwrap();
        let store = |_: &_| Decision::Store;
        packer.pack(&tree, &store, None, &|_| ()).unwrap();
        let image = Image::open(out).unwrap();
        let check = Check {
            image: &image,
            spans: Spans::new(),
            ends: Mutex::new(vec![None; image.frames().len()]),
        };
        let head = image.frames_of(FrameKind::Files).start;
        let mut reader = image.reader().unwrap();
        let data = reader.frame(head).unwrap();
        check.frame(&mut (), head, data).unwrap();
        let span = check.spans.wait(&image, head + 2).unwrap();
        let (told, tell) = channel();
        thread::spawn(move || told.send(span.work.chain.link().add(2, b"third")));
        check.abandon();
        let digest = tell.recv_timeout(Duration::from_mins(1));
        assert_eq!(digest, Ok(None));
    }
}
