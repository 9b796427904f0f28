//! One line of fstab.

use std::fmt::{self, Write as _};

/// The six fields of a line, unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Device, `UUID=…`, or a name such as `server:/path`.
    pub device: String,
    /// Mount point, `none` for swap.
    pub mount: String,
    /// File system type.
    pub fs: String,
    /// Mount options.
    pub options: String,
    /// For dump(8).
    pub dump: u32,
    /// When fsck(8) checks it; 0 is never.
    pub pass: u32,
}

impl Line {
    /// A line that is neither dumped nor checked.
    pub fn new(device: &str, mount: &str, fs: &str, options: &str) -> Self {
        let owned = str::to_owned;
        Self {
            device: owned(device),
            mount: owned(mount),
            fs: owned(fs),
            options: owned(options),
            dump: 0,
            pass: 0,
        }
    }

    /// Reads a line; comments, empty lines and lines of fewer than three fields are none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        if text.starts_with('#') {
            return None;
        }
        let mut fields = text.split_ascii_whitespace().map(unescape);
        let (device, mount, fs) = (fields.next()?, fields.next()?, fields.next()?);
        let options = fields.next().unwrap_or_else(|| "defaults".to_owned());
        let mut number = || {
            fields
                .next()
                .and_then(|field| field.parse().ok())
                .unwrap_or(0)
        };
        let (dump, pass) = (number(), number());
        Some(Self {
            device,
            mount,
            fs,
            options,
            dump,
            pass,
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [device, mount, fs, options] =
            [&self.device, &self.mount, &self.fs, &self.options].map(|field| escape(field));
        writeln!(
            f,
            "{device} {mount} {fs} {options} {} {}",
            self.dump, self.pass
        )
    }
}

/// White space, backslashes and the comment sign are written as octal numbers
/// (getmntent(3)).
fn escape(field: &str) -> String {
    let mut escaped = String::new();
    for c in field.chars() {
        if c.is_ascii_whitespace() || c == '\\' || c == '#' {
            let _ = write!(escaped, "\\{:03o}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn unescape(field: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let octal = rest
            .get(1..4)
            .filter(|_| byte == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(value) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(value);
            rest = &rest[4..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_escaped_fields_and_defaults() {
        let line = Line::parse(r"/dev/sdb1 /my\040data ext4").unwrap();
        assert_eq!(
            (line.mount.as_str(), line.options.as_str(), line.pass),
            ("/my data", "defaults", 0)
        );
        assert_eq!(
            line.to_string(),
            "/dev/sdb1 /my\\040data ext4 defaults 0 0\n"
        );
        assert_eq!(Line::parse("# comment"), None);
        assert_eq!(Line::parse("only two"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_read_and_reads_back(text in ".{0,80}") {
            if let Some(line) = Line::parse(&text) {
                prop_assert_eq!(Line::parse(&line.to_string()), Some(line));
            }
        }
    }
}
