use super::{CmdError, Program};
use std::io::{Read as _, Write as _};
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
fn a_piped_program_talks_both_ways() {
    let mut cat = Program::new("/bin/cat").spawn_piped().unwrap();
    cat.stdin.take().unwrap().write_all(b"hello").unwrap();
    let mut said = String::new();
    let mut stdout = cat.stdout.take().unwrap();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(said, "hello");
    cat.finish().unwrap();
}
