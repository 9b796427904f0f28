//! Commands on this host, by `/bin/sh -c`.

use std::sync::mpsc::RecvTimeoutError;

use jumpspec::nextrel::{TEXT, Wrong};
use jumpsys::cmd::Program;

use super::failure::Failure;
use crate::node::ssh::{Heard, Lines};
use crate::terminal::interrupt::{Interrupt, TICK};

/// Runs a command; its stdout and stderr are heard as they come.
pub(super) fn run(
    command: &str,
    interrupt: &Interrupt,
    hear: &mut dyn FnMut(Heard<'_>),
) -> Result<(), Failure> {
    let both = "exec /bin/sh -c \"$1\" 2>&1";
    let program = Program::new("/bin/sh").args(["-c", both, "sh", command]);
    follow(&program, interrupt, hear)
}

/// What a command prints: without the line ends at its end, those within it as blanks, as a shell that
/// is given no quotes has it.
pub(super) fn value(command: &str, interrupt: &Interrupt) -> Result<String, Failure> {
    let program = Program::new("/bin/sh").args(["-c", command]);
    let mut said = Vec::new();
    follow(&program, interrupt, &mut |heard| {
        if let Heard::Line(bytes) | Heard::Piece(bytes) = heard
            && said.len() <= TEXT
        {
            said.extend_from_slice(bytes);
        }
    })?;
    if said.len() > TEXT {
        let reason = format!("the command prints more than {} KiB", TEXT >> 10);
        return Err(Wrong::new(
            reason,
            "let it print what is to be the variable's value alone",
        )
        .into());
    }
    match String::from_utf8(said) {
        Ok(text) if !text.contains('\0') => Ok(text.trim_end().replace('\n', " ")),
        _ => Err(Wrong::new("the command prints no text", "let it print text alone").into()),
    }
}

fn follow(
    program: &Program,
    interrupt: &Interrupt,
    hear: &mut dyn FnMut(Heard<'_>),
) -> Result<(), Failure> {
    let mut running = program.clone().inherit_env().spawn_piped()?;
    drop(running.stdin.take());
    let lines = Lines::of(running.stdout.take());
    let mut has_ended = false;
    loop {
        match lines.next(TICK) {
            Ok(spoken) => hear(spoken.heard()),
            // What it leaves behind may hold its pipes for ever.
            Err(RecvTimeoutError::Timeout) if has_ended => break,
            Err(RecvTimeoutError::Timeout) => has_ended = running.has_ended(),
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupt.caught() {
            return Err(Failure::Interrupted);
        }
    }
    let ended = running.finish();
    // Ctrl-C reaches the command too, and first.
    if interrupt.caught() {
        Err(Failure::Interrupted)
    } else {
        Ok(ended?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(command: &str) -> Result<String, Failure> {
        value(command, &Interrupt::listen().unwrap())
    }

    #[test]
    fn a_value_is_what_a_command_prints_on_one_line() {
        assert!(value_of("basename /a/b.tgz").is_ok_and(|value| value == "b.tgz"));
        assert!(value_of("printf 'a\\nb\\n\\n'").is_ok_and(|value| value == "a b"));
        assert!(value_of("echo no >&2").is_ok_and(|value| value.is_empty()));
        assert!(matches!(value_of("exit 7"), Err(Failure::Status(7))));
        for command in ["printf '\\377'", "printf '\\0'", "seq 99999"] {
            assert!(
                matches!(value_of(command), Err(Failure::Wrong(_))),
                "{command}"
            );
        }
    }

    #[test]
    fn both_outputs_are_heard_and_what_stays_behind_is_not_waited_for() {
        let (mut said, interrupt) = (Vec::new(), Interrupt::listen().unwrap());
        let begun = std::time::Instant::now();
        let ended = run(
            "echo a; echo b >&2; sleep 30 & exit 3",
            &interrupt,
            &mut |heard| {
                if let Heard::Line(line) = heard {
                    said.extend_from_slice(line);
                }
            },
        );
        assert!(matches!(ended, Err(Failure::Status(3))));
        assert_eq!(said, b"a\nb\n");
        assert!(begun.elapsed().as_secs() < 15);
    }
}
