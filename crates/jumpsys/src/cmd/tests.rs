use super::{CmdError, Program};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

fn sh(script: &str) -> Program {
    Program::new("/bin/sh").args(["-c", script])
}

#[test]
fn gives_stdout_and_a_clean_environment() {
    let out = sh("env").run().unwrap().stdout_text();
    assert!(out.contains("LC_ALL=C"), "{out}");
    assert!(!out.contains("HOME="), "{out}");
}

#[test]
fn feeds_stdin_larger_than_a_pipe() {
    let out = Program::new("/usr/bin/wc").arg("-c");
    let out = out.stdin_bytes(vec![7; 300_000]).run().unwrap();
    assert_eq!(out.stdout_text().trim(), "300000");
}

#[test]
fn a_failure_carries_command_status_and_stderr() {
    let e = sh("echo some words >&2; exit 3").run().unwrap_err();
    let text = e.to_string();
    assert_eq!(
        text,
        "`/bin/sh -c 'echo some words >&2; exit 3'` failed (exit status: 3): some words"
    );
}

#[test]
fn a_missing_program_is_named() {
    let e = Program::new("/nonexistent/mkfs").run().unwrap_err();
    assert!(matches!(e, CmdError::Spawn { .. }));
    assert!(e.to_string().contains("/nonexistent/mkfs"));
}

#[test]
fn a_time_limit_also_ends_what_the_program_started() {
    let started = Instant::now();
    let slow = sh("sleep 30 & wait").timeout(Duration::from_millis(200));
    assert!(matches!(slow.run(), Err(CmdError::TimedOut { .. })));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn what_is_said_for_people_is_kept_in_its_order_however_it_ends() {
    let spoken = sh("echo one; echo two >&2; echo three; exit 4").run_spoken(100);
    assert_eq!(spoken.said, b"one\ntwo\nthree\n");
    let error = spoken.end.unwrap_err().to_string();
    assert!(
        error.ends_with("(exit status: 4): one\ntwo\nthree"),
        "{error}"
    );
    let spoken = sh("echo first; echo last").run_spoken(5);
    assert_eq!(spoken.said, b"last\n");
    assert!(spoken.end.is_ok());
}

#[test]
fn what_was_said_before_the_limit_is_kept() {
    let hangs = sh("echo begun; exec sleep 30").timeout(Duration::from_millis(500));
    let spoken = hangs.run_spoken(100);
    assert_eq!(spoken.said, b"begun\n");
    assert!(matches!(spoken.end, Err(CmdError::TimedOut { .. })));
}

/// Leaves a process in a session of its own, which no signal to the group reaches and which holds
/// all pipes.
const DAEMON: &str = "setsid sleep 30 & echo started";

#[test]
fn a_daemon_that_holds_the_pipes_does_not_hold_the_caller() {
    let started = Instant::now();
    let output = sh(DAEMON).timeout(Duration::from_secs(10)).run().unwrap();
    assert_eq!(output.stdout_text(), "started\n");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_daemon_does_not_hold_the_caller_after_a_time_limit_either() {
    let started = Instant::now();
    let slow = sh("setsid sleep 30 & sleep 30").timeout(Duration::from_millis(200));
    assert!(matches!(slow.run(), Err(CmdError::TimedOut { .. })));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_daemon_does_not_hold_who_finishes_a_piped_program() {
    let started = Instant::now();
    let leaving = sh("setsid sleep 30 &").spawn_piped().unwrap();
    leaving.finish().unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_a_program_leaves_in_its_group_ends_with_it() {
    let output = sh("sleep 30 >/dev/null 2>&1 & echo $!").run().unwrap();
    let left = Path::new("/proc").join(output.stdout_text().trim());
    let is_alive = || {
        let state = std::fs::read_to_string(left.join("stat")).unwrap_or_default();
        // A zombie is dead already, and somebody else's to wait for.
        !state.is_empty() && !state.contains(") Z ")
    };
    let begun = Instant::now();
    while is_alive() {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn an_endless_answer_is_cut_and_not_kept() {
    let endless = "head -c 64M /dev/zero; echo end";
    let output = sh(endless).run().unwrap();
    assert!(output.stdout.len() <= super::STDOUT_KEPT);
    assert!(output.stdout.ends_with(b"end\n"));
}

#[test]
fn who_does_not_read_its_stdin_is_not_waited_for() {
    let started = Instant::now();
    let deaf = sh("exec sleep 30").stdin_bytes(vec![7; 1 << 20]);
    let slow = deaf.timeout(Duration::from_millis(200)).run();
    assert!(matches!(slow, Err(CmdError::TimedOut { .. })));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_piped_program_talks_both_ways() {
    let mut cat = Program::new("/bin/cat").spawn_piped().unwrap();
    cat.stdin.take().unwrap().write_all(b"hello").unwrap();
    let mut said = String::new();
    let mut stdout = cat.stdout.take().unwrap();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(said, "hello");
    cat.finish().unwrap();
}

#[test]
fn what_is_apart_has_a_process_group_of_its_own() {
    let group = |program: Program| {
        let mut piped = program.spawn_piped().unwrap();
        let mut said = String::new();
        let mut stdout = piped.stdout.take().unwrap();
        std::io::Read::read_to_string(&mut stdout, &mut said).unwrap();
        piped.finish().unwrap();
        said
    };
    // The fifth field is the group (proc_pid_stat(5)).
    let program = || sh("cut -d ' ' -f 5 /proc/$$/stat; echo $$");
    let words = |said: String| -> Vec<String> { said.lines().map(str::to_owned).collect() };
    let apart = words(group(program().apart()));
    assert_eq!(apart[0], apart[1]);
    let with_us = words(group(program()));
    assert_ne!(with_us[0], with_us[1]);
}

#[test]
fn what_runs_beside_is_looked_at_and_ends_by_itself_or_at_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    let end = |program: Program| {
        let mut beside = program.start_beside(&log).unwrap();
        loop {
            if let Some(ended) = beside.look() {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    end(sh("echo out; echo err >&2")).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "out\nerr\n");
    let failed = end(sh("exit 3")).unwrap_err();
    assert!(matches!(failed, CmdError::Failed { .. }), "{failed}");
    let slow = end(sh("sleep 30").timeout(Duration::from_millis(100))).unwrap_err();
    assert!(matches!(slow, CmdError::TimedOut { .. }), "{slow}");
}
