//! The members of a directory, sorted, in as little memory as a wide one allows.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, RawDir};

use crate::tree::root;

/// A name that stands in a directory whatever the tree has there; a directory only if
/// the tree has none of that name.
#[derive(Clone, Debug)]
pub(crate) struct Overlaid {
    pub(crate) name: Vec<u8>,
    pub(crate) is_directory: bool,
}

/// Bytes of directory entries read at once.
const BUFFER: usize = 16 << 10;

/// What a member of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// A directory.
    Directory,
    /// Anything else.
    Other,
    /// A directory that only the overlay has.
    OverlaidDirectory,
    /// Anything else that the overlay has, whatever the tree has there.
    OverlaidOther,
}

/// The members of a directory: all names behind each other, and where each is.
#[derive(Default)]
pub(crate) struct Members {
    names: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    begin: usize,
    length: usize,
    member: Member,
}

impl Members {
    /// Lists an open directory, sorted by the names' bytes.
    pub(crate) fn read(directory: BorrowedFd<'_>) -> io::Result<Self> {
        let mut members = Self::default();
        let mut buffer = Vec::with_capacity(BUFFER);
        let mut listing = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = listing.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            // Some file systems do not tell: getdents64(2).
            let kind = match entry.file_type() {
                FileType::Unknown => root::stat_at(directory, name)?
                    .map_or(FileType::Unknown, |stat| {
                        FileType::from_raw_mode(stat.st_mode)
                    }),
                kind => kind,
            };
            members.push(
                name,
                match kind {
                    FileType::Directory => Member::Directory,
                    _ => Member::Other,
                },
            );
        }
        members.sort();
        Ok(members)
    }

    /// Lays names over those that were read.
    pub(crate) fn lay_over(&mut self, overlay: Vec<Overlaid>) {
        if overlay.is_empty() {
            return;
        }
        for Overlaid { name, is_directory } in overlay {
            let names = &self.names;
            let there = self
                .places
                .iter_mut()
                .find(|place| place.name(names) == name);
            match there {
                Some(place) if is_directory && place.member == Member::Directory => {}
                Some(place) => place.member = overlaid(is_directory),
                None => self.push(&name, overlaid(is_directory)),
            }
        }
        self.sort();
    }

    /// The member at this place of the order.
    pub(crate) fn get(&self, place: usize) -> Option<(&[u8], Member)> {
        let place = self.places.get(place)?;
        Some((place.name(&self.names), place.member))
    }

    /// The members, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Member)> {
        self.places
            .iter()
            .map(|place| (place.name(&self.names), place.member))
    }

    fn push(&mut self, name: &[u8], member: Member) {
        self.places.push(Place {
            begin: self.names.len(),
            length: name.len(),
            member,
        });
        self.names.extend_from_slice(name);
    }

    fn sort(&mut self) {
        let names = &self.names;
        self.places
            .sort_unstable_by(|one, two| one.name(names).cmp(two.name(names)));
    }
}

impl Place {
    fn name<'a>(&self, names: &'a [u8]) -> &'a [u8] {
        &names[self.begin..self.begin + self.length]
    }
}

fn overlaid(is_directory: bool) -> Member {
    if is_directory {
        Member::OverlaidDirectory
    } else {
        Member::OverlaidOther
    }
}
