//! What a command on a node says, as it is heard: bounded, by line and in all.

/// Bytes of the longest line that is heard whole. Events have a few hundred.
pub(crate) const LINE: usize = 64 << 10;
/// Bytes that are heard of one command. The longest honest answer is what a failed boot has left,
/// of which jumpinit keeps 8 MiB.
pub(crate) const ANSWER: u64 = 16 << 20;

/// What is heard of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard<'a> {
    /// A line, with its line feed unless it was cut off.
    Line(&'a [u8]),
    /// A piece of a line that is longer than [`LINE`].
    Piece(&'a [u8]),
    /// Time passes.
    Tick,
}

/// A line, or a piece of a long one.
pub(crate) enum Spoken {
    Line(Vec<u8>),
    Piece(Vec<u8>),
}

impl Spoken {
    pub(crate) fn heard(&self) -> Heard<'_> {
        match self {
            Self::Line(line) => Heard::Line(line),
            Self::Piece(piece) => Heard::Piece(piece),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        let (Self::Line(bytes) | Self::Piece(bytes)) = self;
        bytes
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes().len() as u64
    }
}
