//! Keys that let somebody in: lines of `authorized_keys`. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.

/// Whether a line holds a key that gives its owner a shell: not one that runs a command of its own
/// (`command="…"`), whatever is asked, as images of clouds have for root.
pub fn is_way_in(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return false;
    }
    let first = first_field(line);
    is_key_type(first) || !options(first).any(|option| is_forced(&option))
}

/// Key types have no quotes and no equals sign; options of one word (`restrict`) are none of them.
fn is_key_type(field: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"]
        .iter()
        .any(|family| field.starts_with(family))
}

fn is_forced(option: &str) -> bool {
    let name = option.split('=').next().unwrap_or_default();
    name.eq_ignore_ascii_case("command")
}

/// Up to the first white space that is not quoted.
fn first_field(line: &str) -> &str {
    let mut quotes = Quotes::default();
    let end = line.find(|c: char| !quotes.hold(c) && c.is_ascii_whitespace());
    &line[..end.unwrap_or(line.len())]
}

fn options(field: &str) -> impl Iterator<Item = String> {
    let mut quotes = Quotes::default();
    let parts = field.split(move |c: char| !quotes.hold(c) && c == ',');
    parts.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// Whether a text is within double quotes, in which a backslash takes the next one's meaning.
#[derive(Debug, Default)]
struct Quotes {
    within: bool,
    escaped: bool,
}

impl Quotes {
    /// Takes the next character; whether it stands within quotes.
    fn hold(&mut self, c: char) -> bool {
        let was_escaped = std::mem::replace(&mut self.escaped, self.within && c == '\\');
        if c == '"' && !was_escaped {
            self.within = !self.within;
        }
        self.within
    }
}

#[cfg(test)]
mod tests {
    use super::is_way_in;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEFhQWE= ada@host";

    #[test]
    fn a_plain_key_and_one_with_other_options_are_ways_in() {
        for options in ["", "no-pty ", "from=\"10.0.0.0/8,!10.1.1.1\",restrict,pty "] {
            assert!(is_way_in(&format!("{options}{KEY}")), "{options}");
        }
        assert!(is_way_in("environment=\"X=command=1\" ssh-rsa AAAA"));
    }

    #[test]
    fn a_key_that_runs_a_command_of_its_own_is_none() {
        for options in [
            "command=\"echo no\"",
            "no-pty,COMMAND=\"rsync --server\"",
            "from=\"a,b \\\" c\",command=\"x\"",
        ] {
            assert!(!is_way_in(&format!("{options} {KEY}")), "{options}");
        }
        assert!(!is_way_in("# ssh-rsa AAAA") && !is_way_in("  "));
    }
}
