//! Everything in a tree, one after another, looked at: the order is the same for a tree and its copy.

use std::collections::HashMap;
use std::os::fd::AsFd as _;

use rustix::fs::FileType;

use super::changed;
use crate::error::Result;
use crate::tar::entry::EntryKind;
use crate::tree::look::{self, Content, Ready};
use crate::tree::root::Tree;
use crate::tree::walk::{self, Decision, Found, Node, Pass, Visitor};

/// What a walk has passed by.
pub(super) struct Walked {
    /// Sockets.
    pub(super) sockets: u64,
}

/// Takes what the walk finds to a closure.
pub(super) struct Each<F> {
    take: F,
    /// By device and inode number: the first name of what has several.
    links: HashMap<(u64, u64), Vec<u8>>,
    sockets: u64,
    vanished: Option<Vec<u8>>,
}

/// Gives all of `tree` that `pass` reports to `take`, further names of a file as hard links.
///
/// # Errors
/// When something of it is gone by the time that it is looked at: nobody else may work in the tree.
pub(super) fn each(
    tree: &Tree,
    pass: Pass,
    take: impl FnMut(Ready) -> Result<()>,
) -> Result<Walked> {
    let mut each = Each {
        take,
        links: HashMap::new(),
        sockets: 0,
        vanished: None,
    };
    walk::walk(tree.as_fd(), pass, &mut each)?;
    if let Some(path) = each.vanished {
        return Err(changed(&path));
    }
    Ok(Walked {
        sockets: each.sockets,
    })
}

impl<F: FnMut(Ready) -> Result<()>> Visitor for Each<F> {
    fn decide(&mut self, _: &Node) -> Decision {
        Decision::Store
    }

    fn found(&mut self, found: &Found<'_>) -> Result<()> {
        let Node { path, stat } = found.node;
        if found.node.file_type() == FileType::Socket {
            self.sockets += 1;
            return Ok(());
        }
        let linked = stat.st_nlink > 1 && !found.node.is_directory();
        let inode = (stat.st_dev, stat.st_ino);
        if let Some(first) = self.links.get(&inode).filter(|_| linked) {
            let kind = EntryKind::HardLink(first.clone());
            return (self.take)(Ready {
                entry: look::entry(path.clone(), stat, kind, Vec::new()),
                content: Content::None,
            });
        }
        if linked {
            self.links.insert(inode, path.clone());
        }
        let ready = look::look(path.clone(), found.directory.as_fd(), found.name, stat)?;
        if let Some(ready) = ready {
            return (self.take)(ready);
        }
        self.vanished(path);
        Ok(())
    }

    fn vanished(&mut self, path: &[u8]) {
        self.vanished.get_or_insert_with(|| path.to_vec());
    }
}
