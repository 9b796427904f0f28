//! What tells why a boot of the new system failed: one text of limited size, for whoever looks
//! from the jump system. Only looks; what cannot be learned is said in its place.

use std::path::Path;
use std::time::Duration;

use jumpspec::places;
use jumpsys::cmd::Program;
use jumpsys::kernel::kmsg;

/// Bytes kept of each part.
const PART: usize = 256 << 10;
/// How long a program may take; systemd itself may hang.
const LIMIT: Duration = Duration::from_secs(15);

/// The journal without the kernel's messages, which are a part of their own and may be many.
const JOURNAL: &[&str] = &[
    "--boot",
    "--output=short-monotonic",
    "--lines=1000",
    "_TRANSPORT=journal",
    "+",
    "_TRANSPORT=stdout",
    "+",
    "_TRANSPORT=syslog",
];

/// The text. `reason` stands in front.
pub(crate) fn gather(reason: &str) -> String {
    let systemctl = Path::new("/").join(places::SYSTEMCTL);
    let systemctl = |arguments: &[&str]| ask(&systemctl, arguments);
    let parts = [
        ("why the jump system comes back", reason.to_owned()),
        (
            "units that failed",
            systemctl(&["list-units", "--failed", "--plain", "--no-legend", "--full"]),
        ),
        (
            "jobs that systemd waits for",
            systemctl(&["list-jobs", "--no-legend", "--full"]),
        ),
        ("journal", ask(Path::new("/usr/bin/journalctl"), JOURNAL)),
        (
            "kernel log",
            kmsg::read_newest(PART).unwrap_or_else(|error| format!("{error}\n")),
        ),
    ];
    let shown = parts.map(|(title, text)| format!("== {title}\n{}\n", end_of(&text, PART)));
    shown.concat()
}

fn ask(program: &Path, arguments: &[&str]) -> String {
    let ran = Program::new(program)
        .args(arguments)
        .arg("--no-pager")
        .timeout(LIMIT)
        .run();
    match ran {
        Ok(output) => output.stdout_text(),
        Err(error) => format!("{:#}", anyhow::Error::from(error)),
    }
}

/// The last bytes of a text, at most `most` of them.
fn end_of(text: &str, most: usize) -> &str {
    let begin = text.len().saturating_sub(most);
    let begin = (begin..text.len()).find(|at| text.is_char_boundary(*at));
    &text[begin.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_no_character_is_cut() {
        assert_eq!(end_of("abc", 2), "bc");
        assert_eq!(end_of("aäb", 2), "b");
        assert_eq!(end_of("", 2), "");
    }

    #[test]
    fn the_reason_stands_first_whatever_programs_there_are() {
        let text = gather("no network");
        assert!(text.starts_with("== why the jump system comes back\nno network\n"));
        assert!(text.contains("== kernel log\n") && text.len() < 6 * PART);
    }
}
