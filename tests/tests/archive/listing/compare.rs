//! Compares two listings, but for what a format or a tool is known to lose.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::differ::{differ, short};
use super::{Listing, Node};

/// What is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aspect {
    /// All of it: the node is not compared.
    Node,
    /// The fraction of a second.
    Fraction,
    /// What a double-precision number of seconds does not hold.
    Microsecond,
    /// The time.
    Time,
    /// Permissions.
    Mode,
    /// Owner and group.
    Owner,
    /// Which names are names of one inode.
    Links,
    /// Holes: their zeros are data.
    Holes,
    /// Extended attributes whose names begin so.
    Xattrs(&'static str),
}

/// Where something is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Where {
    /// In the whole tree.
    Everywhere,
    /// With such nodes.
    Such(fn(path: &[u8], node: &Node) -> bool),
    /// At this path and below it.
    Below(&'static str),
    /// The root itself.
    Root,
}

/// Something that a format or a tool loses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    pub(crate) what: Aspect,
    pub(crate) at: Where,
    /// The reason, for those who read the tests.
    pub(crate) why: &'static str,
}

/// How many differences a failure shows.
const SHOWN: usize = 40;

/// The trees have all in common.
pub(crate) fn ensure_equal(wanted: &Listing, found: &Listing) -> Result<()> {
    ensure_equal_but(wanted, found, &[])
}

/// The trees have all in common but `losses`.
pub(crate) fn ensure_equal_but(wanted: &Listing, found: &Listing, losses: &[Loss]) -> Result<()> {
    let mut differences = Vec::new();
    let paths: BTreeSet<&Vec<u8>> = wanted.0.keys().chain(found.0.keys()).collect();
    for path in paths {
        let (Some(node), other) = (wanted.0.get(path), found.0.get(path)) else {
            differences.push(format!("{} should not be there", short(path)));
            continue;
        };
        let lost = Lost { losses, path, node };
        match other {
            _ if lost.has(Aspect::Node) => {}
            Some(other) => differ(&lost, node, other, &mut differences),
            None => differences.push(format!("{} is missing", short(path))),
        }
    }
    let count = differences.len();
    differences.truncate(SHOWN);
    let differences = differences.join("\n");
    let losses: Vec<&str> = losses.iter().map(|loss| loss.why).collect();
    ensure!(
        count == 0,
        "{count} differences:\n{differences}\nbesides these: {losses:?}"
    );
    Ok(())
}

/// What is lost of one node.
pub(super) struct Lost<'a> {
    losses: &'a [Loss],
    pub(super) path: &'a [u8],
    node: &'a Node,
}

impl Lost<'_> {
    pub(super) fn has(&self, what: Aspect) -> bool {
        self.any(|lost| lost == what)
    }

    /// Whether the attribute `name` is lost.
    pub(super) fn has_xattr(&self, name: &[u8]) -> bool {
        self.any(|lost| matches!(lost, Aspect::Xattrs(begin) if name.starts_with(begin.as_bytes())))
    }

    fn any(&self, is: impl Fn(Aspect) -> bool) -> bool {
        let here = |loss: &&Loss| loss.at.is(self.path, self.node);
        self.losses.iter().filter(here).any(|loss| is(loss.what))
    }
}

impl Where {
    fn is(self, path: &[u8], node: &Node) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Such(is) => is(path, node),
            Self::Root => path.is_empty(),
            Self::Below(top) => path
                .strip_prefix(top.as_bytes())
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/'),
        }
    }
}
