//! Listens to a program that may fall silent for ever, and ends it then.

use std::io::{self, BufRead as _, BufReader};
use std::process::Child;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jumplab::process::Process;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a stage may say nothing. No test keeps quiet for that long, with virtual machines that the
/// processor does not help either.
pub(super) const LIMIT: Duration = Duration::from_mins(20);

/// Has `take` take each line that `child` prints, until it has closed its stdout. One that says nothing
/// for as long as `limit` is killed with all that it has started; then gives what to say of that.
pub(super) fn listen(
    child: &mut Child,
    limit: Duration,
    mut take: impl FnMut(&str),
) -> Result<Option<String>> {
    let stdout = child.stdout.take().context("its stdout is missing")?;
    let (say, said) = channel::<io::Result<String>>();
    thread::spawn(move || {
        BufReader::new(stdout)
            .lines()
            .try_for_each(|line| say.send(line))
    });
    let mut last = "nothing".to_owned();
    loop {
        match said.recv_timeout(limit) {
            Ok(line) => {
                last = line?;
                take(&last);
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                kill_tree(Pid::from_raw(i32::try_from(child.id())?))?;
                let seconds = limit.as_secs();
                let why = format!("ended after {seconds} s of silence; it had said last: {last}");
                return Ok(Some(why));
            }
        }
    }
}

/// Kills a process and all that it has started, directly or not.
fn kill_tree(root: Pid) -> Result<()> {
    let all = Process::all()?;
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(parent) = tree.get(next).copied() {
        let children = all.iter().filter(|process| process.parent == parent);
        tree.extend(children.map(|process| process.id));
        next += 1;
    }
    for process in tree {
        // One that has ended meanwhile is as good.
        kill(process, Signal::SIGKILL).ok();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;
    use std::time::Duration;

    use jumplab::run;
    use jumplab::vm::until;

    use super::{Pid, Process, listen};

    #[test]
    fn one_that_falls_silent_is_ended_with_what_it_has_started() {
        let script = "sh -c 'echo $$; sleep 1000; true'; true";
        let mut shell = run::command("sh", ["-c", script]);
        let mut shell = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut inner = String::new();
        let why = listen(&mut shell, Duration::from_secs(1), |line| inner += line).unwrap();
        let wanted = format!("ended after 1 s of silence; it had said last: {inner}");
        assert_eq!(why, Some(wanted));
        assert!(!shell.wait().unwrap().success());
        let inner = Pid::from_raw(inner.parse().unwrap());
        let gone = || Ok(Process::of(inner).is_none_or(|process| process.state == 'Z'));
        until("the inner shell is gone", Duration::from_mins(1), gone).unwrap();
    }

    #[test]
    fn one_that_ends_is_heard_to_its_end() {
        let mut shell = run::command("sh", ["-c", "echo one; echo two"]);
        let mut shell = shell.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = Vec::new();
        let limit = Duration::from_mins(1);
        let why = listen(&mut shell, limit, |line| lines.push(line.to_owned())).unwrap();
        assert_eq!((why, lines.len()), (None, 2));
    }
}
