//! A rehearsal in memory: kexec starts the jump system from the old one, nothing is armed and nothing
//! written to a partition, so that a reset at any moment is the old system.
//!
//! It is a rehearsal of a push: what stands against that stands against this.

use super::{Hangs, ImageFile, Input, Rehearsal, arguments, dhcp, disk, in_memory, plan};
use crate::boot::PlannedBoot;
use crate::job::Joint;
use crate::node::starting::Taking;
use crate::plan::{LandingKind, Plan, PlannedLanding, Steps};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::run::arm::HEARS_WITHIN;
use crate::step::{ImageRole, Step};
use crate::words::size::Size;

/// What else there is to do where this cannot be done.
const BY_FIRMWARE: &str = "rehearse by the firmware (`--rehearse=firmware`)";

/// The plan, or all that stands against it.
pub(super) fn in_memory(input: &Input<'_>, hangs: Hangs) -> Result<Plan, Vec<Refusal>> {
    let by_firmware = Input {
        rehearsal: Some(Rehearsal::Firmware),
        ..*input
    };
    let mut against = refusals(input, hangs);
    let plan = match plan(&by_firmware) {
        Ok(plan) => plan,
        Err(refusals) => {
            against.extend(refusals);
            return Err(against);
        }
    };
    let plan = turned(plan, input, hangs).map_err(|refusal| vec![refusal])?;
    against.extend(arguments::refusals(input, &plan.jump.arguments));
    if against.is_empty() {
        Ok(plan)
    } else {
        Err(against)
    }
}

/// What stands against kexec on this node, and against a system in its memory.
fn refusals(input: &Input<'_>, hangs: Hangs) -> Vec<Refusal> {
    let facts = input.facts;
    let mut refusals = Vec::new();
    if hangs == Hangs::Watchdog && facts.watchdogs.is_empty() {
        refusals.push(Refusal::new(
            RefusalCode::WatchdogMissing,
            "the node has no hardware watchdog: a jump system whose kernel hangs in its memory stays hung until its power is turned off and on",
            "load the driver of its watchdog, or say --without-watchdog if somebody can turn its power off and on",
        ));
    }
    refusals.extend(not_taken(facts.starting.kernel));
    let is_signed = input.jump.manifest.signed.is_some();
    if facts.starting.locked_down && !is_signed {
        refusals.push(Refusal::new(
            RefusalCode::KernelUnsigned,
            format!(
                "the node's kernel is locked down and starts signed kernels alone, and the jump image {} is not made for Secure Boot",
                input.jump.manifest.name
            ),
            "install shim-signed, grub-efi-amd64-signed and the distribution's own kernel in its golden root and build it again",
        ));
    }
    if !facts.starting.systemd {
        refusals.push(Refusal::new(
            RefusalCode::InitUnsupported,
            "systemd is not the node's init: that its file systems are unmounted before kexec starts another kernel is not known",
            BY_FIRMWARE,
        ));
    }
    refusals.extend(too_little_memory(input));
    refusals.extend(in_memory::unfit(input));
    refusals
}

fn not_taken(kernel: Taking) -> Option<Refusal> {
    let (why, hint) = match kernel {
        Taking::Takes => return None,
        Taking::Unknown => (
            "whether the node's kernel takes another one by kexec is not known",
            "use a jumpimg and a jumpinit of the same version",
        ),
        Taking::Without => (
            "the node's kernel was built without kexec_file_load (CONFIG_KEXEC_FILE)",
            BY_FIRMWARE,
        ),
        Taking::Disabled => (
            "kexec is disabled on the node until its next boot (kernel.kexec_load_disabled, or a kexec_load_limit of 0)",
            "find out what sets it at boot (`grep -r kexec /etc/sysctl.d`), take it out for one boot, or rehearse by the firmware (`--rehearse=firmware`)",
        ),
        Taking::NotAllowed => (
            "the node's kernel does not let this login load another one",
            BY_FIRMWARE,
        ),
    };
    Some(Refusal::new(RefusalCode::KexecDisabled, why, hint))
}

