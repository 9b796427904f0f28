//! Names from images as they can be shown: on a terminal, in JSON, in a page.
//!
//! A name in an image is any bytes but `/` and NUL. What is not UTF-8, control
//! characters (escape sequences begin with one), and characters that cannot be seen or
//! turn the direction of writing become Rust's escapes; a backslash becomes two, so
//! that two names never look the same.

use std::fmt::Write as _;

/// A name or a path.
pub fn name(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push(&mut shown, character);
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// A path below the root, with the slash in front.
pub fn path(bytes: &[u8]) -> String {
    format!("/{}", name(bytes))
}

/// A name in a message, which should not be filled by it: of what is longer than
/// [`SHORT`] bytes, beginning and end are shown.
pub fn short(bytes: &[u8]) -> String {
    if bytes.len() <= SHORT {
        return name(bytes);
    }
    let (begin, end) = (&bytes[..SHORT / 2], &bytes[bytes.len() - SHORT / 2..]);
    format!("{}…{}", name(begin), name(end))
}

/// What a line or two can hold; the longest name that a file system takes is 255 bytes.
const SHORT: usize = 320;

fn push(shown: &mut String, character: char) {
    match character {
        // `escape_debug` would quote them.
        '\'' | '"' => shown.push(character),
        // `escape_debug` would escape vowel signs, such as Thai and Hindi have.
        _ if character.is_alphanumeric() => shown.push(character),
        _ => shown.extend(character.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::{name, short};

    #[test]
    fn a_name_of_a_mebibyte_does_not_fill_the_screen() {
        let long = short(&vec![b'n'; 1 << 20]);
        assert!(long.len() < 400 && long.contains('…'));
        assert_eq!(short(b"short"), "short");
    }

    #[test]
    fn ordinary_names_are_shown_as_they_are() {
        let names = ["libstdc++.so.6", "it's \"fine\"", "Größe 日本 é"];
        for text in names {
            assert_eq!(name(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_could_move_the_cursor_or_the_text_is_escaped() {
        assert_eq!(name(b"a\x1b[2Jb\nc\x7f"), "a\\u{1b}[2Jb\\nc\\u{7f}");
        assert_eq!(name("x\u{9b}y\u{202e}z".as_bytes()), "x\\u{9b}y\\u{202e}z");
        assert_eq!(name("\u{2028}\u{200b}".as_bytes()), "\\u{2028}\\u{200b}");
    }

    #[test]
    fn bytes_that_are_no_text_and_backslashes_stay_apart() {
        assert_eq!(name(b"\xff\xfe"), "\\xff\\xfe");
        assert_eq!(name(b"\\xff"), "\\\\xff");
    }
}
