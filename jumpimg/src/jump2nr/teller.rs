//! What is told of a host's course: to people, to programs, and to its log.

use std::path::Path;

use jumpspec::nextrel::Line;
use jumpspec::render::page::Page;
use serde_json::{Map, Value, json};

use super::log::Log;
use crate::error::Trouble;
use crate::node::ssh::Heard;
use crate::node::tell::Voice;

/// Bytes of a line without an end that are told.
const BEGINNING: usize = 4096;

/// Tells of one host.
pub(super) struct Teller<'a> {
    voice: &'a mut Voice,
    log: Log,
    /// Whether the log can be written no more, which was told.
    is_deaf: bool,
    line: usize,
    /// Whether a line that is too long goes on.
    is_within: bool,
}

impl<'a> Teller<'a> {
    /// By this voice, and into this log.
    pub(super) fn new(voice: &'a mut Voice, log: Log) -> Self {
        Self {
            voice,
            log,
            is_deaf: false,
            line: 0,
            is_within: false,
        }
    }

    /// Where the log is.
    pub(super) fn log_path(&self) -> &Path {
        self.log.path()
    }

    /// A line begins, which comes to `said`. People are told of those that run something: what the
    /// others do can be seen.
    pub(super) fn begin(&mut self, line: &Line, said: &str) {
        (self.line, self.is_within) = (line.number, false);
        self.log('>', said);
        self.object("line", said);
        if line.statement.runs_something() {
            self.voice.say(&format!("{}: {said}", line.number));
        }
    }

    /// The course has ended like this; who called it tells of it.
    pub(super) fn ended(&mut self, ended: &Result<(), Trouble>) {
        match ended {
            Ok(()) => self.log('#', "done"),
            Err(trouble) => {
                for cause in &trouble.causes {
                    self.log('!', &cause.message);
                }
            }
        }
    }

    /// The line that began last, from 1.
    pub(super) fn line(&self) -> Option<usize> {
        (self.line > 0).then_some(self.line)
    }

    /// Something that a line says by itself, as `print` does.
    pub(super) fn print(&mut self, text: &str) {
        self.log('-', text);
        self.object("print", text);
        self.voice.text(&Page::of(text));
    }

    /// What a command says, as it comes. Of what is too long for a line the beginning is told.
    pub(super) fn output(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Line(line) => self.said(line, ""),
            Heard::Piece(piece) => {
                if !self.is_within {
                    self.said(&piece[..piece.len().min(BEGINNING)], "…");
                }
                self.is_within = !piece.ends_with(b"\n");
            }
            Heard::Tick => {}
        }
    }

    fn said(&mut self, bytes: &[u8], end: &str) {
        let text = String::from_utf8_lossy(bytes.trim_ascii_end());
        let text = format!("{text}{end}");
        self.log('|', &text);
        self.object("output", &text);
        // Indented, so that no node speaks with our voice.
        let mut page = Page::default();
        page.lines(&format!("  {text}\n"));
        self.voice.text(&page);
    }

    /// A line for people, and for the log.
    pub(super) fn note(&mut self, text: &str) {
        self.log('#', text);
        self.voice.say(text);
    }

    fn object(&mut self, event: &str, text: &str) {
        let fields = [("line", json!(self.line)), ("text", json!(text))];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        self.voice
            .object(event, Map::<String, Value>::from_iter(fields));
    }

    /// A log that cannot be written is no reason to leave a node half way; it is told once.
    fn log(&mut self, sign: char, text: &str) {
        if self.is_deaf {
            return;
        }
        if let Err(error) = self.log.line(self.line, sign, text) {
            self.is_deaf = true;
            self.voice.say(&format!("note: {error:#}"));
        }
    }
}