/// While the old system runs the root lies in memory unpacked, packed, and twice in the kernel's hands;
/// then it lies there packed and unpacked.
fn too_little_memory(input: &Input<'_>) -> Vec<Refusal> {
    let facts = input.facts;
    let packed = in_memory::packed_in_haste(input);
    let in_jump = [
        packed,
        in_memory::unpacked(input),
        in_memory::at_work(facts),
    ];
    let in_jump = in_jump.into_iter().sum::<Size>().max(in_memory::LEAST);
    let mut refusals = Vec::new();
    if facts.memory < in_jump {
        refusals.push(Refusal::new(
            RefusalCode::MemoryTooSmall,
            format!(
                "the node has {} of memory; a jump system in memory needs {in_jump}",
                facts.memory
            ),
            "make the jump image smaller, or rehearse by the firmware (`--rehearse=firmware`)",
        ));
    }
    let copies = Size(packed.bytes() * 3).max(Size(input.jump.size));
    let unpacked = in_memory::unpacked_in_old(input);
    let in_old: Size = [unpacked, copies, in_memory::OLD_KEEPS].into_iter().sum();
    if let Some(available) = facts.memory_available.filter(|it| *it < in_old) {
        refusals.push(Refusal::new(
            RefusalCode::MemoryTooSmall,
            format!(
                "the node has {available} of memory available; to make the jump system there and to load it takes {in_old}"
            ),
            "stop what takes the memory (`ps -eo rss,args --sort=-rss | head`, then `systemctl stop …`)",
        ));
    }
    refusals
}

/// The plan of the firmware's rehearsal as one in memory.
fn turned(plan: Plan, input: &Input<'_>, hangs: Hangs) -> Result<Plan, Refusal> {
    let landing = PlannedLanding {
        kind: LandingKind::Volatile,
        beside: None,
        ..plan.landing
    };
    let mut plan = Plan { landing, ..plan };
    // Without a landing partition that is made for the run.
    plan.disk
        .before
        .clone_from(&disk::chosen(input)?.partitions);
    if let PlannedBoot::Uefi(uefi) = &mut plan.boot
        && let Some(beside) = &mut uefi.beside
        && let Some(disk) = input.facts.disk_at(&beside.device)
    {
        beside.before.clone_from(&disk.partitions);
    }
    plan.jump.arguments = arguments::planned(input, &plan.landing);
    plan.steps = steps(input.jump);
    plan.kept = vec![
        "everything: nothing is written to a partition, and nothing is armed; a reset at any moment boots the old system".to_owned(),
    ];
    plan.not_promised = not_promised(hangs);
    plan.notes = notes(input);
    Ok(plan)
}

fn steps(jump: &ImageFile) -> Steps {
    Steps {
        old: vec![
            Step::TakeMemory,
            Step::Receive {
                image: ImageRole::Jump,
                size: jump.size,
                digest: jump.digest,
            },
            Step::UnpackJump,
            Step::ConfigureJump,
            Step::PackJump,
            Step::LoadJump,
        ],
        prove: vec![
            Step::ProveDisks,
            Step::ProveNetwork,
            Step::ProveSshd,
            Step::ProveAdmin,
        ],
        replace: Vec::new(),
        new: Vec::new(),
    }
}

fn not_promised(hangs: Hangs) -> Vec<String> {
    let hung = match hangs {
        Hangs::Watchdog => {
            "a way back from a jump kernel that hangs before it has its own watchdog driver: the drivers of most watchdogs stop them as kexec starts it (`watchdog.stop_on_reboot=0` on the old kernel's command line lets them run on)"
        }
        Hangs::Hand => {
            "a way back from a jump kernel that hangs before it can panic: there is no hardware watchdog that is known, and somebody has to turn the power off and on"
        }
    };
    vec![
        hung.to_owned(),
        "that the machine's devices work under a kernel that no firmware has started: some firmware leaves them in a state that only its own start ends".to_owned(),
    ]
}

fn notes(input: &Input<'_>) -> Vec<String> {
    let seconds = HEARS_WITHIN.as_secs();
    let mut notes = vec![
        "it shows nothing of firmware, loader and boot order: only `--rehearse=firmware`, and a push, go by them".to_owned(),
        format!(
            "systemd shuts the old system down as for a reboot, services and all; the jump system resets the machine as soon as this host has heard its proof, and by itself {seconds} s after it, or when [wait] prove is over"
        ),
    ];
    if input.job.has_hook(Joint::Prep) || input.job.has_hook(Joint::Saved) {
        notes.push("no hook is run: nobody knows what it writes".to_owned());
    }
    notes.extend(dhcp::notes(input));
    notes
}

#[cfg(test)]
mod tests;
