//! The new system while it is on trial: whatever goes wrong in its boot ends in a reboot, and so
//! in the selector, which counts. Nothing waits for a person.

/// What the kernel is given besides. A panic reboots, also that of initramfs-tools, which looks at
/// `panic=` before it opens a shell (its scripts/functions); a systemd that crashes reboots
/// (systemd(1)); dracut reboots in place of its emergency shell (dracut.cmdline(7)). The swap to
/// resume from is lent to the jump system, and an initramfs would wait for it (initramfs-tools(7),
/// `noresume`).
pub const ARGUMENTS: [&str; 5] = [
    "panic=10",
    "systemd.crash_reboot=yes",
    "rd.shell=0",
    "rd.emergency=reboot",
    "noresume",
];

/// Stands behind what grub-mkconfig wrote, so that it counts (GRUB manual, "Special environment
/// variables"): no menu waits, whatever `recordfail` or an unset `timeout` says, for noise on a
/// serial line would stop its clock; and no page waits for a key.
const END: &str = "
# jump: while this system is on trial
set timeout=0
set pager=0
";

/// grub-mkconfig's text, for the trial. What cannot be loaded leads to a reboot in place of the
/// menu, which would wait (tried: docs/boot.md).
pub fn grub_config(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(on_trial).collect();
    lines.push(END.to_owned());
    lines.join("\n")
}

fn on_trial(line: &str) -> String {
    let begin = line.len() - line.trim_start().len();
    let (indent, command) = line.split_at(begin);
    let command = match command.split_whitespace().next() {
        Some("linux" | "linux16" | "linuxefi") => with_arguments(command),
        Some("initrd" | "initrd16" | "initrdefi") => command.to_owned(),
        _ => return line.to_owned(),
    };
    format!("{indent}if {command}; then true; else reboot; fi")
}

/// Of several arguments of a name the kernel takes the last, so what a line has is left there and
/// ours come behind it, unless they are what counts already.
fn with_arguments(command: &str) -> String {
    let missing = ARGUMENTS.iter().filter(|argument| {
        let name = argument.split_inclusive('=').next().unwrap_or(argument);
        let mut words = command.split_whitespace();
        words.rfind(|word| word.starts_with(name)) != Some(**argument)
    });
    missing.fold(command.trim_end().to_owned(), |command, argument| {
        format!("{command} {argument}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
if [ \"${recordfail}\" = 1 ] ; then
  set timeout=-1
fi
menuentry 'Debian' --class debian {
\tlinux\t/vmlinuz-6.12 root=UUID=abcd ro  quiet panic=0
\tinitrd\t/initrd.img-6.12
}
submenu 'more' {
\tmenuentry 'recovery' {
\t\tlinux /vmlinuz-6.12 root=UUID=abcd rd.shell=0 single
\t}
}
";

    #[test]
    fn every_kernel_gets_all_arguments_last_and_a_reboot_where_it_cannot_be_loaded() {
        let config = grub_config(CONFIG);
        let lines: Vec<&str> = config.lines().collect();
        assert_eq!(
            [lines[4], lines[5], lines[9]],
            [
                "\tif linux\t/vmlinuz-6.12 root=UUID=abcd ro  quiet panic=0 panic=10 \
                 systemd.crash_reboot=yes rd.shell=0 rd.emergency=reboot noresume; \
                 then true; else reboot; fi",
                "\tif initrd\t/initrd.img-6.12; then true; else reboot; fi",
                "\t\tif linux /vmlinuz-6.12 root=UUID=abcd rd.shell=0 single panic=10 \
                 systemd.crash_reboot=yes rd.emergency=reboot noresume; then true; else reboot; fi",
            ]
        );
    }

    #[test]
    fn an_endless_wait_is_overruled_behind_all_else() {
        let config = grub_config(CONFIG);
        let waits: Vec<&str> = config
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("set timeout="))
            .collect();
        assert_eq!(waits, ["set timeout=-1", "set timeout=0"]);
        assert!(config.find("timeout=0") > config.find("submenu"));
    }

    #[test]
    fn the_rest_stays_as_it_is() {
        let config = grub_config(CONFIG);
        let wrapped = |line: &&str| !line.contains("linux") && !line.contains("initrd");
        let rest: Vec<&str> = CONFIG.lines().filter(wrapped).collect();
        let now: Vec<&str> = config.lines().filter(wrapped).collect();
        assert_eq!(now[..rest.len()], rest);
    }
}
