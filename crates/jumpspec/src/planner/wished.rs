//! A file system that the new system is to have.

use crate::disk::Filesystem;
use crate::plan::PlannedFilesystem;
use crate::step::Step;

/// A file system of the new system, with what is needed to make it.
#[derive(Clone, Debug)]
pub(super) struct Wished {
    pub(super) planned: PlannedFilesystem,
    /// How fstab names it: no other device of the node is meant.
    pub(super) device: String,
    pub(super) make: Option<Filesystem>,
    pub(super) label: Option<String>,
    pub(super) options: Option<String>,
}

impl Wished {
    /// The step that makes it, unless it is kept.
    pub(super) fn mkfs(&self) -> Option<Step> {
        self.make.map(|fs| Step::Mkfs {
            number: self.planned.number,
            fs,
            uuid: self.planned.uuid.clone(),
            label: self.label.clone(),
        })
    }
}
