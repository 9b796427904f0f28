//! Which branches of a script anything calls.

use super::shell::Branch;
use super::variables::Given;

/// How a script names itself.
const ITSELF: [&str; 3] = ["$me", "${me}", "$0"];

/// Whether a `remote` line calls the script of this name with the branch's argument, or the script does
/// itself, as that of the sample has the jump system call `restore`.
pub(super) fn is_called(branch: Branch, name: &str, text: &str, given: &Given) -> bool {
    let names: Vec<&str> = [Some(name), given.setup.as_deref()]
        .into_iter()
        .flatten()
        .chain(ITSELF)
        .collect();
    let own = text.lines().map(str::trim).filter(|line| !only_tells(line));
    let mut lines = given.remote.iter().map(String::as_str).chain(own);
    lines.any(|line| calls(line, &names, branch.name()))
}

/// Whether a line is a comment, or prints something that no file gets.
fn only_tells(line: &str) -> bool {
    let prints = ["echo", "printf"].map(|word| line.starts_with(word));
    line.starts_with('#') || prints.contains(&true) && !line.contains('>')
}

/// Whether a word that ends in one of the names is followed by the argument.
fn calls(line: &str, names: &[&str], argument: &str) -> bool {
    let apart = |c: char| c.is_whitespace() || ";&|()`\"'".contains(c);
    let words: Vec<&str> = line.split(apart).filter(|word| !word.is_empty()).collect();
    let is_script = |word: &str| {
        names.iter().any(|name| {
            let before = word.strip_suffix(name);
            before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
        })
    };
    let mut pairs = words.windows(2);
    pairs.any(|pair| is_script(pair[0]) && pair[1] == argument)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_the_scripts_name_and_the_branchs_argument() {
        let cases = [
            ("/jumpfiles/jump2.sh restore", true),
            ("bash -x /jumpfiles/jump2.sh restore || true", true),
            ("echo \"$JUMP_DIR/$me restore $X\" >> $f", true),
            ("\"$0\" restore", true),
            ("echo \"Syntax: ${me} prep | save | restore\"", false),
            ("/jumpfiles/notjump2.sh restore", false),
            ("/jumpfiles/jump2.sh restored", false),
            ("jump2.sh save; restore", false),
        ];
        for (line, wanted) in cases {
            let given = Given {
                remote: vec![line.to_owned()],
                ..Given::default()
            };
            let tells = "# $0 restore\necho \"Syntax: $0 restore\"\n";
            let found = is_called(Branch::Restore, "jump2.sh", tells, &given);
            assert_eq!(found, wanted, "{line}");
        }
    }
}
