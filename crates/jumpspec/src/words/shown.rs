//! What a node, an image or a file says, as it can be shown: on a terminal, in JSON, in a page.
//!
//! A name in an image is any bytes but `/` and NUL, and a node's words are any characters. What
//! is not UTF-8, control characters (escape sequences begin with one), and characters that
//! cannot be seen or turn the direction of writing become Rust's escapes. In a name a backslash
//! becomes two, so that two names never look the same; in prose it stays.

use std::borrow::Cow;
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

/// Prose, which may have names in it that are shown already, as one line.
pub fn line(text: &str) -> Cow<'_, str> {
    if text
        .chars()
        .all(|character| character == '\\' || is_plain(character))
    {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => shown.push(character),
            _ => push(&mut shown, character),
        }
    }
    shown.into()
}

/// JSON, which stays the same JSON: characters that could do something to a terminal can only
/// be in its strings, where they become `\u` escapes (RFC 8259, 7). White space between its
/// tokens stays.
pub fn json(text: &str) -> Cow<'_, str> {
    let stays = |character| matches!(character, '\\' | '\n') || is_plain(character);
    if text.chars().all(stays) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if stays(character) {
            shown.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
    }
    shown.into()
}

fn push(shown: &mut String, character: char) {
    if is_plain(character) {
        shown.push(character);
    } else {
        shown.extend(character.escape_debug());
    }
}

/// Whether a character can be shown as it is.
fn is_plain(character: char) -> bool {
    // `escape_debug` would quote the quotes, and escape vowel signs, such as Thai and Hindi have.
    matches!(character, '\'' | '"')
        || character.is_alphanumeric()
        || character.escape_debug().len() == 1
}

#[cfg(test)]
mod tests {
    use super::{json, line, name, short};

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
    fn words_stay_on_their_line_and_are_shown_once_only() {
        let shown = line("no link\nerror: \u{1b}]52;c;AAAA\u{7}\tC:\\x it's");
        assert_eq!(
            shown,
            "no link\\nerror: \\u{1b}]52;c;AAAA\\u{7}\\tC:\\x it's"
        );
        assert_eq!(line(&shown), shown);
    }

    #[test]
    fn json_stays_the_same_json() {
        let text = "{\n  \"a\\n\": \"x\u{9b}2J\u{202e}\u{e0001}\u{7f}é\"\n}";
        let shown = json(text);
        assert_eq!(
            shown,
            "{\n  \"a\\n\": \"x\\u009b2J\\u202e\\udb40\\udc01\\u007fé\"\n}"
        );
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(parse(&shown), parse(text));
    }

    #[test]
    fn bytes_that_are_no_text_and_backslashes_stay_apart() {
        assert_eq!(name(b"\xff\xfe"), "\\xff\\xfe");
        assert_eq!(name(b"\\xff"), "\\\\xff");
    }
}
