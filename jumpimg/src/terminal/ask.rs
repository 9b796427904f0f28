//! Asks the admin before anything happens to nodes.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use crate::error::{Exit, Trouble};
use crate::terminal::interrupt::{Interrupt, TICK};
use crate::terminal::print;

/// The answer that is a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Yes {
    /// The host name of the node that it is about.
    HostName(String),
    /// How many nodes it is about.
    Count(usize),
}

impl Yes {
    fn is(&self, answer: &str) -> bool {
        match self {
            Self::HostName(name) => answer == name,
            Self::Count(count) => answer == count.to_string(),
        }
    }

    fn in_words(&self) -> &'static str {
        match self {
            Self::HostName(_) => "its host name",
            Self::Count(_) => "how many they are",
        }
    }
}

/// Asks `question`. Without a terminal nobody can answer, and it is refused.
pub(crate) fn ask(question: &str, yes: &Yes, interrupt: &Interrupt) -> Result<(), Trouble> {
    if !can_ask() {
        let message = "nothing was done: there is no terminal to ask at";
        return Err(Trouble::new(Exit::Refused, "needs-yes", message)
            .hint("say --yes if that is what you want, or --dry-run to see the plan only"));
    }
    let wanted = yes.in_words();
    print::ask(&format!("{question} Type {wanted} to go on:"));
    if yes.is(answer(interrupt)?.trim()) {
        return Ok(());
    }
    Err(Trouble::new(
        Exit::Refused,
        "not-confirmed",
        format!("nothing was done: that is not {wanted}"),
    ))
}

/// Whether somebody is there who could answer.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A line from the terminal. Read by a thread, because a read goes on after Ctrl-C.
fn answer(interrupt: &Interrupt) -> Result<String, Trouble> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut answer = String::new();
        // No answer is no agreement.
        io::stdin().lock().read_line(&mut answer).ok();
        sender.send(answer).ok();
    });
    loop {
        match receiver.recv_timeout(TICK) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Ok(String::new()),
            Err(RecvTimeoutError::Timeout) if interrupt.caught() => {
                return Err(Trouble::new(
                    Exit::Interrupted,
                    "interrupted",
                    "interrupted",
                ));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
