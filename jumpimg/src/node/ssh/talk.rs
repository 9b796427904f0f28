//! One command over an open connection: fed from one thread, heard from another, so
//! that Ctrl-C, deadlines and progress bars are never stuck behind a silent node.
//!
//! The only reader of what nodes say. A node may say anything, without an end: never more
//! than [`LINE`] bytes are kept as one line, nor more than [`ANSWER`] heard of one command.

use std::io::{BufRead, BufReader, Read};
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use jumpsys::cmd::Program;

use super::SshError;
use super::shell::{Mark, Prelude};
use super::spoken::{ANSWER, Heard, LINE, Spoken};
use crate::terminal::interrupt::{Interrupt, TICK};

/// Lines that may wait to be handled.
const WAITING: usize = 64;
/// How long what has ended is listened to while nothing comes: on a busy host its last lines may lie in
/// the pipe until the thread that reads them has its turn.
const GRACE: Duration = Duration::from_secs(5);
/// What a command reads, and how much of it was handed to ssh.
pub(crate) struct Input {
    from: Box<dyn Read + Send>,
    sent: Arc<AtomicU64>,
}

impl Input {
    /// Nothing.
    pub(crate) fn empty() -> Self {
        Self::reader(std::io::empty())
    }

    /// These bytes, which many may be sending.
    pub(crate) fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::reader(std::io::Cursor::new(bytes.into()))
    }

    /// All of what can be read from here.
    pub(crate) fn reader(reader: impl Read + Send + 'static) -> Self {
        Self {
            from: Box::new(reader),
            sent: Arc::default(),
        }
    }

    /// Bytes that were handed to ssh, from now on.
    pub(crate) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.sent.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Lines that come from a pipe.
pub(crate) struct Lines(Receiver<Spoken>);

impl Lines {
    /// Begins to read; a missing pipe has no lines.
    pub(crate) fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let (sender, receiver) = sync_channel(WAITING);
        thread::spawn(move || {
            let Some(pipe) = pipe else { return };
            let mut pipe = BufReader::new(pipe);
            let mut within = false;
            while let Some(spoken) = next(&mut pipe, &mut within) {
                if sender.send(spoken).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next line or piece, if one comes in time.
    pub(crate) fn next(&self, time: Duration) -> Result<Spoken, RecvTimeoutError> {
        self.0.recv_timeout(time)
    }
}

/// Reads a line or the next piece of one; `within` is whether a long line goes on.
fn next(pipe: &mut impl BufRead, within: &mut bool) -> Option<Spoken> {
    let mut bytes = Vec::new();
    let read = pipe
        .take(LINE as u64)
        .read_until(b'\n', &mut bytes)
        .unwrap_or_default();
    if read == 0 {
        return None;
    }
    let ends = bytes.ends_with(b"\n");
    let is_piece = *within || read == LINE && !ends;
    *within = is_piece && !ends;
    Some(if is_piece {
        Spoken::Piece(bytes)
    } else {
        Spoken::Line(bytes)
    })
}

/// A script, as ssh is told to have it run.
pub(super) struct Order<'a> {
    /// ssh with its arguments.
    pub(super) ssh: Program,
    /// What the script prints first.
    pub(super) mark: &'a Mark,
    /// What it reads.
    pub(super) input: Input,
}

/// Has `order` carried out. `Ok(false)`: `listen` had heard enough, and ssh was ended.
pub(super) fn talk(
    order: Order<'_>,
    interrupt: &Interrupt,
    listen: &mut dyn FnMut(Heard<'_>) -> bool,
) -> Result<bool, SshError> {
    let mut running = order.ssh.spawn_piped()?;
    feed(running.stdin.take(), order.input);
    let lines = Lines::of(running.stdout.take());
    let mut prelude = Prelude::of(order.mark);
    let (mut heard, mut ended) = (0, None);
    loop {
        let go_on = match lines.next(TICK) {
            Ok(spoken) if prelude.has(&spoken)? => listen(Heard::Tick),
            Ok(spoken) => {
                ended = ended.map(|_| Instant::now());
                heard += spoken.len();
                if heard > ANSWER {
                    return Err(SshError::TooMuch);
                }
                listen(spoken.heard())
            }
            // What ssh has started, a ProxyCommand's child, may hold its pipes for ever.
            Err(RecvTimeoutError::Timeout)
                if ended.is_some_and(|at: Instant| at.elapsed() > GRACE) =>
            {
                break;
            }
            Err(RecvTimeoutError::Timeout) => {
                if ended.is_none() && running.has_ended() {
                    ended = Some(Instant::now());
                }
                listen(Heard::Tick)
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if interrupt.caught() {
            return Err(SshError::Interrupted);
        }
        if !go_on {
            return Ok(false);
        }
    }
    match prelude.ended(running.finish()) {
        Ok(()) => Ok(true),
        // Ctrl-C reaches ssh too, and first.
        Err(_) if interrupt.caught() => Err(SshError::Interrupted),
        Err(error) => Err(error),
    }
}

/// Copies `input` to the command. That it ends early is for its exit status to explain.
fn feed(stdin: Option<ChildStdin>, mut input: Input) {
    thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            std::io::copy(&mut input, &mut stdin).ok();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of `said`: lengths of lines and, negative, of pieces.
    fn heard(said: impl Read + Send + 'static) -> Vec<i64> {
        let lines = Lines::of(Some(said));
        let length = |spoken: Spoken| {
            let length = i64::try_from(spoken.len()).unwrap();
            match spoken {
                Spoken::Line(_) => length,
                Spoken::Piece(_) => -length,
            }
        };
        std::iter::from_fn(|| lines.next(Duration::from_secs(9)).ok().map(length)).collect()
    }

    #[test]
    fn a_line_without_end_comes_in_pieces_and_the_next_is_a_line_again() {
        let long = [vec![b'x'; 2 * LINE + 1], b"\nnext\nrest".to_vec()].concat();
        let limit = i64::try_from(LINE).unwrap();
        assert_eq!(
            heard(std::io::Cursor::new(long)),
            [-limit, -limit, -2, 5, 4]
        );
        let fits = [vec![b'x'; LINE - 1], b"\n".to_vec()].concat();
        assert_eq!(heard(std::io::Cursor::new(fits)), [limit]);
    }

    fn listen_to(script: &str) -> (Result<bool, SshError>, usize) {
        let mut heard = 0;
        let mark = Mark::new().unwrap();
        let order = Order {
            ssh: Program::new("/bin/sh").args(["-c", &mark.command(script)]),
            mark: &mark,
            input: Input::empty(),
        };
        let interrupt = Interrupt::listen().unwrap();
        let talked = talk(order, &interrupt, &mut |said| {
            if let Heard::Line(bytes) | Heard::Piece(bytes) = said {
                heard += bytes.len();
            }
            true
        });
        (talked, heard)
    }

    #[test]
    fn what_a_program_leaves_behind_with_its_pipes_is_not_waited_for() {
        let begun = std::time::Instant::now();
        let talked = listen_to("sleep 30 2>/dev/null & echo word");
        assert!(matches!(talked, (Ok(true), 5)), "{talked:?}");
        assert!(begun.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn a_node_that_says_things_without_end_is_not_listened_to_for_ever() {
        for script in ["exec cat /dev/zero", "exec yes"] {
            let (talked, heard) = listen_to(script);
            assert!(matches!(talked, Err(SshError::TooMuch)), "{talked:?}");
            assert!(heard as u64 <= ANSWER, "{heard}");
        }
        assert!(matches!(listen_to("exec seq 9"), (Ok(true), 18)));
    }
}
