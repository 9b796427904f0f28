//! Text for people, line by line: the one door to a terminal.
//!
//! Whatever is put into a line stays in it and can do nothing to the terminal, whoever said it
//! ([`shown::line`]). Colours are told apart from text, because text could bring its own.

use std::fmt;

use crate::words::shown;

/// How a word stands out (SGR of ECMA-48, 8.3.117).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Headings.
    Bold,
    /// What is well, or new.
    Green,
    /// What to look at, or changed.
    Yellow,
    /// What failed, or is gone.
    Red,
    /// An error's first word.
    BoldRed,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::BoldRed => "1;31",
        }
    }
}

/// Lines of text, each ended by a line feed, with SGR sequences of our own alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page(String);

impl Page {
    /// A page with one line.
    pub fn of(text: impl fmt::Display) -> Self {
        let mut page = Self::default();
        page.line(text);
        page
    }

    /// Appends a line.
    pub fn line(&mut self, text: impl fmt::Display) {
        self.0 += &shown::line(&text.to_string());
        self.0.push('\n');
    }

    /// Appends a line with a word in it that stands out.
    pub fn marked(
        &mut self,
        before: impl fmt::Display,
        ink: Ink,
        word: impl fmt::Display,
        after: impl fmt::Display,
    ) {
        self.0 += &shown::line(&before.to_string());
        for part in ["\x1b[", ink.code(), "m"] {
            self.0 += part;
        }
        self.0 += &shown::line(&word.to_string());
        self.0 += "\x1b[0m";
        self.line(after);
    }

    /// Appends the lines of a text that was written to be several, such as a log.
    pub fn lines(&mut self, text: &str) {
        for line in text.lines() {
            let tabs = line.split('\t').map(shown::line);
            self.0 += &tabs.collect::<Vec<_>>().join("\t");
            self.0.push('\n');
        }
    }

    /// Appends an empty line.
    pub fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Appends another page.
    pub fn append(&mut self, other: &Self) {
        self.0 += &other.0;
    }

    /// Whether nothing is on it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with its SGR sequences, as a terminal takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ink, Page};

    /// Clears the screen, sets the clipboard (OSC 52), and forges a line.
    const HOSTILE: &str = "\u{1b}[2J\u{1b}]52;c;eA==\u{7}\nerror: forged\u{9b}31m\r";

    #[test]
    fn only_our_own_colours_and_line_feeds_reach_a_terminal() {
        let mut page = Page::of(HOSTILE);
        page.marked("  ", Ink::Green, "ok", HOSTILE);
        page.lines("a\tb\u{1b}c\r\nd");
        let controls = page.as_str().chars().filter(|c| c.is_control());
        assert_eq!(controls.collect::<String>(), "\n\u{1b}\u{1b}\n\t\n\n");
        assert!(page.as_str().contains("  \u{1b}[32mok\u{1b}[0m\\u{1b}[2J"));
        assert!(page.as_str().ends_with("a\tb\\u{1b}c\nd\n"));
    }
}
