//! Takes what a walk finds to the workers, batch by batch.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::fs::{FileType, Stat};

use super::tally::Report;
use super::virtuals::Virtuals;
use super::work::{Item, Large, Piece, Work};
use super::writer::Writer;
use crate::error::{Result, shown};
use crate::image::chain::Chain;
use crate::image::format::FRAME_TARGET;
use crate::image::index::FrameKind;
use crate::tar::entry::{Entry, EntryKind};
use crate::tree::look::{self, Content, Ready};
use crate::tree::members::Overlaid;
use crate::tree::root::Tree;
use crate::tree::walk::{self, Decision, Found, Node, Pass, Visitor};

/// What a header with its PAX records is reckoned at.
const HEADERS: usize = 3 * 512;

/// One tree on its way into an image.
pub(super) struct Visit<'a> {
    pub(super) writer: &'a mut Writer,
    pub(super) filter: &'a dyn Fn(&Node) -> Decision,
    pub(super) progress: crate::Progress<'a>,
    pub(super) virtuals: &'a mut Virtuals,
    pub(super) report: Report,
    pass: Pass,
    batch: Batch,
    /// By device and inode number: the names of what has several.
    links: HashMap<(u64, u64), Vec<u8>>,
    hard_links: Vec<Entry>,
}

/// Items that wait until they fill a frame.
struct Batch {
    kind: FrameKind,
    items: Vec<Item>,
    size: usize,
}

impl<'a> Visit<'a> {
    pub(super) fn new(
        writer: &'a mut Writer,
        virtuals: &'a mut Virtuals,
        filter: &'a dyn Fn(&Node) -> Decision,
        progress: crate::Progress<'a>,
    ) -> Self {
        Self {
            writer,
            filter,
            progress,
            virtuals,
            report: Report::default(),
            pass: Pass::Everything,
            batch: Batch {
                kind: FrameKind::Directories,
                items: Vec::new(),
                size: 0,
            },
            links: HashMap::new(),
            hard_links: Vec::new(),
        }
    }

    /// Walks the tree once. What is found goes into frames of this kind.
    pub(super) fn walk(&mut self, tree: &Tree, pass: Pass, kind: FrameKind) -> Result<()> {
        self.begin(kind)?;
        self.pass = pass;
        walk::walk(tree.as_fd(), pass, self)
    }

    fn begin(&mut self, kind: FrameKind) -> Result<()> {
        self.flush()?;
        self.batch.kind = kind;
        Ok(())
    }

    /// Stores the further names of files, last of all.
    pub(super) fn store_hard_links(&mut self) -> Result<Report> {
        self.begin(FrameKind::HardLinks)?;
        for entry in std::mem::take(&mut self.hard_links) {
            self.add_ready(Ready {
                entry,
                content: Content::None,
            })?;
        }
        self.flush()?;
        Ok(std::mem::take(&mut self.report))
    }

    fn flush(&mut self) -> Result<()> {
        self.batch.size = 0;
        let items = std::mem::take(&mut self.batch.items);
        if items.is_empty() {
            return Ok(());
        }
        let kind = self.batch.kind;
        self.submit(Work::Items { kind, items })
    }

    fn submit(&mut self, work: Work) -> Result<()> {
        self.writer.submit(work)?;
        (self.progress)(self.writer.content());
        Ok(())
    }

    fn add(&mut self, item: Item, size: usize) -> Result<()> {
        if self.batch.size + size > FRAME_TARGET {
            self.flush()?;
        }
        self.batch.size += size;
        self.batch.items.push(item);
        Ok(())
    }

    fn add_ready(&mut self, ready: Ready) -> Result<()> {
        let size = reckoned(ready.entry.path.len(), ready.entry.stored());
        if ready.entry.stored() <= FRAME_TARGET as u64 {
            return self.add(Item::Ready(ready), size);
        }
        self.flush()?;
        let large = Arc::new(Large {
            ready,
            chain: Chain::default(),
        });
        (0..large.pieces()).try_for_each(|number| {
            let large = Arc::clone(&large);
            self.submit(Work::Piece(Piece { large, number }))
        })
    }

    /// Looks at a node at once, for what has several names must be known to be there
    /// before the others are.
    fn look(&mut self, found: &Found<'_>) -> Result<Option<Ready>> {
        let Node { path, stat } = found.node;
        let ready = look::look(path.clone(), found.directory.as_fd(), found.name, stat)?;
        if ready.is_none() {
            self.report.vanished.push(shown(path));
        }
        Ok(ready)
    }

    /// A node that has other names, too.
    fn linked(&mut self, found: &Found<'_>) -> Result<()> {
        let Node { path, stat } = found.node;
        let node = (stat.st_dev, stat.st_ino);
        if let Some(first) = self.links.get(&node) {
            let kind = EntryKind::HardLink(first.clone());
            let entry = look::entry(path.clone(), stat, kind, Vec::new());
            if self.pass == Pass::Everything {
                let content = Content::None;
                return self.add_ready(Ready { entry, content });
            }
            self.hard_links.push(entry);
            return Ok(());
        }
        if let Some(ready) = self.look(found)? {
            self.links.insert(node, path.clone());
            self.add_ready(ready)?;
        }
        Ok(())
    }
}

impl Visitor for Visit<'_> {
    fn decide(&mut self, node: &Node) -> Decision {
        (self.filter)(node)
    }

    fn found(&mut self, found: &Found<'_>) -> Result<()> {
        let Node { path, stat } = found.node;
        if found.node.file_type() == FileType::Socket {
            self.report.sockets += 1;
            return Ok(());
        }
        if stat.st_nlink > 1 && !found.node.is_directory() {
            return self.linked(found);
        }
        if is_for_its_own_frames(stat) {
            return match self.look(found)? {
                Some(ready) => self.add_ready(ready),
                None => Ok(()),
            };
        }
        let content = if found.node.is_file() {
            look::size(stat)
        } else {
            0
        };
        let item = Item::Found {
            path: path.clone(),
            directory: Arc::clone(found.directory),
            name: found.name.to_vec(),
            stat: *stat,
        };
        self.add(item, reckoned(path.len(), content))
    }

    fn vanished(&mut self, path: &[u8]) {
        // Directories are met twice.
        let shown = shown(path);
        if !self.report.vanished.contains(&shown) {
            self.report.vanished.push(shown);
        }
    }

    fn overlay(&self, directory: &[u8]) -> Vec<Overlaid> {
        self.virtuals.in_directory(directory)
    }

    fn overlaid(&mut self, path: &[u8]) -> Result<()> {
        match self.virtuals.take(path) {
            Some(ready) => self.add_ready(ready),
            None => Ok(()),
        }
    }
}

/// Whether how much of a file is stored must be known before it is put into a frame.
fn is_for_its_own_frames(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && (look::size(stat) > FRAME_TARGET as u64 || look::looks_sparse(stat))
}

/// What an entry takes in a frame, about. What decides where frames are cut must be the
/// same each time.
fn reckoned(path: usize, content: u64) -> usize {
    // A PAX record repeats a path that is longer than a header's field.
    let path = if path > 100 { path + 512 } else { 0 };
    let content = usize::try_from(content).unwrap_or(FRAME_TARGET);
    HEADERS + path + content.min(FRAME_TARGET).next_multiple_of(512)
}
