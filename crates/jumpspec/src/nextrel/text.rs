//! A text in which variables may stand.
//!
//! `%NAME%` is a variable where NAME is a letter or `_`, then letters, digits and `_`. Read from left to
//! right; any other percent sign stands for itself, a doubled one too.

/// A text as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(String);

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Stands for itself.
    Plain(&'a str),
    /// A variable, by its name.
    Variable(&'a str),
}

impl Text {
    /// A text, as it is written.
    pub fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    /// As it was written.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Its pieces, in order; none is empty.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let (mut rest, mut plain) = (self.0.as_str(), 0);
        while let Some(percent) = rest[plain..].find('%') {
            let at = plain + percent;
            if let Some(name) = name_at(&rest[at..]) {
                if at > 0 {
                    pieces.push(Piece::Plain(&rest[..at]));
                }
                pieces.push(Piece::Variable(name));
                (rest, plain) = (&rest[at + name.len() + 2..], 0);
            } else {
                plain = at + 1;
            }
        }
        if !rest.is_empty() {
            pieces.push(Piece::Plain(rest));
        }
        pieces
    }

    /// The names of the variables in it.
    pub fn names(&self) -> Vec<&str> {
        let name = |piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Plain(_) => None,
        };
        self.pieces().into_iter().filter_map(name).collect()
    }
}

/// The name of the variable that `text`, which begins with a percent sign, begins with.
fn name_at(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('%')?.split_once('%')?;
    is_name(name).then_some(name)
}

/// Whether a variable may be called that.
pub(super) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
