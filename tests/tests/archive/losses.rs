//! What formats and tools of others lose when they write an archive: found by trying, with
//! GNU tar 1.34, bsdtar 3.6.2 (libarchive), BusyBox 1.35 and Python 3.11. All else has to
//! come out of their archives.

use crate::listing::{Aspect, Kind, Loss, Node, Where};

pub(crate) const GNU_TAR_POSIX: &[Loss] = &[GNU_LINKS];
pub(crate) const GNU_TAR_PLAIN: &[Loss] = &[GNU_LINKS, NO_XATTRS, NO_HOLES];
pub(crate) const GNU_TAR_SPARSE: &[Loss] = &[GNU_LINKS, NO_XATTRS];
pub(crate) const GNU_TAR_GNU: &[Loss] = &[GNU_LINKS, NO_XATTRS, SECONDS];
pub(crate) const GNU_TAR_USTAR: &[Loss] = &[GNU_LINKS, NO_XATTRS, NO_HOLES, SECONDS];

pub(crate) const BSDTAR_PAX: &[Loss] = &[BSD_LINKS, BSD_BEFORE_1970, BSD_HUGE_ID];
pub(crate) const BSDTAR_DEFAULT: &[Loss] = &[
    BSD_LINKS,
    BSD_BEFORE_1970,
    BSD_HUGE_ID,
    Loss {
        what: Aspect::Fraction,
        at: Where::Everywhere,
        why: "bsdtar writes PAX records only where a header cannot hold the rest",
    },
];
pub(crate) const BSDTAR_GNUTAR: &[Loss] = &[
    BSD_LINKS,
    NO_XATTRS,
    NO_HOLES,
    SECONDS,
    Loss {
        what: Aspect::Mode,
        at: Where::Below("acls"),
        why: "libarchive writes the group's permissions, not the mask, into the mode",
    },
    Loss {
        what: Aspect::Time,
        at: Where::Such(|_, node| !(0..1 << 33).contains(&node.mtime.0)),
        why: "libarchive writes the nearest time that eleven octal digits hold",
    },
];
pub(crate) const BSDTAR_USTAR: &[Loss] = &[BSD_LINKS, NO_XATTRS, NO_HOLES, SECONDS];

pub(crate) const BUSYBOX: &[Loss] = &[
    NO_XATTRS,
    NO_HOLES,
    SECONDS,
    FAR,
    Loss {
        what: Aspect::Owner,
        at: Where::Such(is_of_a_large_owner),
        why: "BusyBox cuts ids to eight octal digits",
    },
    Loss {
        what: Aspect::Time,
        at: Where::Such(is_before_1970),
        why: "BusyBox writes times before 1970 as 0",
    },
];

pub(crate) const PYTHON_PAX: &[Loss] = &[
    PYTHON_LINKS,
    NO_XATTRS,
    NO_HOLES,
    FAR,
    Loss {
        what: Aspect::Microsecond,
        at: Where::Everywhere,
        why: "Python has times in double precision",
    },
    Loss {
        what: Aspect::Node,
        at: Where::Such(is_of_a_moment_about_1970),
        why: "Python writes 1e-09, which is no number of POSIX; its maker leaves those out",
    },
];
pub(crate) const PYTHON_GNU: &[Loss] = &[
    PYTHON_LINKS,
    NO_XATTRS,
    NO_HOLES,
    SECONDS,
    FAR,
    Loss {
        what: Aspect::Time,
        at: Where::Such(is_rounded_by_python),
        why: "Python rounds to double precision first, then towards 0",
    },
    Loss {
        what: Aspect::Node,
        at: Where::Such(is_of_a_moment_about_1970),
        why: "the maker for Python leaves those out",
    },
];

const NO_XATTRS: Loss = Loss {
    what: Aspect::Xattrs(""),
    at: Where::Everywhere,
    why: "the format has no extended attributes, or the tool was not asked for them",
};
const NO_HOLES: Loss = Loss {
    what: Aspect::Holes,
    at: Where::Everywhere,
    why: "the format has no holes, or the tool was not asked for them",
};
const SECONDS: Loss = Loss {
    what: Aspect::Fraction,
    at: Where::Everywhere,
    why: "the format has whole seconds",
};
const FAR: Loss = Loss {
    what: Aspect::Node,
    at: Where::Below("far"),
    why: "the tool reads whole paths, which end at 4,096 bytes",
};
const GNU_LINKS: Loss = Loss {
    what: Aspect::Links,
    at: Where::Such(|_, node| is_device(node) || node.kind == Kind::Fifo),
    why: "GNU tar stores a device or FIFO of several names several times",
};
const BSD_LINKS: Loss = Loss {
    what: Aspect::Links,
    at: Where::Such(|_, node| is_device(node)),
    why: "libarchive stores a device of several names several times",
};
const BSD_BEFORE_1970: Loss = Loss {
    what: Aspect::Time,
    at: Where::Such(|_, node| node.mtime.0 < 0 && node.mtime.1 > 0),
    why: "libarchive writes half a second before 1970 as -1.5",
};
const BSD_HUGE_ID: Loss = Loss {
    what: Aspect::Xattrs("system.posix_acl_access"),
    at: Where::Below("acls/huge-id"),
    why: "libarchive's ids in ACLs have 31 bits",
};
const PYTHON_LINKS: Loss = Loss {
    what: Aspect::Links,
    at: Where::Such(|_, node| node.kind != Kind::File),
    why: "Python stores all but files of several names several times",
};

fn is_device(node: &Node) -> bool {
    matches!(node.kind, Kind::Character | Kind::Block)
}

fn is_of_a_large_owner(_: &[u8], node: &Node) -> bool {
    node.owner.0 > 0o77_777_777
}

fn is_before_1970(_: &[u8], node: &Node) -> bool {
    node.mtime.0 < 0
}

/// See PYTHON in makers.rs.
fn is_of_a_moment_about_1970(_: &[u8], node: &Node) -> bool {
    matches!(node.mtime, (0, 1..100_000) | (-1, 999_900_001..))
}

/// A time before 1970 that has a fraction, or whose fraction is all but a second.
fn is_rounded_by_python(_: &[u8], node: &Node) -> bool {
    (node.mtime.0 < 0 && node.mtime.1 > 0) || node.mtime.1 > 999_999_800
}
