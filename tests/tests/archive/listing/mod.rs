//! Everything that a tree has, read by means of the tests' own: no code of the engine.

mod compare;
mod content;
mod differ;
mod node;
mod xattrs;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::walk::walk;
pub(crate) use compare::{Aspect, Loss, Where, ensure_equal, ensure_equal_but};
pub(crate) use node::{Kind, Node};

/// All nodes of a tree by their paths below the root, which is the empty path.
pub(crate) struct Listing(pub(crate) BTreeMap<Vec<u8>, Node>);

impl Listing {
    /// Lists the tree below `root`.
    pub(crate) fn of(root: &Path) -> Result<Self> {
        // What is still to be allocated counts as data of a sparse file.
        rustix::fs::syncfs(File::open(root)?)?;
        let mut nodes = BTreeMap::new();
        let mut inodes: HashMap<_, Vec<Vec<u8>>> = HashMap::new();
        walk(root, &mut |found| {
            let (node, stat) = (Node::read(found)?, &found.stat);
            if node.kind != Kind::Directory && stat.st_nlink > 1 {
                let names = inodes.entry((stat.st_dev, stat.st_ino)).or_default();
                names.push(found.path.to_vec());
            }
            nodes.insert(found.path.to_vec(), node);
            Ok(())
        })
        .with_context(|| format!("cannot list {}", root.display()))?;
        for names in inodes.values() {
            link(&mut nodes, names);
        }
        Ok(Self(nodes))
    }
}

/// Tells the nodes of one inode the first of its names, and how many there are.
fn link(nodes: &mut BTreeMap<Vec<u8>, Node>, names: &[Vec<u8>]) {
    for name in names {
        if let (Some(node), Some(first)) = (nodes.get_mut(name), names.iter().min()) {
            node.links = Some((first.clone(), names.len()));
        }
    }
}
