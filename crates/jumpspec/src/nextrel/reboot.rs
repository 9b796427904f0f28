//! Commands by which a node goes down, and the connection with it.

/// Programs that end what runs; and the file by which the kernel is told to (sysrq).
const ENDING: [&str; 8] = [
    "reboot",
    "shutdown",
    "halt",
    "poweroff",
    "init",
    "telinit",
    "kexec",
    "sysrq-trigger",
];

/// Whether a command has such a program in it: a word, with or without its path.
pub fn may_end_the_connection(command: &str) -> bool {
    let is_between = |c: char| c.is_whitespace() || ";&|()<>`".contains(c);
    let mut words = command.split(is_between);
    words.any(|word| {
        let name = word.rsplit('/').next().unwrap_or_default();
        ENDING.contains(&name)
    })
}
