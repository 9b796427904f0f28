//! Lines of an `sshd_config`, and what `sshd -t` says of them.

/// Keywords that say who may log in, how, or where. A line with one of them is never left out:
/// without it the node would be open to others, or closed to those who come.
const GUARDS: &str = "match allowusers denyusers allowgroups denygroups authenticationmethods
    requiredauthentications2 passwordauthentication permitrootlogin permitemptypasswords
    pubkeyauthentication kbdinteractiveauthentication challengeresponseauthentication
    kerberosauthentication gssapiauthentication hostbasedauthentication forcecommand
    chrootdirectory refuseconnection authorizedkeysfile authorizedkeyscommand
    authorizedkeyscommanduser authorizedkeyscommandrunas trustedusercakeys revokedkeys
    authorizedprincipalsfile authorizedprincipalscommand authorizedprincipalscommanduser
    listenaddress addressfamily port strictmodes usepam hostkey include";

/// Begins what stands in place of a line that was left out.
const LEFT_OUT: &str = "# left out by jump, the new system's sshd refuses it: ";

/// The words of a line: the keyword in lower case, then its arguments. None for a comment.
/// Keyword and arguments may be apart by `=` (sshd_config(5)).
pub(super) fn words(line: &str) -> Vec<String> {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=');
    let (keyword, rest) = line.split_at(end.unwrap_or(line.len()));
    if keyword.is_empty() || keyword.starts_with('#') {
        return Vec::new();
    }
    let rest = rest.trim_start().trim_start_matches('=');
    let arguments = rest
        .split_whitespace()
        .take_while(|word| !word.starts_with('#'))
        .map(|word| word.trim_matches('"').to_owned());
    std::iter::once(keyword.to_ascii_lowercase())
        .chain(arguments)
        .collect()
}

/// Whether a line may be left out where sshd refuses it.
pub(super) fn may_go(line: &str) -> bool {
    let guarded = |keyword: &String| GUARDS.split_whitespace().any(|guard| guard == keyword);
    words(line).first().is_some_and(|keyword| !guarded(keyword))
}

/// The text with its line `number` (from 1) made a comment; `None` if there is no such line, or
/// it says who may log in.
pub fn leave_out(text: &str, number: usize) -> Option<String> {
    let index = number.checked_sub(1)?;
    text.lines().nth(index).filter(|line| may_go(line))?;
    let lines = text.lines().enumerate().map(|(at, line)| {
        let mark = if at == index { LEFT_OUT } else { "" };
        format!("{mark}{line}\n")
    });
    Some(lines.collect())
}

/// A line that sshd refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file, an absolute path.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What sshd says of it.
    pub words: String,
}

/// The lines that sshd refuses, by what `sshd -t` wrote to stderr (OpenSSH's servconf.c: `FILE
/// line N: …`, and `FILE: line N: …` for an unknown keyword). Warnings are none.
pub fn complaints(stderr: &str) -> Vec<Complaint> {
    stderr.lines().filter_map(complaint).collect()
}

fn complaint(said: &str) -> Option<Complaint> {
    let (file, rest) = said.trim().split_once(" line ")?;
    let (line, words) = rest.split_once(": ")?;
    let is_warning = ["Deprecated option", "Unsupported option"]
        .iter()
        .any(|warning| words.starts_with(warning));
    let file = file.trim_end_matches(':');
    (file.starts_with('/') && !is_warning).then_some(Complaint {
        file: file.to_owned(),
        line: line.parse().ok()?,
        words: words.to_owned(),
    })
}
