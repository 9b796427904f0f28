//! Why something failed, in the room that the journal has for it.

/// Bytes of a failure that the journal keeps; a slot has 4 KiB.
const FAILURE: usize = 1500;

/// A failure as the journal keeps it.
pub(crate) fn for_journal(error: &anyhow::Error) -> String {
    shortened(&format!("{error:#}"))
}

/// A reason as the journal keeps it.
pub(crate) fn shortened(reason: &str) -> String {
    one_line(reason, FAILURE)
}

/// A text in one line of at most `most` bytes.
fn one_line(text: &str, most: usize) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(cut) = (0..=most.min(line.len())).rfind(|at| line.is_char_boundary(*at)) {
        line.truncate(cut);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_failure_of_many_lines_fits_into_the_journal() {
        assert_eq!(one_line("a\n  b\tc\n", 99), "a b c");
        assert_eq!(one_line("aää", 4), "aä");
        assert_eq!(one_line("", 4), "");
    }
}
