//! Asks the admin before anything happens to a node.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use crate::error::{Exit, Trouble};
use crate::terminal::interrupt::{Interrupt, TICK};
use crate::terminal::print;

/// Asks `question`, to which the node's host name is the yes. Without a terminal nobody can, and it is refused.
pub(crate) fn ask(question: &str, hostname: &str, interrupt: &Interrupt) -> Result<(), Trouble> {
    if !can_ask() {
        let message = "nothing was done: there is no terminal to ask at";
        return Err(Trouble::new(Exit::Refused, "needs-yes", message)
            .hint("say --yes if that is what you want, or --dry-run to see the plan only"));
    }
    print::ask(&format!("{question} Type its host name to go on:"));
    if answer(interrupt)?.trim() == hostname {
        return Ok(());
    }
    Err(Trouble::new(
        Exit::Refused,
        "not-confirmed",
        "nothing was done: that is not its host name",
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
