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
    /// The tar stream is not one.
    #[error("tar stream is damaged")]
    Tar(#[source] tar_core::parse::ParseError),
    /// The tar stream ends before its end-of-archive blocks.
    #[error("tar stream is cut short")]
    TarTruncated,
    /// An entry's content does not have the digest that the index gives.
    #[error("{path}: content differs from its digest")]
    BadContent {
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
}

/// Why an entry is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An absolute path, or one with `..`.
    #[error("path leaves the root")]
    Escapes,
    /// A tar type flag that is not known.
    #[error("unknown entry type {0:?}")]
    Type(char),
    /// A PAX key that is not known, or whose value is malformed.
    #[error("PAX record {0:?} is not understood")]
    Pax(String),
    /// A size where there can be no content.
    #[error("has content that its type cannot have")]
    Content,
    /// A link without a target, or whose target is not there.
    #[error("link target is missing or not usable")]
    Link,
    /// Sparse files in the tar stream.
    #[error("sparse entries are not supported")]
    Sparse,
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

/// A path as it can be shown: bytes that are not UTF-8 replaced, root as `/`.
pub(crate) fn shown(path: &[u8]) -> String {
    if path.is_empty() {
        return "/".to_owned();
    }
    String::from_utf8_lossy(path).into_owned()
}

/// Turns the kernel's answer into an [`Error::Io`].
pub(crate) fn io_error<E: Into<io::Error>>(
    path: &[u8],
    action: &'static str,
) -> impl FnOnce(E) -> Error {
    let path = shown(path);
    move |source| Error::Io {
        path,
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
