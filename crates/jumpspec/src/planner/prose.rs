//! The plan in words: what is destroyed, what is kept, what else to know.

use super::{Input, uefi};
use crate::boot::PlannedBoot;
use crate::disk::{FoundPartition, UNRECOGNISED};
use crate::job::Action;
use crate::node::facts::Kexec;
use crate::node::network::Sign;
use crate::node::remote::MountPoints;
use crate::plan::Plan;

/// Fills in the plan's prose.
pub(super) fn describe(plan: &mut Plan, input: &Input<'_>) {
    plan.not_promised = not_promised(input, &plan.boot);
    if input.rehearsal.is_some() {
        plan.kept.push(
            "everything: a rehearsal goes back to the old system and makes the landing partition what it was"
                .to_owned(),
        );
        let notes = notes(plan, input);
        plan.notes.extend(notes);
        return;
    }
    for partition in &plan.disk.before {
        let content =
            partition
                .content
                .as_ref()
                .map_or("blank", |content| match content.kind.as_str() {
                    UNRECOGNISED => "something that blkid does not know",
                    kind => kind,
                });
        let mounted = input
            .facts
            .mounts
            .iter()
            .find(|mount| mount.device == partition.device);
        let where_ = mounted
            .map(|mount| format!(" at {} with {} in use", mount.target, mount.used))
            .unwrap_or_default();
        let what = format!(
            "{} ({}, {content}{where_})",
            partition.device,
            partition.size()
        );
        let is_landing = plan.landing.number_on_replaced() == Some(partition.number);
        if is_landing && plan.landing.is_made() {
            plan.kept.push(made(partition));
            continue;
        }
        if Some(partition.number) == plan.landing.borrowed() {
            match plan.landing.swap() {
                Some(swap) => plan.kept.push(format!(
                    "{what}: borrowed, then swap again with UUID {}",
                    swap.uuid
                )),
                None => plan
                    .destroyed
                    .push(format!("{what}: borrowed, and left empty")),
            }
            continue;
        }
        match input.job.layout.action(partition.number) {
            None | Some(Action::Keep) if is_landing => {
                plan.kept.push(format!(
                    "{what}: has the jump system's kernel and root for the time of the run"
                ));
            }
            None | Some(Action::Keep) => plan.kept.push(what),
            Some(Action::Format) => plan.destroyed.push(format!("{what}: formatted")),
            Some(Action::Create) => plan.destroyed.push(format!("{what}: made anew")),
            Some(Action::Delete) => plan.destroyed.push(format!("{what}: deleted")),
        }
    }
    plan.kept.extend(beside(plan));
    plan.kept.extend(
        input
            .facts
            .saved
            .iter()
            .filter(|path| path.size.is_some())
            .map(|path| path.path.absolute()),
    );
    if input.job.save.accounts {
        plan.kept
            .push("human accounts and root's password".to_owned());
    }
    plan.kept
        .extend(super::copies::trees(input).map(|(wish, tree)| {
            format!(
                "{} (at most {}): copied to \"{}\"",
                wish.from, tree.size, wish.to
            )
        }));
    plan.destroyed.extend(homes(plan, input));
    let notes = notes(plan, input);
    plan.notes.extend(notes);
}

fn made(partition: &FoundPartition) -> String {
    format!(
        "{} ({}): free room, made a partition for this run and free again at its end",
        partition.device,
        partition.size()
    )
}

/// What the run has on disks that are not replaced.
fn beside(plan: &Plan) -> Vec<String> {
    let (landing, uefi) = (&plan.landing, plan.boot.uefi());
    let landing_on = landing.beside.iter().flat_map(|disk| &disk.before);
    let landing_on = landing_on.filter(|it| it.number == landing.number && landing.is_made());
    let esp = uefi.and_then(|uefi| Some((uefi, uefi.beside.as_ref()?)));
    let esp = esp.and_then(|(uefi, disk)| {
        let esp = disk.before.iter().find(|it| it.number == uefi.esp.number)?;
        Some(format!(
            "{} ({}): the EFI system partition, on {}, which is not replaced; it has the selector for the time of the run, and then the new system's loader",
            esp.device,
            esp.size(),
            disk.device
        ))
    });
    landing_on.map(made).chain(esp).collect()
}

