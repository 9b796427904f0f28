//! The words of a command, as far as they can be told without a shell.

/// A line with single blanks and none around it.
pub(super) fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What could be the name of a command in a text, and more: its words without directories. A word
/// too many costs a look by a person, one too few a node.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    let apart = |c: char| c.is_whitespace() || ";&|()`\"'{}<>=".contains(c);
    let words = text.split(apart).filter(|word| !word.is_empty());
    words.map(|word| word.rsplit('/').next().unwrap_or(word))
}

/// Whether a text has a path or a variable in it that goes on with no more of a name.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let after = text[at + name.len()..].chars().next();
        !after.is_some_and(is_name)
    })
}

/// Whether a text has the shell's variable in it.
pub(super) fn uses(text: &str, variable: &str) -> bool {
    mentions(text, &format!("${variable}")) || mentions(text, &format!("${{{variable}"))
}

/// A word as a shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The name and the value of a line that sets a shell's variable and does nothing else.
pub(super) fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim().split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty()
        || !name.chars().all(is_name)
        || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (value, rest) = if let Some(quote) = quote {
        value[1..].split_once(quote)?
    } else {
        let end = value.find([' ', '\t', ';']).unwrap_or(value.len());
        value.split_at(end)
    };
    let rest = rest.trim_start_matches([' ', '\t', ';']);
    let is_plain = quote.is_some() || !value.contains(['`', '"', '\'', '(', '\\']);
    ((rest.is_empty() || rest.starts_with('#')) && is_plain).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_a_command_could_stand() {
        let found = |text: &str| names(text).any(|name| name == "mount");
        for text in [
            "mount /x",
            "a;/bin/mount x",
            "x=`mount`",
            "(mount)",
            "$(mount)",
        ] {
            // `$(` leaves its dollar behind.
            assert!(found(text), "{text}");
        }
        assert!(!found("umount /x") && !found("mountpoint /x"));
    }

    #[test]
    fn a_longer_name_is_another_one() {
        assert!(uses("cp $JUMP_DIR/x", "JUMP_DIR") && uses("${JUMP_DIR}", "JUMP_DIR"));
        assert!(!uses("$JUMP_DIRS", "JUMP_DIR"));
        assert!(mentions("cd /mnt", "/mnt") && !mentions("cd /mnt2", "/mnt"));
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        assert_eq!(quoted("a.tgz"), "a.tgz");
        assert_eq!(quoted("it's $x"), r"'it'\''s $x'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn an_assignment_does_nothing_else() {
        assert_eq!(assignment("A=\"x y\"; # z"), Some(("A", "x y")));
        assert_eq!(assignment(" A=x"), Some(("A", "x")));
        for line in [
            "A=x cmd",
            "a b=c",
            "A=`x`",
            "A=$(x)",
            "A=\"x\"y",
            "=x",
            "1=x",
            "[ a = b ]",
        ] {
            assert_eq!(assignment(line), None, "{line}");
        }
    }
}
