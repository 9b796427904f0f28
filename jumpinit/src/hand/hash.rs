//! Digests of whole files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::run::task::Task;
use jumpspec::words::digest::{Digest, Hasher};

use crate::run::reporter::Reporter;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// The digest of the file at `path`, told as the progress of `task`.
pub(crate) fn file(path: &Path, reporter: &mut Reporter, task: &Task) -> Result<Digest> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let total = file.metadata()?.len();
    let (mut hasher, mut chunk, mut done) = (Hasher::default(), vec![0; CHUNK], 0);
    loop {
        let read = file
            .read(&mut chunk)
            .with_context(|| format!("cannot read {}", path.display()))?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&chunk[..read]);
        done += read as u64;
        reporter.progress(task, done, total);
    }
}
