//! Numbers as tar headers have them, in octal or in GNU's base 256. What does not fit is
//! no number: it is never cut to size.

/// The value of a header's numeric field; `None` if it is none or does not fit.
///
/// Octal digits between spaces and a space or NUL (POSIX.1-2017, ustar), or, from a first
/// byte of 0x80 (or 0xff for numbers below 0) on, a big-endian number (GNU tar 1.34,
/// `from_header`). A field of spaces and NULs is 0.
pub(crate) fn field(bytes: &[u8]) -> Option<i64> {
    match bytes.split_first()? {
        (0x80, rest) => base_256(rest, 0),
        (0xff, rest) => base_256(rest, -1),
        _ => octal(bytes),
    }
}

/// The same for what cannot be below 0.
pub(crate) fn natural(bytes: &[u8]) -> Option<u64> {
    field(bytes).and_then(|number| u64::try_from(number).ok())
}

/// A decimal number of a PAX record: digits and nothing else.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

fn octal(bytes: &[u8]) -> Option<i64> {
    let mut value = 0_i64;
    let mut rest = bytes.trim_ascii_start();
    while let [digit @ b'0'..=b'7', tail @ ..] = rest {
        value = value.checked_mul(8)? + i64::from(digit - b'0');
        rest = tail;
    }
    match rest {
        // After a NUL, or in an empty field, nothing should follow; GNU tar and libarchive
        // read digits there differently.
        [] => Some(value),
        [b' ' | 0, tail @ ..] if !tail.iter().any(u8::is_ascii_digit) => Some(value),
        _ => None,
    }
}

/// The rest of a base-256 field; its first bytes may only repeat the sign.
fn base_256(rest: &[u8], sign: i64) -> Option<i64> {
    let (high, low) = rest.split_at(rest.len().saturating_sub(8));
    let value = low
        .iter()
        .fold(sign, |value, byte| value << 8 | i64::from(*byte));
    let repeats = high.iter().all(|byte| i64::from(*byte) == sign & 0xff);
    let fits = high.is_empty() || (value < 0) == (sign < 0);
    (repeats && fits).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(first: u8, value: i64) -> [u8; 12] {
        let mut bytes = [if value < 0 { 0xff } else { 0 }; 12];
        bytes[4..].copy_from_slice(&value.to_be_bytes());
        bytes[0] = first;
        bytes
    }

    #[test]
    fn reads_octal_as_every_tar_writes_it() {
        for text in [
            "0000644\0",
            "   644 \0",
            "644     ",
            "0644 \0\0\0",
            "00000644",
        ] {
            assert_eq!(field(text.as_bytes()), Some(0o644), "{text:?}");
        }
        assert_eq!(field(&[0; 8]), Some(0));
        assert_eq!(field(b"        "), Some(0));
        assert_eq!(field(b"777777777777"), Some((1 << 36) - 1));
    }

    #[test]
    fn refuses_what_readers_take_for_different_numbers() {
        for text in [
            "\x000644\0",
            "0644x\0\0\0",
            "-0000001",
            "+0000001",
            "0000008\0",
            "12 34\0\0\0",
        ] {
            assert_eq!(field(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn base_256_is_read_whole_or_not_at_all() {
        for value in [0, 1, 1 << 40, i64::MAX] {
            assert_eq!(field(&base(0x80, value)), Some(value));
        }
        for value in [-1, -1 << 40, i64::MIN] {
            assert_eq!(field(&base(0xff, value)), Some(value));
            assert_eq!(natural(&base(0xff, value)), None);
        }
        let mut large = base(0x80, 5);
        large[3] = 1;
        assert_eq!(field(&large), None);
        assert_eq!(field(&base(0x80, -1)), None, "2^64 - 1 does not fit");
        assert_eq!(field(&base(0x81, 1)), None);
        assert_eq!(
            field(&[0x80, 0, 0, 0, 0xb2, 0xd0, 0x5e, 0]),
            Some(0xb2d0_5e00)
        );
    }

    #[test]
    fn decimals_are_digits_only() {
        assert_eq!(decimal(b"123"), Some(123));
        for text in [&b""[..], b"+1", b"-1", b" 1", b"18446744073709551616"] {
            assert_eq!(decimal(text), None);
        }
    }
}
