//! Opens image files and says in words what is wrong with one.

use std::fs::File;
use std::path::Path;

use anyhow::Context as _;
use jumparchive::{Error, Image, Refusal};

use crate::error::{Exit, Trouble};

/// Opens an image.
pub(crate) fn image(path: &Path) -> Result<Image, Trouble> {
    let shown = path.display();
    let is = path
        .metadata()
        .with_context(|| format!("cannot open {shown}"))?;
    if !is.is_file() {
        let message = format!("{shown}: not a jump image: it is not a regular file");
        return Err(Trouble::new(Exit::Refused, "not-an-image", message));
    }
    let file = File::open(path).with_context(|| format!("cannot open {shown}"))?;
    Image::open(file).map_err(|error| trouble(path, error))
}

/// What is wrong with the image at `path`, and whether that is a refusal or a failure.
pub(crate) fn trouble(path: &Path, error: Error) -> Trouble {
    let (code, hint) = match &error {
        Error::Io { .. } | Error::Output(_) => {
            let error = anyhow::Error::new(error).context(path.display().to_string());
            return Trouble::failed("io", &error);
        }
        Error::NotAnImage(_) => (
            "not-an-image",
            "build an image with `jumpimg build`; other archives have no manifest",
        ),
        Error::Format(_) => (
            "image-format",
            "use the version of jumpimg that built it, or newer",
        ),
        Error::ManifestFormat(_) => ("image-format", "build the image again with this jumpimg"),
        Error::Truncated { .. } | Error::TarTruncated => (
            "image-truncated",
            "copy or build it again: the end is missing",
        ),
        Error::Refused {
            why: Refusal::TooLong,
            ..
        } => (
            "path-too-long",
            "leave it out with --exclude: no more than 4096 levels of directories are kept",
        ),
        Error::TooManyEntries(_) => (
            "too-many-entries",
            "no system has as many; leave directories of data out",
        ),
        Error::HeadersTooBig { .. } => (
            "attributes-too-large",
            "leave it out with --exclude, or remove extended attributes from it",
        ),
        Error::NoPlace { .. } => ("no-place", "exclude less: an image needs it there"),
        _ => (
            "image-damaged",
            "copy or build it again: its bytes are not those that were written",
        ),
    };
    let message = format!("{}: {:#}", path.display(), anyhow::Error::new(error));
    Trouble::new(Exit::Refused, code, message).hint(hint)
}
