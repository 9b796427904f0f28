//! Why something failed, as the journal keeps it: in one line, cut to the room that there is when it is
//! written ([`jumpspec::journal::Journal::to_bytes`]).

/// A failure as the journal keeps it.
pub(crate) fn for_journal(error: &anyhow::Error) -> String {
    one_line(&format!("{error:#}"))
}

/// A text in one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_many_lines_is_one() {
        assert_eq!(one_line("a\n  b\tc\n"), "a b c");
        assert_eq!(one_line(""), "");
    }
}
