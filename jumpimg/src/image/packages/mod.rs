//! The packages of a tree, from the databases of dpkg and rpm in it: which there are,
//! and which of them a file belongs to.
//!
//! Parsing (`dpkg`, `rpm`, `ledger`) is pure; `read` fetches the databases from an image
//! or a directory, and only `sqlite` touches files of its own.

mod dpkg;
mod ledger;
mod places;
mod read;
mod rpm;
mod sqlite;

use serde::Serialize;

pub(crate) use ledger::Ledger;
pub(crate) use read::{from_image, from_tree};

/// Who installed a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Manager {
    /// Debian's.
    Dpkg,
    /// Red Hat's and SUSE's.
    Rpm,
}

/// A package. Its texts come from the image: they are safe to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Package {
    pub(crate) manager: Manager,
    pub(crate) name: String,
    /// `None` for what is not installed, although a list of its files is there: removed,
    /// and its configuration left behind.
    pub(crate) version: Option<String>,
    pub(crate) architecture: String,
}
