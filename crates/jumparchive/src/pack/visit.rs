//! Takes what a walk finds into an image.

use rustix::fs::FileType;

use super::Packer;
use crate::error::{Result, shown};
use crate::walk::{Decision, Found, Node, Visitor};

/// One tree on its way into an image.
pub(super) struct Visit<'a> {
    pub(super) packer: &'a mut Packer,
    pub(super) filter: &'a dyn Fn(&Node) -> Decision,
    pub(super) progress: crate::Progress<'a>,
}

impl Visitor for Visit<'_> {
    fn decide(&mut self, node: &Node) -> Decision {
        if self
            .packer
            .virtuals
            .get(&node.path)
            .is_some_and(|node| !node.is_directory())
        {
            // Its own turn comes in `found`; what the tree has below is gone.
            return Decision::Hollow;
        }
        (self.filter)(node)
    }

    fn found(&mut self, found: &Found<'_>) -> Result<()> {
        if let Some(node) = self.packer.virtuals.remove(&found.node.path)
            && !(node.is_directory() && found.node.is_directory())
        {
            return self.packer.store_virtual(&found.node.path, &node);
        }
        if found.node.file_type() == FileType::Socket {
            self.packer.report.sockets += 1;
            return Ok(());
        }
        self.packer.store(found)?;
        (self.progress)(self.packer.content);
        Ok(())
    }

    fn vanished(&mut self, path: &[u8]) {
        self.packer.report.vanished.push(shown(path));
    }
}
