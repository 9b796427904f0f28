//! Lines on the machine's console, for whoever looks at a screen or a serial log. Best effort:
//! nothing fails because no one can see it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc;

/// The console, if there is one.
#[derive(Debug)]
pub struct Console {
    file: Option<File>,
}

impl Console {
    /// Opens /dev/console.
    pub fn open() -> Self {
        Self::open_at(Path::new("/dev/console"))
    }

    /// Opens another terminal or file. Never becomes its controlling process, and never waits for
    /// a serial line that no one has plugged in.
    pub fn open_at(path: &Path) -> Self {
        let file = OpenOptions::new()
            .append(true)
            .custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK)
            .open(path);
        Self { file: file.ok() }
    }

    /// Writes a line, in one write so that others' lines don't come between.
    pub fn line(&mut self, text: &str) {
        if let Some(file) = &mut self.file {
            file.write_all(format!("{text}\r\n").as_bytes()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Console;
    use std::path::Path;

    #[test]
    fn no_console_is_no_failure() {
        Console::open_at(Path::new("/nonexistent/console")).line("x");
    }

    #[test]
    fn lines_end_as_a_terminal_wants_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut console = Console::open_at(file.path());
        console.line("jump: stage");
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, "jump: stage\r\n");
    }
}
