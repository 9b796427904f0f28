//! Where a command may put the file that it was asked for: a file takes its name only when it is
//! whole, so what stands there is replaced. A device, a FIFO or a directory must never be.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::error::{Exit, Trouble};

/// The file to write for `path`: behind a symbolic link the file that it leads to.
pub(crate) fn place(path: &Path) -> Result<PathBuf, Trouble> {
    let shown = path.display();
    let is = match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path.to_owned()),
        is => is.with_context(|| format!("cannot write {shown}"))?,
    };
    if is.is_file() {
        return Ok(path.to_owned());
    }
    let whole = path.canonicalize().ok().filter(|whole| whole.is_file());
    if let Some(whole) = whole.filter(|_| is.is_symlink()) {
        return Ok(whole);
    }
    let message = format!("cannot write {shown}: it is no regular file");
    Err(Trouble::new(Exit::Usage, "output-no-file", message)
        .hint("name a regular file, or a new one; build --dry-run writes nothing"))
}
