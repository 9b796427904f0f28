//! What a machine says of itself on its way, and what it may boot after a stop there. Pure.

use jumpspec::run::task::Task;
use jumpspec::step::Step;

use super::writes::Writes;
use crate::vm::ROOT_UUID;
use crate::vm::loader::Choice;

const OLD: &[Choice] = &[Choice::Old];
const OLD_OR_JUMP: &[Choice] = &[Choice::Old, Choice::Jump];
const JUMP: &[Choice] = &[Choice::Jump];
const JUMP_OR_NEW: &[Choice] = &[Choice::Jump, Choice::New];
const NEW: &[Choice] = &[Choice::New];

/// What a kernel says early, with the arguments that it was given.
const ARGUMENTS: &str = "] Command line: ";
/// What the loader calls the jump system's kernel: a file below this directory.
const OF_JUMP: &str = "/EFI/jump/";
/// A kernel's last words.
const RESTARTS: &str = "] reboot: Restarting system";
/// What jumpimg puts in front of a step that is done.
const DONE: &str = "  ok  ";

/// The system whose kernel says that line of the console.
pub(super) fn kernel(line: &str) -> Option<Choice> {
    let (_, arguments) = line.split_once(ARGUMENTS)?;
    Some(if arguments.contains(OF_JUMP) {
        Choice::Jump
    } else if arguments.contains(ROOT_UUID) {
        Choice::Old
    } else {
        Choice::New
    })
}

/// Who is at work on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The firmware, or the loader that it has started.
    Firmware,
    /// A system, from its kernel's start on.
    System(Choice),
}

impl Who {
    /// In the order of a report.
    pub(super) const ALL: [Self; 4] = [
        Self::System(Choice::Old),
        Self::Firmware,
        Self::System(Choice::Jump),
        Self::System(Choice::New),
    ];

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Firmware => "firmware, loader",
            Self::System(Choice::Old) => "old system",
            Self::System(Choice::Jump) => "jump system",
            Self::System(Choice::New) => "new system",
        }
    }
}

/// How far a journey has come.
#[derive(Debug)]
pub(super) struct Story {
    /// The kernels of the jump system that have started.
    jumps: u32,
    /// The system whose kernel was the last to start.
    system: Choice,
    /// It is gone, and no other's has started yet.
    firmware: bool,
    /// What the node has said last.
    step: String,
    may_boot: &'static [Choice],
}

impl Story {
    /// The old system runs.
    pub(super) fn begin() -> Self {
        Self {
            jumps: 0,
            system: Choice::Old,
            firmware: false,
            step: "nothing".to_owned(),
            may_boot: OLD,
        }
    }

