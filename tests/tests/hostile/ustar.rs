//! Makes tar archives byte by byte, also such as no program would write.

use std::ops::Range;

/// Of a header and of the padding, in bytes (POSIX pax, "ustar Interchange Format").
pub(crate) const BLOCK: usize = 512;

/// Fields of a header, same source.
pub(crate) mod field {
    use std::ops::Range;

    pub(crate) const NAME: Range<usize> = 0..100;
    pub(crate) const MODE: Range<usize> = 100..108;
    pub(crate) const UID: Range<usize> = 108..116;
    pub(crate) const GID: Range<usize> = 116..124;
    pub(crate) const SIZE: Range<usize> = 124..136;
    pub(crate) const MTIME: Range<usize> = 136..148;
    pub(crate) const CHECKSUM: Range<usize> = 148..156;
    pub(crate) const TYPE: Range<usize> = 156..157;
    pub(crate) const LINK: Range<usize> = 157..257;
    pub(crate) const MAGIC: Range<usize> = 257..265;
    pub(crate) const MAJOR: Range<usize> = 329..337;
    pub(crate) const MINOR: Range<usize> = 337..345;
    pub(crate) const PREFIX: Range<usize> = 345..500;
}

/// A header whose every field can be anything.
#[derive(Clone)]
pub(crate) struct Header([u8; BLOCK]);

impl Header {
    /// Of type `kind`, root's, `0755` for a directory and else `0644`, of no size.
    pub(crate) fn new(kind: u8, name: &str) -> Self {
        let mode = if kind == b'5' { "0000755" } else { "0000644" };
        let header = Self([0; BLOCK])
            .set(field::NAME, name)
            .set(field::MODE, mode)
            .set(field::TYPE, [kind])
            .set(field::MAGIC, "ustar\x0000");
        let numbers = [
            field::UID,
            field::GID,
            field::MTIME,
            field::MAJOR,
            field::MINOR,
        ];
        numbers
            .into_iter()
            .fold(header, |header, field| header.octal(field, 0))
            .octal(field::SIZE, 0)
    }

    /// A GNU header: these have another magic and no prefix (tar.h of GNU tar).
    pub(crate) fn gnu(kind: u8, name: &str) -> Self {
        Self::new(kind, name).set(field::MAGIC, "ustar  \0")
    }

    /// Puts bytes at the beginning of a field, zeros after them.
    pub(crate) fn set(mut self, field: Range<usize>, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let field = &mut self.0[field];
        field.fill(0);
        field[..value.len()].copy_from_slice(value);
        self
    }

    /// Puts a number into a field, in octal digits and a zero byte.
    pub(crate) fn octal(self, field: Range<usize>, value: u64) -> Self {
        let width = field.len() - 1;
        self.set(field, format!("{value:0width$o}"))
    }

    /// Puts a number into a field as GNU tar does with what octal digits cannot hold:
    /// big-endian, two's complement, with the first bit set.
    pub(crate) fn base256(mut self, field: Range<usize>, value: i128) -> Self {
        let bytes = value.to_be_bytes();
        let field = &mut self.0[field];
        let length = field.len();
        field.copy_from_slice(&bytes[bytes.len() - length..]);
        field[0] |= 0x80;
        self
    }

    /// A field as it is, to be shown.
    pub(crate) fn text(&self, field: Range<usize>) -> String {
        self.0[field].escape_ascii().to_string()
    }

    /// With its size in octal.
    pub(crate) fn size(self, size: u64) -> Self {
        self.octal(field::SIZE, size)
    }

    /// With its link target.
    pub(crate) fn link(self, target: &str) -> Self {
        self.set(field::LINK, target)
    }

    /// The block, with its checksum: the sum of all bytes, those of the sum as spaces.
    pub(crate) fn block(self) -> [u8; BLOCK] {
        let header = self.set(field::CHECKSUM, " ".repeat(8));
        let sum: u32 = header.0.iter().map(|byte| u32::from(*byte)).sum();
        header.set(field::CHECKSUM, format!("{sum:06o}\0 ")).0
    }
}

/// An archive in the making.
#[derive(Clone, Default)]
pub(crate) struct Tar(Vec<u8>);

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a header.
    pub(crate) fn header(self, header: Header) -> Self {
        self.raw(header.block())
    }

    /// Adds bytes as they are.
    pub(crate) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// Adds bytes and pads them to whole blocks.
    pub(crate) fn content(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        let length = self.0.len().next_multiple_of(BLOCK);
        self.0.resize(length, 0);
        self
    }

    /// Adds a header that announces `content`, and `content`.
    pub(crate) fn entry(self, header: Header, content: impl AsRef<[u8]>) -> Self {
        let size = content.as_ref().len() as u64;
        self.header(header.size(size)).content(content)
    }

    /// Adds a regular file.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(Header::new(b'0', name), content)
    }

    /// Adds a directory.
    pub(crate) fn directory(self, name: &str) -> Self {
        self.header(Header::new(b'5', name))
    }

    /// Adds a symlink; where the target is long, as GNU tar does it.
    pub(crate) fn symlink(self, name: &str, target: &str) -> Self {
        self.link(Header::gnu(b'2', name), target)
    }

    /// Adds a hard link; where the target is long, as GNU tar does it.
    pub(crate) fn hard_link(self, name: &str, target: &str) -> Self {
        self.link(Header::gnu(b'1', name), target)
    }

    fn link(self, header: Header, target: &str) -> Self {
        if target.len() <= field::LINK.len() {
            return self.header(header.link(target));
        }
        self.gnu_long(b'K', target).header(header)
    }

    /// Adds GNU tar's long name (`L`) or long link target (`K`) for the next entry.
    pub(crate) fn gnu_long(self, kind: u8, text: &str) -> Self {
        let header = Header::gnu(kind, "././@LongLink");
        self.entry(header, format!("{text}\0"))
    }

    /// Adds an extended header for the next entry, of well-formed records.
    pub(crate) fn pax(self, records: &[(&str, &str)]) -> Self {
        let records = records.iter().map(|(key, value)| record(key, value));
        self.extended(b'x', records.collect::<String>())
    }

    /// Adds an extended header, for the next entry (`x`) or all that follow (`g`).
    pub(crate) fn extended(self, kind: u8, records: impl AsRef<[u8]>) -> Self {
        self.entry(Header::new(kind, "PaxHeaders/0"), records)
    }

    /// The archive, without anything that marks its end.
    pub(crate) fn unended(self) -> Vec<u8> {
        self.0
    }

    /// The archive, with its two blocks of zeros at the end.
    pub(crate) fn end(self) -> Vec<u8> {
        self.raw([0; 2 * BLOCK]).0
    }
}

/// A well-formed record of an extended header: `LENGTH KEY=VALUE\n`, the length in
/// decimal counting itself.
pub(crate) fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}
