//! What can be wrong with an image, or with writing one.

use std::io;

/// This crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be wrong with an image, or with reading and writing one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is something else.
    #[error("not a jump image: {0}")]
    NotAnImage(&'static str),
    /// Written by a newer program.
    #[error("image format {0} is not known to this version")]
    Format(u32),
    /// Its manifest was written by another program, older or newer.
    #[error("its manifest has format {0}, which this version does not read")]
    ManifestFormat(u32),
    /// Bytes are missing at the end.
    #[error("image is cut short: {actual} of {expected} bytes are there")]
    Truncated {
        /// The length that the manifest frame announces.
        expected: u64,
        /// The length that there is.
        actual: u64,
    },
    /// There is more than an image.
    #[error("{0} bytes follow the end of the image")]
    Trailing(u64),
    /// The manifest frame cannot be read.
    #[error("manifest is damaged: {0}")]
    BadManifest(String),
    /// The manifest does not fit its reserved space.
    #[error("manifest takes {0} bytes, which is more than the space reserved for it")]
    ManifestTooBig(usize),
    /// The index contradicts its digest, the manifest or itself.
    #[error("index is damaged: {0}")]
    BadIndex(&'static str),
    /// A frame's bytes do not have the digest that the index gives.
    #[error("frame {frame} is damaged: its digest differs")]
    BadDigest {
        /// Counted from 0.
        frame: usize,
    },
    /// A frame does not decode to what the index says.
    #[error("frame {frame} is damaged: {why}")]
    BadFrame {
        /// Counted from 0.
        frame: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// An entry's headers with its extended attributes are longer than any reader takes.
    #[error("{path}: extended attributes or sparse map are too large for an archive")]
    HeadersTooBig {
        /// The entry.
        path: String,
    },
    /// What was to be put into an image is below something that is left out.
    #[error("{path}: no place for it in the image: a directory above it is left out")]
    NoPlace {
        /// The entry.
        path: String,
    },
    /// The tar stream is not one.
    #[error("tar stream is damaged {place}: {why}")]
    Tar {
        /// Which entry it is behind.
        place: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The tar stream ends before its end-of-archive blocks.
    #[error("tar stream is cut short")]
    TarTruncated,
    /// The tar stream ends in the content of an entry.
    #[error("{path}: tar stream is cut short in its content")]
    ContentTruncated {
        /// The entry.
        path: String,
    },
    /// An archive of nothing.
    #[error("archive has no entries")]
    Empty,
    /// A compressed archive does not decompress.
    #[error("{format} data is damaged or cut short")]
    Compressed {
        /// Of the compression.
        format: &'static str,
        /// What the decoder says.
        #[source]
        source: io::Error,
    },
    /// Compressed, but not in a way that is known here.
    #[error("compressed with {0}, which is not read here")]
    UnknownCompression(&'static str),
    /// Something else altogether.
    #[error("not a tar archive, plain or compressed with gzip, zstd or xz")]
    NotAnArchive,
    /// No tree has as many entries.
    #[error("archive has more than {0} entries")]
    TooManyEntries(u64),
    /// An entry's content does not have the digest that the index gives.
    #[error("{path}: content differs from its digest")]
    BadContent {
        /// The entry.
        path: String,
    },
    /// What is on the disk is not what was unpacked.
    #[error("{path} {what}")]
    Differs {
        /// The entry.
        path: String,
        /// In what, e.g. `has another length`.
        what: &'static str,
    },
    /// What is copied is not what it was a moment before.
    #[error("{path} has changed while it was copied")]
    Changed {
        /// The entry.
        path: String,
    },
    /// An entry that must not be followed.
    #[error("{path}: {why}")]
    Refused {
        /// The entry.
        path: String,
        /// Why it is refused.
        why: Refusal,
    },
    /// The operating system refused.
    #[error("{path}: {action}")]
    Io {
        /// The file or entry.
        path: String,
        /// What was being done, e.g. `cannot create file`.
        action: &'static str,
        /// The kernel's answer.
        #[source]
        source: io::Error,
    },
    /// The image that is packed could not be written; nothing is amiss with the tree.
    #[error("cannot write the image")]
    Output(#[source] io::Error),
}

/// Why an entry is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An absolute path, or one with `..`.
    #[error("path leaves the root")]
    Escapes,
    /// An empty path, or one with a NUL.
    #[error("path is empty or has a NUL in it")]
    Name,
    /// A path of more than 1 MiB or 4,096 levels, or with a name of more than 255 bytes.
    #[error("path is too long, or a name in it")]
    TooLong,
    /// A tar type flag that is not known.
    #[error("unknown entry type {0:?}")]
    Type(char),
    /// A PAX record whose value is malformed; without a key, if the records as such are.
    #[error("PAX record {0:?} is malformed")]
    Pax(String),
    /// A PAX key that is not known: it could change what the entry is.
    #[error("PAX key {0:?} is not known")]
    PaxKey(String),
    /// A PAX key that stands twice: readers differ in which one counts.
    #[error("PAX record {0:?} stands twice")]
    PaxTwice(String),
    /// A global PAX header that changes the entries behind it.
    #[error("global PAX header sets {0:?} for all that follows")]
    Global(String),
    /// A number in the header that is malformed, overflows or has no meaning.
    #[error("{0} is not a number that can be kept")]
    Number(&'static str),
    /// The headers say different things.
    #[error("headers contradict each other about the {0}")]
    Contradiction(&'static str),
    /// A size where there can be no content.
    #[error("has content that its type cannot have")]
    Content,
    /// A hard link with content of its own, which readers take for different things.
    #[error("hard link has content of its own")]
    LinkContent,
    /// A link without a target, or whose target is not there.
    #[error("link target is missing or not usable")]
    Link,
    /// Not where its kind belongs in an image.
    #[error("entry is out of order")]
    Order,
    /// What stands for a directory above it is none.
    #[error("a path above it is no directory")]
    Parent,
    /// A link's target that is longer than Linux takes.
    #[error("link target is too long")]
    LongLink,
    /// An extended attribute whose name or value no Linux has.
    #[error("extended attribute {0:?} is none that Linux has")]
    Xattr(String),
    /// A hard link to an absolute path, or to one with `..`.
    #[error("hard link leaves the root")]
    LinkEscapes,
    /// A sparse file whose map cannot be followed.
    #[error("sparse file's map: {0}")]
    Map(&'static str),
    /// An ACL that is malformed or that Linux would not take.
    #[error("ACL is malformed")]
    Acl,
    /// An ACL line about somebody who has a name and no number.
    #[error("ACL names {0:?} and no number, and names mean others elsewhere")]
    AclName(String),
    /// A default ACL of what is no directory.
    #[error("default ACL is not a directory's")]
    AclDefault,
    /// An entry that was in the archive before.
    #[error("is in the archive twice")]
    Twice,
    /// Something is there already.
    #[error("exists already")]
    Exists,
    /// Not what the index says.
    #[error("entry differs from the index")]
    Index,
    /// Larger than the caller allows.
    #[error("larger than {0} bytes")]
    TooBig(u64),
}

impl Error {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Refused { why, .. } => return why.hint(),
            Self::Truncated { .. }
            | Self::TarTruncated
            | Self::ContentTruncated { .. }
            | Self::Compressed { .. } => {
                "copy it again: its end is missing, or bytes in it have changed"
            }
            Self::UnknownCompression(_) => "decompress it first, and give the result",
            Self::Format(_) => "use the version of jump that built it, or newer",
            Self::ManifestFormat(_) => "build the image again with the jumpimg that uses it",
            Self::NotAnImage(_) | Self::NotAnArchive | Self::Empty => {
                "give an image of `jumpimg build`, or an archive of a whole system"
            }
            _ => return None,
        })
    }
}

impl Refusal {
    /// What to do about it, if that is known.
    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::AclName(_) => "archive the tree again with `tar --numeric-owner --acls`",
            Self::Escapes => "archive the tree again from its root: `tar -C ROOT -c .`",
            Self::Type(_) | Self::PaxKey(_) | Self::Global(_) | Self::LinkContent => {
                "archive the tree again with `tar --format=posix --numeric-owner --xattrs --acls`"
            }
            Self::Exists => "unpack into an empty directory",
            Self::TooLong => "leave it out: no more than 4096 levels of directories are kept",
            _ => return None,
        })
    }
}

/// A path as it can be shown, root as `/`.
pub(crate) fn shown(path: &[u8]) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    jumpspec::words::shown::short(path)
}

/// Turns the kernel's answer into an [`Error::Io`]. It does nothing where there is no
/// error: most calls have none.
pub(crate) fn io_error<'a, E: Into<io::Error>>(
    path: &'a [u8],
    action: &'static str,
) -> impl FnOnce(E) -> Error + use<'a, E> {
    move |source| Error::Io {
        path: shown(path),
        action,
        source: source.into(),
    }
}

/// Refuses an entry.
pub(crate) fn refuse(path: &[u8], why: Refusal) -> Error {
    Error::Refused {
        path: shown(path),
        why,
    }
}
