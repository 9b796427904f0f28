use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// Login shells, which disagree about quotes, `!`, backslashes and line feeds.
const SHELLS: [&str; 9] = [
    "/bin/sh",
    "/bin/bash",
    "/usr/bin/tcsh",
    "/usr/bin/bsd-csh",
    "/usr/bin/fish",
    "/usr/bin/zsh",
    "/usr/bin/mksh",
    "/usr/bin/ksh93",
    "/usr/bin/busybox",
];

/// What every shell makes something of.
const ODD: &str = "!x !! '\"\\\\ \\n $HOME `id` $(id) %b ~ # * ? {a,b} [a] ^a^b é \t;&|<>()";

#[expect(
    clippy::disallowed_macros,
    reason = "the summary of the tests reads it"
)]
fn skipped(shell: &str) {
    println!("skipped: the login shell {shell}: it is not installed");
}

fn there() -> impl Iterator<Item = &'static str> {
    SHELLS.into_iter().filter(|shell| {
        let there = Path::new(shell).exists();
        if !there {
            skipped(shell);
        }
        there
    })
}

/// Runs the command as sshd would have `shell` run it; what it printed and its status.
fn run(shell: &str, command: &str) -> (String, Option<i32>) {
    // Some make files in their home.
    let home = tempfile::tempdir().unwrap();
    let mut program = Command::new(shell);
    if shell.ends_with("busybox") {
        program.arg("sh");
    }
    let mut running = program
        .args(["-c", command])
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // One that reads nothing may have ended.
    running.stdin.take().unwrap().write_all(b"fed").ok();
    let ended = running.wait_with_output().unwrap();
    (
        String::from_utf8_lossy(&ended.stdout).into_owned(),
        ended.status.code(),
    )
}

#[test]
fn a_script_comes_through_every_login_shell_as_it_was_written() {
    let mark = Mark::new().unwrap();
    let long = "x".repeat(3000);
    let script = format!("cat <<'END'\n{ODD}\n{long}\nEND\ncat\nexit 75");
    for shell in there() {
        let (said, status) = run(shell, &mark.command(&script));
        assert_eq!(said, format!("\n{}\n{ODD}\n{long}\nfed", mark.0), "{shell}");
        assert_eq!(status, Some(75), "{shell}");
    }
}

#[test]
fn how_a_script_ended_is_told_by_a_status_that_is_not_sshs_own() {
    let mark = Mark::new().unwrap();
    for shell in there() {
        for (script, status) in [
            ("exec true", 0),
            ("exit 75", 75),
            ("exec /bin/sh -c 'kill -9 $$'", 137),
            ("/bin/sh -c 'kill -TERM $$'; exit $?", 143),
            ("exit 255", 254),
        ] {
            let ended = run(shell, &mark.command(script));
            assert_eq!(ended.1, Some(status), "{shell}: {script}");
        }
    }
}

#[test]
fn a_command_is_one_line_of_short_words_without_the_mark() {
    let mark = Mark::new().unwrap();
    let command = mark.command(&format!("echo '{}'", "!\n".repeat(999)));
    assert!(
        command
            .chars()
            .all(|c| c.is_ascii() && !c.is_control() && c != '!')
    );
    assert!(command.split('\'').all(|word| word.len() <= WORD));
    assert!(!command.contains(&mark.0), "{command}");
}

fn line(text: &str) -> Spoken {
    Spoken::Line(text.as_bytes().to_vec())
}

#[test]
fn what_start_up_files_say_is_not_the_scripts() {
    let mark = Mark::new().unwrap();
    let mut prelude = Prelude::of(&mark);
    for noise in ["{\"a\": 1}\n", "\n", &format!("# {}\n", mark.0)] {
        assert!(prelude.has(&line(noise)).unwrap(), "{noise}");
    }
    assert!(prelude.has(&line(&format!("{}\r\n", mark.0))).unwrap());
    assert!(!prelude.has(&line("answer\n")).unwrap());
    assert!(prelude.ended(Ok(())).is_ok());
}

#[test]
fn a_shell_that_ends_without_the_script_is_no_answer() {
    let mark = Mark::new().unwrap();
    let mut prelude = Prelude::of(&mark);
    prelude
        .has(&line("This account is\u{1b}[2J not available.\n"))
        .unwrap();
    let error = prelude.ended(Ok(())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the login shell has ended (exit status 0) and not run what it was told to; it said: \
         This account is\\u{1b}[2J not available."
    );
    assert!(!error.is_connection());
}

#[test]
fn a_shell_that_does_nothing_may_do_so_for_the_nodes_load() {
    let mark = Mark::new().unwrap();
    assert!(Prelude::of(&mark).silent().is_connection());
}

#[test]
fn a_shell_that_prints_without_an_end_is_left() {
    let mark = Mark::new().unwrap();
    let mut prelude = Prelude::of(&mark);
    let piece = Spoken::Piece(vec![b'y'; 1 << 16]);
    let left = (0..=NOISE >> 16).find_map(|_| prelude.has(&piece).err());
    assert!(matches!(
        left,
        Some(SshError::LoginShell {
            fate: Fate::Endless,
            ..
        })
    ));
}
