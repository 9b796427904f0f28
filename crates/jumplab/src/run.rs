//! Runs programs: the one door through which the lab and its tasks start others.
//! A failure carries the command, its status and the end of its stderr.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context as _, Result, bail};

/// How many bytes of a failed program's stderr an error shows.
const STDERR_TAIL: usize = 2000;

/// A command for `program` with `args`, which reads nothing from the terminal.
pub fn command<I, S>(program: impl AsRef<OsStr>, args: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs `command` with its output shown.
pub fn show(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", line(command)))?;
    if status.success() {
        return Ok(());
    }
    bail!("{}: {}", line(command), describe(status))
}

/// Runs `command` quietly and returns its stdout.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    checked(command, &output)?;
    String::from_utf8(output.stdout)
        .with_context(|| format!("{}: its output is not UTF-8", line(command)))
}

/// Runs `command` quietly, whatever its status; what it printed need not be UTF-8.
pub fn output(command: &mut Command) -> Result<Output> {
    let output = command.output();
    output.with_context(|| format!("cannot start {}", line(command)))
}

/// Runs `command` quietly, for its effect.
pub fn quiet(command: &mut Command) -> Result<()> {
    let output = output(command)?;
    checked(command, &output)
}

/// Runs `command` quietly with `input` as its stdin and returns its stdout.
pub fn feed(command: &mut Command, input: &[u8]) -> Result<String> {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.with_context(|| format!("cannot start {}", line(command)))?;
    let mut stdin = child
        .stdin
        .take()
        .context("the program's stdin is missing")?;
    let written = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output()?;
    checked(command, &output)?;
    written.with_context(|| format!("{}: it did not read its input", line(command)))?;
    String::from_utf8(output.stdout)
        .with_context(|| format!("{}: its output is not UTF-8", line(command)))
}

/// The command as one could type it.
pub fn line(command: &Command) -> String {
    let mut words = vec![quoted(command.get_program())];
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn checked(command: &Command, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    bail!(
        "{}: {}\n{}",
        line(command),
        describe(output.status),
        tail(stderr.trim_end())
    )
}

fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(STDERR_TAIL);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

fn describe(status: ExitStatus) -> String {
    status
        .code()
        .map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

#[cfg(test)]
mod tests {
    use super::{capture, command, feed, line, tail};

    #[test]
    fn a_failure_shows_the_command_its_status_and_its_stderr() {
        let error = capture(&mut command("sh", ["-c", "echo no such luck >&2; exit 7"]))
            .expect_err("the command fails")
            .to_string();
        assert!(error.contains("sh -c "), "{error}");
        assert!(error.contains("exit status 7"), "{error}");
        assert!(error.ends_with("no such luck"), "{error}");
    }

    #[test]
    fn words_with_spaces_are_quoted() {
        assert_eq!(
            line(&command("echo", ["a b", "it's"])),
            r"echo 'a b' 'it'\''s'"
        );
    }

    #[test]
    fn input_reaches_the_program() {
        assert_eq!(
            feed(&mut command("cat", ["-"]), b"hello").expect("cat works"),
            "hello"
        );
    }

    #[test]
    fn the_tail_never_cuts_a_character() {
        let text = "é".repeat(1500);
        assert!(tail(&text).chars().all(|c| c == 'é'));
    }
}
