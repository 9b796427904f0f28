//! Programs that outlive whoever starts them: a login over SSH, and all that ends with it.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use nix::unistd::setsid;

use super::{CmdError, Program};

impl Program {
    /// Starts it in a session of its own, with no pipe of ours but the one in which it says `ready`
    /// as its first line; returns then, and leaves it alone. Whoever is its caller's parent becomes
    /// its own once the caller ends.
    ///
    /// # Errors
    /// When it cannot be started, or does not say so within `limit`: then it is killed.
    pub fn start_detached(&self, ready: &str, limit: Duration) -> Result<(), CmdError> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stderr(Stdio::null());
        // SAFETY: between fork and exec the closure only makes the system call setsid(2), which is
        // async-signal-safe.
        unsafe { command.pre_exec(|| Ok(setsid().map(drop)?)) };
        let mut child = self.spawn(command)?;
        let (said, heard) = channel();
        let stdout = child.stdout.take();
        thread::spawn(move || {
            let mut line = String::new();
            if let Some(stdout) = stdout {
                // What cannot be read is not what was to be said.
                BufReader::new(stdout).read_line(&mut line).ok();
            }
            said.send(line).ok();
        });
        if heard
            .recv_timeout(limit)
            .is_ok_and(|line| line.trim_end() == ready)
        {
            return Ok(());
        }
        child.kill().ok();
        let status = child.wait().map_err(|source| self.pipe_error(source))?;
        Err(CmdError::Failed {
            command: self.command_line(),
            status,
            stderr: format!("it did not say {ready:?} within {} s", limit.as_secs()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn sh(script: &str) -> Program {
        Program::new("/bin/sh").args(["-c", script])
    }

    /// The fields of /proc/PID/stat behind the name, from the state (field 3) on; proc(5).
    fn stat(pid: &str) -> Option<Vec<String>> {
        let text = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")).ok()?;
        let (_, rest) = text.rsplit_once(')')?;
        Some(rest.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn what_is_detached_runs_on_in_a_session_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let pid = dir.path().join("pid");
        let script = format!("echo $$ >{}; echo ready; exec sleep 60", pid.display());
        sh(&script).start_detached("ready", LIMIT).unwrap();
        let pid = std::fs::read_to_string(pid).unwrap().trim().to_owned();
        let fields = stat(&pid).expect("it is gone");
        assert_eq!(fields[3], pid, "its session is another's");
        let pid = nix::unistd::Pid::from_raw(pid.parse().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    }

    #[test]
    fn what_never_says_that_it_is_ready_is_ended() {
        let begun = Instant::now();
        let silent = sh("exec sleep 60").start_detached("ready", Duration::from_millis(300));
        assert!(matches!(silent, Err(CmdError::Failed { .. })), "{silent:?}");
        let wrong = sh("echo no; exec sleep 60").start_detached("ready", LIMIT);
        assert!(wrong.is_err());
        assert!(begun.elapsed() < LIMIT);
    }
}
