//! What of a shell's grammar decides where a statement ends (POSIX.1-2024, Shell Command Language,
//! 2.2 quoting, 2.7.4 here-documents, 2.9.4 compound commands).

use std::iter::Peekable;
use std::str::Chars;

/// What is open after the lines so far.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Compound commands.
    depth: u32,
    parens: u32,
    /// `'`, `"` or a backtick.
    quote: Option<char>,
    /// Ends of here-documents, and whether tabs in front of them do not count.
    documents: Vec<(String, bool)>,
    /// Whether the line goes on.
    goes_on: bool,
    /// What the next word is.
    next: Next,
    word: String,
    /// Whether the word has quotes in it, and is no reserved word.
    is_quoted: bool,
}

/// What a word can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// A word like any other.
    #[default]
    Argument,
    /// A command, or a reserved word.
    Command,
    /// The name of a function, before its command.
    Function,
}

impl Scanner {
    /// Whether nothing is open.
    pub(super) fn is_complete(&self) -> bool {
        let open = self.depth > 0 || self.parens > 0 || self.quote.is_some() || self.goes_on;
        !open && self.documents.is_empty()
    }

    /// Takes a line. False: it closes what is not open.
    #[must_use]
    pub(super) fn line(&mut self, line: &str) -> bool {
        if self.quote.is_none() && self.is_in_document(line) {
            return true;
        }
        if self.quote.is_none() && !self.goes_on {
            self.next = Next::Command;
        }
        self.goes_on = false;
        let mut rest = line.chars().peekable();
        while let Some(character) = rest.next() {
            if !self.character(character, &mut rest) {
                return false;
            }
        }
        self.quote.is_some() || self.end_word()
    }

    /// Whether the line is part of a here-document that a line above began.
    fn is_in_document(&mut self, line: &str) -> bool {
        let Some((end, strips)) = self.documents.first() else {
            return false;
        };
        let line = if *strips {
            line.trim_start_matches('\t')
        } else {
            line
        };
        if line == end {
            self.documents.remove(0);
        }
        true
    }

    fn character(&mut self, character: char, rest: &mut Peekable<Chars<'_>>) -> bool {
        if let Some(quote) = self.quote {
            if character == '\\' && quote != '\'' {
                rest.next();
            } else if character == quote {
                self.quote = None;
            }
            return true;
        }
        match character {
            '\\' => {
                self.is_quoted = true;
                self.goes_on = rest.next().is_none();
            }
            '\'' | '"' | '`' => (self.is_quoted, self.quote) = (true, Some(character)),
            '#' if self.word.is_empty() && !self.is_quoted => while rest.next().is_some() {},
            ' ' | '\t' => return self.end_word(),
            ';' | '&' | '|' => return self.operator(character, rest),
            '(' | ')' => return self.paren(character),
            '<' => return self.end_word() && self.input(rest),
            _ => self.word.push(character),
        }
        true
    }

    fn operator(&mut self, character: char, rest: &mut Peekable<Chars<'_>>) -> bool {
        let sound = self.end_word();
        let is_double = rest.next_if_eq(&character).is_some();
        self.next = Next::Command;
        let mut after = rest.clone().skip_while(|c| c.is_whitespace());
        let is_last = matches!(after.next(), None | Some('#'));
        self.goes_on = is_last && (character == '|' || character == '&' && is_double);
        sound
    }

    fn paren(&mut self, character: char) -> bool {
        let is_name = !self.word.is_empty() && character == '(';
        if is_name {
            // `name()`, `$(`, `array=(`: not a reserved word.
            self.is_quoted = true;
        }
        let sound = self.end_word();
        self.next = Next::Command;
        if character == '(' {
            self.parens += 1;
            return sound;
        }
        // Without an open one it ends a pattern of `case`.
        let is_pattern = self.parens == 0;
        self.parens = self.parens.saturating_sub(1);
        sound && (!is_pattern || self.depth > 0)
    }

    /// What follows a `<`.
    fn input(&mut self, rest: &mut Peekable<Chars<'_>>) -> bool {
        if rest.next_if_eq(&'<').is_none() {
            return true;
        }
        if rest.next_if_eq(&'<').is_some() {
            return true;
        }
        let strips = rest.next_if_eq(&'-').is_some();
        while rest.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        let mut end = String::new();
        while let Some(character) = rest.next_if(|c| !" \t;&|<>()".contains(*c)) {
            end.push(character);
        }
        end.retain(|c| !matches!(c, '\'' | '"' | '\\'));
        self.documents.push((end, strips));
        true
    }

    /// Takes the word that has ended.
    fn end_word(&mut self) -> bool {
        let (word, is_quoted) = (std::mem::take(&mut self.word), self.is_quoted);
        self.is_quoted = false;
        if word.is_empty() && !is_quoted {
            return true;
        }
        match std::mem::take(&mut self.next) {
            Next::Command if !is_quoted => self.command(&word),
            Next::Function => {
                self.next = Next::Command;
                true
            }
            _ => true,
        }
    }

    /// Takes a word in the place of a command.
    fn command(&mut self, word: &str) -> bool {
        match word {
            "if" | "while" | "until" | "{" => {
                self.depth += 1;
                self.next = Next::Command;
            }
            "for" | "case" | "select" => self.depth += 1,
            "then" | "else" | "elif" | "do" | "!" => self.next = Next::Command,
            "function" => self.next = Next::Function,
            "fi" | "done" | "esac" | "}" => {
                let Some(depth) = self.depth.checked_sub(1) else {
                    return false;
                };
                // What follows may only be an operator or a redirection.
                self.depth = depth;
            }
            _ => {}
        }
        true
    }
}
