//! Prints what a command was asked for to stdout.

use std::io::{self, BufWriter, ErrorKind, Write};

use anyhow::Context as _;
use serde::Serialize;

use crate::trouble::Trouble;

/// Prints text; colours are left out where they are not wanted.
pub(crate) fn text(text: &str) -> Result<(), Trouble> {
    let mut stdout = anstream::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    told(written.and_then(|()| stdout.flush()))
}

/// Prints one JSON object, without holding it in memory.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Trouble> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut stdout, value).map_err(io::Error::from);
    told(written.and_then(|()| {
        stdout.write_all(b"\n")?;
        stdout.flush()
    }))
}

/// Whoever reads may have seen enough, as `head` does.
fn told(written: io::Result<()>) -> Result<(), Trouble> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written.context("cannot write to stdout")?),
    }
}
