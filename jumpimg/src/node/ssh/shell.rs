//! The login shell between ssh and our scripts, whichever it is: how a script gets through it, and
//! where its own words end and the script's begin.

use jumpspec::words::shown;
use jumpsys::cmd::CmdError;
use jumpsys::kernel::system::random_bytes;

use super::SshError;
use super::failure::Fate;
use super::spoken::Spoken;

/// Bytes of one word. csh takes 1024 (csh(1), "LIMITATIONS").
const WORD: usize = 1000;
/// Bytes that start-up files may say: what greets people has some thousand.
const NOISE: u64 = 1 << 20;
/// Lines of the login shell's that an error has room for.
const LINES: usize = 3;

/// What a script prints before anything else, a line that nothing else prints.
#[derive(Clone, Debug)]
pub(super) struct Mark(String);

impl Mark {
    /// One that nobody can guess.
    pub(super) fn new() -> Result<Self, SshError> {
        let bytes = random_bytes::<8>().map_err(|error| SshError::Local(error.to_string()))?;
        // A shell that shows what it runs does not show the brackets: they are not PLAIN.
        Ok(Self(format!("[jump {:016x}]", u64::from_be_bytes(bytes))))
    }

    /// The command that runs `script` with the node's POSIX shell. ssh ends with 255 when the
    /// connection breaks and also when a signal ends the command (RFC 4254's exit-signal is not
    /// passed on), so a shell waits for the script, and tells of a signal as shells do; what the
    /// script itself ends with is never 255.
    pub(super) fn command(&self, script: &str) -> String {
        let told = format!(
            "printf '\\n%s\\n' '{}'\n(\n{script}\n)\ncode=$?\n[ $code -ne 255 ] || code=254\nexit $code",
            self.0
        );
        format!(
            r#"exec /bin/sh -c 'eval "$(printf %b "$@")"' sh{}"#,
            words(&told)
        )
    }

    fn is(&self, spoken: &Spoken) -> bool {
        matches!(spoken, Spoken::Line(line) if line.trim_ascii_end() == self.0.as_bytes())
    }
}

/// `text` as words for printf's `%b` (POSIX, "printf"). Within quotes csh still knows `!` and ends
/// a word at a line feed, and shells differ about backslashes before quotes and themselves: what is
/// not plain goes as octal.
fn words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b" /._-,:=+".contains(&byte);
        let shown = if plain {
            char::from(byte).to_string()
        } else {
            format!("\\0{byte:03o}")
        };
        match words.last_mut() {
            Some(word) if word.len() + shown.len() <= WORD => *word += &shown,
            _ => words.push(shown),
        }
    }
    words.iter().flat_map(|word| [" '", word, "'"]).collect()
}

/// What is heard before the script speaks: words of start-up files, of which the first lines are
/// kept for an error.
pub(super) struct Prelude<'a> {
    mark: &'a Mark,
    lines: Vec<String>,
    heard: u64,
    is_over: bool,
}

impl<'a> Prelude<'a> {
    /// Of a script that `mark` stands before.
    pub(super) fn of(mark: &'a Mark) -> Self {
        Self {
            mark,
            lines: Vec::new(),
            heard: 0,
            is_over: false,
        }
    }

    /// Whether the script has spoken.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether `spoken` is not the script's.
    pub(super) fn has(&mut self, spoken: &Spoken) -> Result<bool, SshError> {
        if self.is_over {
            return Ok(false);
        }
        self.is_over = self.mark.is(spoken);
        self.heard += spoken.len();
        if !self.is_over && self.heard > NOISE {
            return Err(self.failure(Fate::Endless, ""));
        }
        let line = spoken.bytes().trim_ascii();
        if !self.is_over && !line.is_empty() && self.lines.len() < LINES {
            self.lines.push(shown::short(line));
        }
        Ok(true)
    }

    /// What it means that the command has ended.
    pub(super) fn ended(&self, end: Result<(), CmdError>) -> Result<(), SshError> {
        if self.is_over {
            return end.map_err(SshError::from);
        }
        Err(self.unspoken(end))
    }

    /// The same, where the script has not spoken.
    pub(super) fn unspoken(&self, end: Result<(), CmdError>) -> SshError {
        let (status, stderr) = match end.map_err(SshError::from) {
            Ok(()) => (0, String::new()),
            Err(SshError::Remote { status, stderr }) => (status, stderr),
            // Start-up files and forced commands end with any status: cloud-init's with 142.
            Err(SshError::Killed { signal, stderr }) => (128 + signal, stderr),
            Err(error) => return error,
        };
        self.failure(Fate::Ended(status), &stderr)
    }

    /// That the shell was let in long ago and the script has not spoken.
    pub(super) fn silent(&self) -> SshError {
        self.failure(Fate::Silent, "")
    }

    fn failure(&self, fate: Fate, stderr: &str) -> SshError {
        let stderr = (!stderr.is_empty()).then(|| shown::short(stderr.as_bytes()));
        let said: Vec<&str> = self
            .lines
            .iter()
            .chain(&stderr)
            .map(String::as_str)
            .collect();
        SshError::LoginShell {
            fate,
            said: said.join("; "),
        }
    }
}

#[cfg(test)]
mod tests;
