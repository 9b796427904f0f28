//! The jump kernel's command line: ours, the old system's consoles, the job's.

use super::Input;
use crate::node::facts::Facts;
use crate::plan::PlannedLanding;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::selector::ONCE;

/// Longer ones are cut off on x86 (`COMMAND_LINE_SIZE`, the kernel's arch/x86/include/asm/setup.h),
/// the NUL not counted.
const LONGEST: usize = 2047;

/// What the jump system's way up and back hangs on. Names as far as `=`, or whole words
/// (kernel-command-line(7), dracut.cmdline(7), initramfs-tools(7)).
const OURS: [&str; 30] = [
    "--",
    "1",
    "S",
    "b",
    "break",
    "emergency",
    "init",
    "initrd",
    ONCE,
    "panic",
    "rd.break",
    "rd.emergency",
    "rd.shell",
    "rd.systemd.unit",
    "rdinit",
    "rescue",
    "resume",
    "ro",
    "root",
    "rootfstype",
    "rootwait",
    "rw",
    "s",
    "single",
    "systemd.crash_reboot",
    "systemd.gpt_auto",
    "systemd.mask",
    "systemd.unit",
    "systemd.watchdog_sec",
    "watchdog.stop_on_reboot",
];

/// `panic=` makes a panic a reboot (kernel documentation, admin-guide/kernel-parameters) and
/// initramfs-tools reboot where it would open a shell, as `rd.…` does for dracut
/// (dracut.cmdline(7)); what lies on the disk by the types of its partitions is nobody's to mount or to
/// swap to (systemd-gpt-auto-generator(8)); the console is the one that the node was set up with.
///
/// A root in memory is a ramfs, which knows no size: a tmpfs there would end at half of the memory
/// (kernel documentation, filesystems/ramfs-rootfs-initramfs).
pub(super) fn planned(input: &Input<'_>, landing: &PlannedLanding) -> Vec<String> {
    let consoles = input
        .facts
        .kernel_arguments
        .iter()
        .filter(|argument| argument.starts_with("console="))
        .cloned();
    [
        if landing.is_in_memory() {
            "rootfstype=ramfs".to_owned()
        } else {
            format!("root=UUID={}", landing.fs_uuid)
        },
        "rw".to_owned(),
        "panic=10".to_owned(),
        "systemd.crash_reboot=yes".to_owned(),
        "systemd.gpt_auto=no".to_owned(),
        "rd.shell=0".to_owned(),
        "rd.emergency=reboot".to_owned(),
    ]
    .into_iter()
    .chain(
        watchdog_arguments(input.facts, landing)
            .iter()
            .map(ToString::to_string),
    )
    .chain(consoles)
    .chain(input.job.jump.kernel_arguments.iter().cloned())
    .collect()
}

/// systemd pets the hardware's watchdog (kernel-command-line(7)), which runs on while the
/// machine restarts: ten minutes are more than firmware and loader take, and less than
/// common watchdogs can count.
///
/// Where kexec starts the jump system that may be the only driver of a watchdog, so it is asked for
/// whatever the old system has.
fn watchdog_arguments(facts: &Facts, landing: &PlannedLanding) -> &'static [&'static str] {
    if facts.watchdogs.is_empty() && !landing.is_volatile() {
        &[]
    } else {
        &["systemd.watchdog_sec=600", "watchdog.stop_on_reboot=0"]
    }
}

/// What stands against the job's arguments and against the whole line.
pub(super) fn refusals(input: &Input<'_>, planned: &[String]) -> Vec<Refusal> {
    let refuse =
        |message: String, hint: &str| Refusal::new(RefusalCode::KernelArgument, message, hint);
    let fights = |argument: &&String| {
        let name = argument.split('=').next().unwrap_or_default();
        OURS.contains(&name.trim_start_matches('-')) || OURS.contains(&name)
    };
    let mut refusals: Vec<Refusal> = input
        .job
        .jump
        .kernel_arguments
        .iter()
        .filter(fights)
        .map(|argument| {
            refuse(
                format!("[jump] kernel_arguments: {argument:?} is the jump system's own to set"),
                "leave it out",
            )
        })
        .collect();
    let length = planned
        .iter()
        .map(String::as_str)
        .chain([ONCE])
        .map(|argument| argument.len() + 1)
        .sum::<usize>();
    if length > LONGEST {
        refusals.push(refuse(
            format!("the jump kernel's arguments have {length} bytes; a kernel reads {LONGEST}"),
            "shorten [jump] kernel_arguments",
        ));
    }
    refusals
}