    /// What it may boot if it is stopped now.
    pub(super) fn may_boot(&self) -> &'static [Choice] {
        self.may_boot
    }

    /// Who is at work.
    pub(super) fn who(&self) -> Who {
        if self.firmware {
            Who::Firmware
        } else {
            Who::System(self.system)
        }
    }

    /// The last step.
    pub(super) fn step(&self) -> &str {
        &self.step
    }

    /// A line of jumpimg's. It comes later than what it is about, and counts while the old system runs:
    /// that says nothing on its console.
    pub(super) fn hear_push(&mut self, line: &str) {
        let done = line
            .strip_prefix(DONE)
            .and_then(|it| it.split("   ").next());
        if let (0, Some(step)) = (self.jumps, done) {
            step.clone_into(&mut self.step);
        }
    }

    /// A line of the console.
    pub(super) fn hear(&mut self, line: &str) {
        if let Some(system) = kernel(line) {
            self.start(system);
        } else if line.contains(RESTARTS) {
            self.firmware = true;
            "the machine restarts".clone_into(&mut self.step);
        } else if let Some((_, said)) = line.split_once("jump: ") {
            self.say(said.trim_end());
        }
    }

    fn start(&mut self, system: Choice) {
        (self.system, self.firmware) = (system, false);
        "its kernel starts".clone_into(&mut self.step);
        if system == Choice::Jump {
            self.jumps += 1;
            // The firmware has deleted BootNext, or the loader has spent the environment's "once".
            if self.may_boot == OLD_OR_JUMP {
                self.may_boot = OLD;
            }
        }
    }

    fn say(&mut self, said: &str) {
        let is = |step: &Step| said == Task::from(step).to_string();
        if self.system == Choice::Jump && is(&Step::Commit) {
            self.may_boot = OLD_OR_JUMP;
        } else if self.system == Choice::Jump && is(&Step::Try) {
            self.may_boot = JUMP_OR_NEW;
        } else if self.step == Task::from(&Step::Commit).to_string() {
            self.may_boot = JUMP;
        } else if self.step == Task::from(&Step::Try).to_string() {
            self.may_boot = NEW;
        }
        said.clone_into(&mut self.step);
    }

    /// Writes that were seen. Those to the store are turns: the old system arms when the selector is
    /// written, and the jump system that is proved once has the firmware's order follow.
    pub(super) fn see(&mut self, writes: Writes) {
        let arms = self.jumps == 0 && self.step == Task::from(&Step::WriteSelector).to_string();
        let follows = self.jumps == 1 && self.system == Choice::Jump;
        if writes.store > 0 && self.may_boot == OLD && (arms || follows) {
            self.may_boot = OLD_OR_JUMP;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: &str = "[    0.000000] Command line: BOOT_IMAGE=";

    fn store(story: &mut Story) {
        story.see(Writes { store: 1, esp: 0 });
    }

    fn start(story: &mut Story, kernel: &str) {
        story.hear(&format!("{STARTS}{kernel}"));
    }

    #[test]
    fn a_kernel_is_known_by_its_arguments() {
        let of = |arguments: &str| kernel(&format!("{STARTS}{arguments}"));
        let old = format!("/vmlinuz root=UUID={ROOT_UUID} ro");
        assert_eq!(of(&old), Some(Choice::Old));
        let jump = "(hd0,gpt1)/EFI/jump/landing/boot/vmlinuz rootfstype=ramfs jump.once";
        assert_eq!(of(jump), Some(Choice::Jump));
        assert_eq!(of("/vmlinuz root=UUID=1234 ro"), Some(Choice::New));
        assert_eq!(kernel("[    0.1] Linux version 6.1"), None);
    }

    #[test]
    fn what_may_boot_follows_the_turns_of_the_journey() {
        let mut story = Story::begin();
        store(&mut story);
        assert_eq!(story.may_boot(), OLD, "a trial is no turn");
        story.hear_push("  ok  write the selector                              2.2 s");
        store(&mut story);
        assert_eq!(story.may_boot(), OLD_OR_JUMP, "armed");
        start(&mut story, "(hd0,gpt1)/EFI/jump/landing/boot/vmlinuz");
        assert_eq!(story.may_boot(), OLD, "once is spent");
        store(&mut story);
        assert_eq!(story.may_boot(), OLD_OR_JUMP, "it follows");
        start(&mut story, "(hd0,gpt1)/EFI/jump/landing/boot/vmlinuz");
        store(&mut story);
        assert_eq!(story.may_boot(), OLD, "spent again");
        story.hear("jump: commit: jump is the default now\r");
        assert_eq!(story.may_boot(), OLD_OR_JUMP);
        story.hear("jump: lead the firmware's fallback to the jump system\r");
        assert_eq!(story.may_boot(), JUMP);
        story.hear("jump: give the new system its tries\r");
        assert_eq!(story.may_boot(), JUMP_OR_NEW);
        story.hear("jump: reboot into the new system\r");
        story.hear("[   99.000000] reboot: Restarting system\r");
        assert_eq!((story.who(), story.may_boot()), (Who::Firmware, NEW));
        start(&mut story, "/vmlinuz root=UUID=1234");
        assert_eq!(story.may_boot(), NEW);
    }
}
