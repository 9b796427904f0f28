//! The scripts that jumpimg sends, known by their words. Pure.
//!
//! A login shell and sh(1) would run them; here they are read, so that a thousand nodes cost no shells.

use jumpspec::step::ImageRole;

/// Before the words of a command; see jumpimg's `ssh/shell.rs`.
const BEFORE: &str = r#"exec /bin/sh -c 'eval "$(printf %b "$@")"' sh"#;
const MARK: (&str, &str) = ("printf '\\n%s\\n' '", "'\n(\n");
const AFTER: &str = "\n)\ncode=$?\n[ $code -ne 255 ] || code=254\nexit $code";

/// A command: what it prints first, and what it does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The line that is printed first.
    pub(super) mark: String,
    /// The script.
    pub(super) script: String,
}

impl Command {
    /// What ssh is given as a command.
    pub(super) fn read(command: &str) -> Option<Self> {
        let words = command.strip_prefix(BEFORE)?.strip_prefix(" '")?;
        let words = words.strip_suffix('\'')?.replace("' '", "");
        let told = unescaped(&words)?;
        let (mark, rest) = told.strip_prefix(MARK.0)?.split_once(MARK.1)?;
        Some(Self {
            mark: mark.to_owned(),
            script: rest.strip_suffix(AFTER)?.to_owned(),
        })
    }
}

/// printf's `%b` where all that is not plain is `\0` and three octal digits.
fn unescaped(words: &str) -> Option<String> {
    let mut pieces = words.split("\\0");
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (octal, rest) = piece.split_at_checked(3)?;
        bytes.push(u8::from_str_radix(octal, 8).ok()?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok()
}

/// What a script does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// Reads to the end: the master connection.
    Hold,
    /// Makes the private directory of this run.
    MakeDirectory(String),
    /// Takes `jumpinit` into a directory.
    TakeProgram(String),
    /// Takes a file into a directory.
    TakeFile { directory: String, name: String },
    /// Removes a private directory.
    RemoveDirectory(String),
    /// `cat /proc/sys/kernel/random/boot_id`.
    BootId,
    /// `cat /proc/uptime`.
    Uptime,
    /// Tells the boot, whether the new system's jumpinit is there, and the report of a run that is over.
    Look,
    /// Prints the events.
    ReadEvents,
    /// Prints what a failed boot has left.
    ReadFailedBoot,
    /// Follows the events from this byte on.
    FollowEvents(u64),
    /// Prints those that are there, from this byte on.
    ReadEventsFrom(u64),
    /// Runs `jumpinit`.
    Jumpinit(Order),
}

/// An order for `jumpinit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Facts,
    Status,
    Kept,
    Events,
    FailedBoot,
    Stage { directory: String },
    Arm,
    Receive { image: ImageRole, offset: u64 },
    Reboot,
    TakeBack { run: Option<String> },
    Hello,
    Resume,
}

impl Script {
    /// What `script` does; none if it is not known here.
    pub(super) fn read(script: &str) -> Option<Self> {
        let script = still_there(script);
        let after = |start: &str| script.strip_prefix(start);
        match script {
            "exec cat >/dev/null" => return Some(Self::Hold),
            "cat /proc/sys/kernel/random/boot_id" => return Some(Self::BootId),
            "cat /proc/uptime" => return Some(Self::Uptime),
            _ => {}
        }
        if after("umask 077\nexport LC_ALL=C\nmine()").is_some() {
            let (_, run) = script.split_once("/jump-")?;
            return Some(Self::MakeDirectory(run.lines().next()?.to_owned()));
        }
        if let Some(rest) = after("cd ") {
            let (directory, rest) = quoted(rest)?;
            let taken = rest.strip_prefix(" && umask 077 && cat >")?;
            let (name, rest) = taken.split_once(".new && ")?;
            return Some(if rest.ends_with(" --version") {
                Self::TakeProgram(directory)
            } else {
                Self::TakeFile {
                    directory,
                    name: name.to_owned(),
                }
            });
        }
        if let Some(rest) = after("[ ! -d ") {
            return Some(Self::RemoveDirectory(quoted(rest)?.0));
        }
        if after("echo boot $(cat /proc/sys/kernel/random/boot_id); ").is_some() {
            return Some(Self::Look);
        }
        if after("for file in /jump/log/events.jsonl ").is_some() {
            return Some(Self::ReadEvents);
        }
        if after("for file in /jump/log/failed-boot-").is_some() {
            return Some(Self::ReadFailedBoot);
        }
        if let Some((_, from)) = script.split_once("exec tail -c +") {
            let from: u64 = from.split(' ').next()?.parse().ok()?;
            let from = from.checked_sub(1)?;
            return Some(if after("[ ! -e /jump/log/events.jsonl ] || ").is_some() {
                Self::ReadEventsFrom(from)
            } else {
                Self::FollowEvents(from)
            });
        }
        let (program, order) = quoted(after("exec ")?)?;
        let is_jumpinit = program.ends_with("/jumpinit") || program == "/etc/rc.local";
        Some(Self::Jumpinit(
            Order::read(order.trim()).filter(|_| is_jumpinit)?,
        ))
    }
}

