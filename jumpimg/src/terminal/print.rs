//! The one door to stdout and stderr. People get a [`Page`], on which what nodes, images and
//! files say can do nothing to their terminal; programs get JSON, in which it cannot either.

#![expect(
    clippy::disallowed_methods,
    reason = "everything else prints through this module"
)]

use std::io::{self, BufWriter, ErrorKind, Write};

use anyhow::Context as _;
use jumpspec::render::page::{Ink, Page};
use jumpspec::words::shown;
use serde::Serialize;

use crate::error::{Cause, Trouble};

/// Prints what a command was asked for; colours are left out where they are not wanted.
pub(crate) fn page(page: &Page) -> Result<(), Trouble> {
    Ok(read_by_somebody(try_page(page)).context("cannot write to stdout")?)
}

/// The same, for whoever has more to do than to print.
pub(crate) fn try_page(page: &Page) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(page.as_str().as_bytes())?;
    stdout.flush()
}

/// Tells people what happens, on stderr. Nobody reads: then nobody is told.
pub(crate) fn tell(page: &Page) {
    let mut stderr = anstream::stderr().lock();
    stderr.write_all(page.as_str().as_bytes()).ok();
}

/// Tells of trouble, on stderr; `about` is the node or file that it is about.
pub(crate) fn trouble(trouble: &Trouble, about: Option<&str>) {
    let mut page = Page::default();
    for cause in &trouble.causes {
        let about = about.map(|about| format!("{about}: ")).unwrap_or_default();
        let Cause {
            code,
            message,
            hint,
            ..
        } = cause;
        let told = format_args!(": {about}{message} [{code}]");
        page.marked("", Ink::BoldRed, "error", told);
        if let Some(hint) = hint {
            page.marked("", Ink::Bold, "hint", format_args!(": {hint}"));
        }
    }
    tell(&page);
}

/// Asks a question on stderr; the answer is typed behind it.
pub(crate) fn ask(question: &str) {
    let mut stderr = anstream::stderr().lock();
    write!(stderr, "\n{} ", shown::line(question))
        .and_then(|()| stderr.flush())
        .ok();
}

/// Prints one JSON object in many lines, without holding it in memory.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Trouble> {
    let mut stdout = Harmless {
        out: BufWriter::new(io::stdout().lock()),
        cut: Vec::new(),
    };
    let written = serde_json::to_writer_pretty(&mut stdout, value).map_err(io::Error::from);
    let written = written.and_then(|()| {
        stdout.write_all(b"\n")?;
        stdout.flush()
    });
    Ok(read_by_somebody(written).context("cannot write to stdout")?)
}

/// Prints one JSON object in a line.
pub(crate) fn json_line(value: &impl Serialize) -> Result<(), Trouble> {
    let line = serde_json::to_string(value).map_err(anyhow::Error::new)?;
    Ok(read_by_somebody(try_json_line(&line)).context("cannot write to stdout")?)
}

/// Prints a line that is JSON already, for whoever has more to do than to print.
pub(crate) fn try_json_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", shown::json(line))?;
    stdout.flush()
}

/// Prints what another library makes to be printed, such as a completion script.
pub(crate) fn generated(bytes: &[u8]) -> Result<(), Trouble> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    Ok(read_by_somebody(written).context("cannot write to stdout")?)
}

/// Whoever reads may have seen enough, as `head` does.
pub(crate) fn read_by_somebody(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Passes JSON on as [`shown::json`] has it.
struct Harmless<W> {
    out: W,
    /// The beginning of a character that was cut off, three bytes at most.
    cut: Vec<u8>,
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.cut.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.cut) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.cut.split_off(whole);
        let text = std::mem::replace(&mut self.cut, rest);
        let text = String::from_utf8(text).map_err(io::Error::other)?;
        self.out.write_all(shown::json(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_harmless_wherever_its_writer_cuts_it() {
        let text = "{\"a\":\"x\u{9b}2Jé\u{202e}日\"}";
        for size in 1..text.len() {
            let mut harmless = Harmless {
                out: Vec::new(),
                cut: Vec::new(),
            };
            for piece in text.as_bytes().chunks(size) {
                harmless.write_all(piece).unwrap();
            }
            assert_eq!(harmless.out, shown::json(text).as_bytes());
        }
    }
}
