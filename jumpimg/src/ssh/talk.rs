//! One command over an open connection: fed from one thread, heard from another, so
//! that Ctrl-C, deadlines and progress bars are never stuck behind a silent node.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use jumpsys::cmd::Program;

use super::SshError;
use crate::interrupt::{Interrupt, TICK};

/// Lines that may wait to be handled.
const WAITING: usize = 256;

/// What is heard of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard<'a> {
    /// A line, with its line feed unless it was cut off.
    Line(&'a [u8]),
    /// Time passes.
    Tick,
}

/// What a command reads.
pub(crate) struct Input(Box<dyn Read + Send>);

impl Input {
    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self(Box::new(std::io::empty()))
    }

    /// These bytes.
    pub(crate) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Box::new(std::io::Cursor::new(bytes.into())))
    }

    /// All of what can be read from here.
    pub(crate) fn reader(reader: impl Read + Send + 'static) -> Self {
        Self(Box::new(reader))
    }
}

/// Lines that come from a pipe.
pub(super) struct Lines(Receiver<Vec<u8>>);

impl Lines {
    /// Begins to read; a missing pipe has no lines.
    pub(super) fn of(pipe: Option<ChildStdout>) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        thread::spawn(move || {
            let Some(pipe) = pipe else { return };
            let mut pipe = BufReader::new(pipe);
            loop {
                let mut line = Vec::new();
                match pipe.read_until(b'\n', &mut line) {
                    Ok(read) if read > 0 => {}
                    _ => return,
                }
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next line, if one comes in time.
    pub(super) fn next(&self, time: Duration) -> Result<Vec<u8>, RecvTimeoutError> {
        self.0.recv_timeout(time)
    }
}

/// Runs `ssh`. `Ok(false)`: `listen` had heard enough, and it was ended.
pub(super) fn talk(
    ssh: &Program,
    input: Input,
    interrupt: &Interrupt,
    listen: &mut dyn FnMut(Heard<'_>) -> bool,
) -> Result<bool, SshError> {
    let mut running = ssh.spawn_piped()?;
    feed(running.stdin.take(), input);
    let lines = Lines::of(running.stdout.take());
    loop {
        let go_on = match lines.next(TICK) {
            Ok(line) => listen(Heard::Line(&line)),
            Err(RecvTimeoutError::Timeout) => listen(Heard::Tick),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if interrupt.caught() {
            return Err(SshError::Interrupted);
        }
        if !go_on {
            return Ok(false);
        }
    }
    match running.finish() {
        Ok(()) => Ok(true),
        // Ctrl-C reaches ssh too, and first.
        Err(_) if interrupt.caught() => Err(SshError::Interrupted),
        Err(error) => Err(error.into()),
    }
}

/// Copies `input` to the command. That it ends early is for its exit status to explain.
fn feed(stdin: Option<ChildStdin>, mut input: Input) {
    thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            std::io::copy(&mut input.0, &mut stdin).ok();
        }
    });
}