impl Order {
    fn read(order: &str) -> Option<Self> {
        let words: Vec<&str> = order.split(' ').collect();
        let option = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            Some(words.get(at + 1)?.trim_matches('\''))
        };
        Some(match *words.first()? {
            "facts" => Self::Facts,
            "status" => Self::Status,
            "kept" => Self::Kept,
            "events" if words.contains(&"--failed-boot") => Self::FailedBoot,
            "events" => Self::Events,
            "stage" => Self::Stage {
                directory: option("--work")?.to_owned(),
            },
            "arm" => Self::Arm,
            "receive" => Self::Receive {
                image: match option("--image")? {
                    "jump" => ImageRole::Jump,
                    "target" => ImageRole::Target,
                    _ => return None,
                },
                offset: option("--offset")?.parse().ok()?,
            },
            "reboot" => Self::Reboot,
            "take-back" => Self::TakeBack {
                run: option("--run").map(str::to_owned),
            },
            "hello" => Self::Hello,
            "resume" => Self::Resume,
            _ => return None,
        })
    }
}

/// What follows the question whether the private directory is there, which whoever uses that one answers.
fn still_there(script: &str) -> &str {
    let asks = script.starts_with("[ -x '");
    let rest = script.split_once("\n}\n").filter(|_| asks);
    rest.map_or(script, |(_, rest)| rest)
}

/// A word in single quotes without any within, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (word, rest) = text.strip_prefix('\'')?.split_once('\'')?;
    Some((word.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_taken_out_of_its_words_as_a_shell_would() {
        let command = concat!(
            r#"exec /bin/sh -c 'eval "$(printf %b "$@")"' sh "#,
            r"'printf \0047\0134n\0045s\0134n\0047 \0047\0133jump 00ff\0135\0047\0012\0050\0012cat /pr' ",
            r"'oc/uptime\0012\0051\0012code=\0044\0077\0012\0133 \0044code -ne 255 \0135 \0174\0174 code=254\0012exit \0044code'"
        );
        let wanted = Command {
            mark: "[jump 00ff]".to_owned(),
            script: "cat /proc/uptime".to_owned(),
        };
        assert_eq!(Command::read(command), Some(wanted));
        assert_eq!(Command::read("true"), None);
    }

    #[test]
    fn scripts_are_known_by_their_words_and_others_are_not() {
        let read = |script: &str| Script::read(script);
        let directory = "/dev/shm/jump-7".to_owned();
        assert_eq!(
            read(
                "cd '/dev/shm/jump-7' && umask 077 && cat >bundle.json.new && mv bundle.json.new bundle.json"
            ),
            Some(Script::TakeFile {
                directory: directory.clone(),
                name: "bundle.json".to_owned()
            })
        );
        assert_eq!(
            read(
                "exec '/dev/shm/jump-7/jumpinit' receive --image target --offset 12 --work '/dev/shm/jump-7'"
            ),
            Some(Script::Jumpinit(Order::Receive {
                image: ImageRole::Target,
                offset: 12
            }))
        );
        let asked = "[ -x '/dev/shm/jump-7/jumpinit' ] || {\n  exit 69\n}\nexec '/dev/shm/jump-7/jumpinit' arm --work '/dev/shm/jump-7'";
        assert_eq!(read(asked), Some(Script::Jumpinit(Order::Arm)));
        assert_eq!(
            read("exec '/dev/shm/jump-7/jumpinit' stage --work '/dev/shm/jump-7'"),
            Some(Script::Jumpinit(Order::Stage { directory }))
        );
        assert_eq!(
            read(
                "until [ -e /jump/log/events.jsonl ]; do sleep 1; done; exec tail -c +8 -f /jump/log/events.jsonl"
            ),
            Some(Script::FollowEvents(7))
        );
        assert_eq!(
            read("[ ! -e /jump/log/events.jsonl ] || exec tail -c +8 /jump/log/events.jsonl"),
            Some(Script::ReadEventsFrom(7))
        );
        assert_eq!(read("exec 'false' status"), None);
        assert_eq!(read("rm -rf /"), None);
    }
}
