//! A tree in memory, ready to be written: nothing is left to look up or to convert.

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nix::sys::time::TimeSpec;
use walkdir::{DirEntry, WalkDir};

/// A tree.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// Directories, each after the one that it is in; the first is the root.
    pub(super) directories: Vec<Directory>,
    /// Second and further names of files: the first name, and the other, both from the root.
    pub(super) links: Vec<(CString, CString)>,
    /// All contents, one after the other.
    pub(super) contents: Vec<u8>,
}

/// A directory.
#[derive(Debug)]
pub(super) struct Directory {
    /// Its path from the root, which is `.`.
    pub(super) path: CString,
    /// Its mode, owner and time.
    pub(super) meta: Meta,
    /// What is in it, besides directories.
    pub(super) leaves: Vec<Leaf>,
}

/// A file or a symbolic link.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Its name.
    pub(super) name: CString,
    /// Its mode, owner and time.
    pub(super) meta: Meta,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a leaf is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A file, with the place of its content.
    File(Range<usize>),
    /// A symbolic link, with where it leads.
    Symlink(CString),
}

/// Mode, owner and time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meta {
    /// Permission bits.
    pub(super) mode: u32,
    /// The owner.
    pub(super) uid: u32,
    /// The group.
    pub(super) gid: u32,
    /// When its content changed.
    pub(super) mtime: TimeSpec,
}

impl Meta {
    fn of(metadata: &Metadata) -> Self {
        Self {
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            mtime: TimeSpec::new(metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl Snapshot {
    /// Reads the tree at `root`.
    pub(super) fn take(root: &Path) -> Result<Self> {
        let mut reader = Reader::default();
        for entry in WalkDir::new(root).sort_by_file_name() {
            let entry = entry.with_context(|| format!("cannot read {}", root.display()))?;
            let path = entry.path().strip_prefix(root)?;
            reader.add(&entry, path)?;
        }
        Ok(reader.snapshot)
    }
}

/// A snapshot being taken.
#[derive(Debug, Default)]
struct Reader {
    snapshot: Snapshot,
    /// Where the directories are, by path.
    places: HashMap<std::path::PathBuf, usize>,
    /// First names of files with several, by device and inode.
    names: HashMap<(u64, u64), CString>,
}

impl Reader {
    fn add(&mut self, entry: &DirEntry, path: &Path) -> Result<()> {
        let (metadata, kind) = (entry.metadata()?, entry.file_type());
        let shown = || format!("cannot read {}", entry.path().display());
        if kind.is_dir() {
            return self.add_directory(path, &metadata);
        }
        if metadata.nlink() > 1 {
            let (node, name) = (
                (metadata.dev(), metadata.ino()),
                c_string(path.as_os_str())?,
            );
            if let Some(first) = self.names.get(&node) {
                self.snapshot.links.push((first.clone(), name));
                return Ok(());
            }
            self.names.insert(node, name);
        }
        let kind = if kind.is_file() {
            Kind::File(self.content(entry.path()).with_context(shown)?)
        } else if kind.is_symlink() {
            let target = std::fs::read_link(entry.path()).with_context(shown)?;
            Kind::Symlink(c_string(target.as_os_str())?)
        } else {
            bail!("{}: the floor makes no devices", entry.path().display());
        };
        let leaf = Leaf {
            name: c_string(entry.file_name())?,
            meta: Meta::of(&metadata),
            kind,
        };
        let parent = path.parent().and_then(|parent| self.places.get(parent));
        let parent = *parent.context("a leaf before its directory")?;
        self.snapshot.directories[parent].leaves.push(leaf);
        Ok(())
    }

    fn add_directory(&mut self, path: &Path, metadata: &Metadata) -> Result<()> {
        let place = self.snapshot.directories.len();
        self.places.insert(path.to_path_buf(), place);
        let name = if place == 0 {
            OsStr::new(".")
        } else {
            path.as_os_str()
        };
        self.snapshot.directories.push(Directory {
            path: c_string(name)?,
            meta: Meta::of(metadata),
            leaves: Vec::new(),
        });
        Ok(())
    }

    fn content(&mut self, path: &Path) -> std::io::Result<Range<usize>> {
        let contents = &mut self.snapshot.contents;
        let start = contents.len();
        File::open(path)?.read_to_end(contents)?;
        Ok(start..contents.len())
    }
}

fn c_string(text: &OsStr) -> Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}