/// Homes of people that lie on a file system which is made anew, and are not saved.
fn homes(plan: &Plan, input: &Input<'_>) -> Vec<String> {
    let below = |path: &str, top: &str| {
        path.strip_prefix(top.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let on_kept = |home: &str| {
        plan.filesystems
            .iter()
            .any(|fs| fs.kept && below(home, &fs.mount))
    };
    let saved = |home: &str| {
        input
            .facts
            .saved
            .iter()
            .any(|saved| below(home, &saved.path.absolute()))
    };
    let points = MountPoints::of(input.facts);
    let lost = input
        .facts
        .accounts
        .iter()
        .filter(|account| !on_kept(&account.home) && !saved(&account.home))
        .filter(|account| points.remote(&account.home).is_none())
        .filter(|account| {
            let mut copies = input.job.copy.iter();
            !copies.any(|copy| below(&account.home, copy.from.as_str()))
        });
    lost.map(|account| {
        format!(
            "{}, the home of {} (save it with [save] extra)",
            account.home, account.name
        )
    })
    .collect()
}

/// What this machine lacks for the promise to hold in every case.
fn not_promised(input: &Input<'_>, boot: &PlannedBoot) -> Vec<String> {
    let watchdog = input.facts.watchdogs.is_empty().then(|| {
        "a way back from a kernel that hangs before it can panic: there is no hardware watchdog"
            .to_owned()
    });
    let firmware = boot.uefi().map(|it| uefi::not_promised(input, it));
    watchdog.into_iter().chain(firmware).collect()
}

/// That swap gets another UUID than it had.
fn other_swap(plan: &Plan) -> Option<String> {
    let swap = plan.landing.swap()?;
    let mut before = plan.landing_disk().before.iter();
    let before = before.find(|partition| partition.number == plan.landing.number)?;
    let uuid = before.content.as_ref()?.uuid.as_ref()?;
    let had = before.content.as_ref()?.kind == "swap" && *uuid != swap.uuid;
    had.then(|| {
        format!(
            "the swap's UUID {uuid} stands for another device of this node too: it becomes swap with UUID {}",
            swap.uuid
        )
    })
}

fn notes(plan: &Plan, input: &Input<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(super::memory::note(input, &plan.landing.device));
    notes.extend(uefi::notes(input));
    notes.extend(super::in_memory::note(plan));
    let points = MountPoints::of(input.facts);
    for path in input.job.save.all_paths() {
        if let Some(mount) = points.remote(&path.absolute()) {
            notes.push(format!(
                "{} is not copied: {mount} is not on this node's disks, and stays what it is",
                path.absolute()
            ));
        }
    }
    let missing = input.facts.saved.iter().filter(|path| path.size.is_none());
    let missing = missing.filter(|path| points.remote(&path.path.absolute()).is_none());
    notes.extend(missing.map(|path| {
        format!(
            "{} is not there, so it is not carried over",
            path.path.absolute()
        )
    }));
    notes.extend(super::first_boot::notes(input));
    notes.extend(super::dhcp::notes(input));
    let settled = crate::node::network::settle(&input.facts.network, input.facts.ssh_address);
    let (known, left_out) = settled
        .map(|settled| (settled.network.links, settled.left))
        .unwrap_or_default();
    notes.extend(known.iter().filter_map(|link| {
        let sign = match link.sign.as_ref()? {
            Sign::Driver(driver) => format!("driver {driver}"),
            Sign::Path(path) => format!("bus path {path}"),
        };
        Some(format!(
            "another link has the hardware address of {}, which is known by its {sign} besides",
            link.name
        ))
    }));
    notes.extend(left_out.iter().map(|link| {
        format!("{link} has addresses and is left to whatever makes it in the new system")
    }));
    notes.extend(super::disk::how_it_boots(input, &plan.disk.device));
    notes.extend(other_swap(plan));
    if let Some(jump) = input.facts.jump.as_ref() {
        notes.push(format!(
            "run {} was begun here and did not finish; its leftovers are overwritten",
            jump.run
        ));
    }
    if !super::first_boot::carries_host_keys(input) {
        notes.push(
            "etc/ssh is not carried over: the new system has host keys that nobody knows yet"
                .to_owned(),
        );
    }
    if input.facts.kexec == Kexec::Loaded {
        notes.push(
            "the kernel that kexec has loaded here is unloaded for the reboot, which it would turn \
             past the boot loader"
                .to_owned(),
        );
    }
    notes.extend(super::hooks::note(input));
    if !input.job.save.network {
        notes.push(
            "the network is not carried over: the image's own settings must reach this node"
                .to_owned(),
        );
    }
    notes
}
