//! The planner: facts + manifests + job → plan, or every reason why not.
//!
//! A decision that is not taken here is taken nowhere.

mod accounts;
mod aftermath;
mod arguments;
mod copies;
mod dhcp;
mod disk;
mod drivers;
mod extents;
mod filesystems;
mod first_boot;
mod free_room;
mod hooks;
mod images;
mod in_memory;
mod landing;
mod landing_choice;
mod layout;
mod memory;
mod network;
mod places;
mod prose;
pub mod refusal;
mod rehearsal;
mod room;
#[cfg(any(test, fuzzing))]
pub(crate) mod sample;
mod sealing;
mod ssh;
mod steps;
pub mod succession;
mod templates;
#[cfg(test)]
mod tests;
mod uefi;
mod variables;
mod wished;
mod wishes;

use std::collections::BTreeSet;

use crate::boot::{PlannedBoot, Serial};
use crate::disk::Disk;
use crate::hook::Script;
use crate::image::loader::SelectorLoader;
use crate::image::manifest::{Kernel, Manifest, PLAN_FORMAT};
use crate::job::{HostTable, Job};
use crate::node::facts::{Facts, Firmware, JumpInProgress, Kexec};
use crate::plan::{JumpBoot, Plan, PlannedFilesystem, PlannedImage, PlannedImages};
use crate::planner::landing::Landing;
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::selector::{Doubt, Selector};
use crate::words::digest::Digest;
use crate::words::relpath::RelPath;
use crate::words::run_id::RunId;
use crate::words::size::Size;

/// sshd's port where nothing else is known (RFC 4251's registered port).
const SSH_PORT: u16 = 22;

/// What a plan follows from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The run's id.
    pub run: &'a RunId,
    /// The rehearsal that this is, if it is one.
    pub rehearsal: Option<Rehearsal>,
    /// The digest of the admin host's secret.
    pub admin_mark: Digest,
    /// The jump image.
    pub jump: &'a ImageFile,
    /// The target image.
    pub target: &'a ImageFile,
    /// The node.
    pub facts: &'a Facts,
    /// The admin's wishes.
    pub job: &'a Job,
    /// The scripts of [`Job::all_hooks`], in their order.
    pub scripts: &'a [Script],
    /// The node as the admin has named it, without an account.
    pub host: &'a str,
    /// The table that the job names.
    pub hostvars: Option<&'a HostTable>,
    /// The texts of the job's templates, in their order.
    pub templates: &'a [String],
    /// Whether the admin host has seen firmware of this node's model and version follow its order.
    pub follows: bool,
}

/// How far a node goes, and comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearsal {
    /// By firmware and loader into the jump system, from the landing partition.
    Firmware,
    /// By kexec into a jump system in memory.
    InMemory(Hangs),
}

/// What frees a node whose kernel hangs on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangs {
    /// A hardware watchdog, which the node has to have.
    Watchdog,
    /// Whoever turns its power off and on: the admin has said so.
    Hand,
}

/// An image file on the admin host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Its manifest.
    pub manifest: Manifest,
    /// The file's length in bytes.
    pub size: u64,
    /// The file's digest.
    pub digest: Digest,
    /// Of the paths that hooks' interpreters would be at, those at which the image has a program.
    pub interpreters: BTreeSet<String>,
    /// Of the files that templates become, those that the image has no place for: a directory is there, or
    /// something else is where a directory has to be.
    pub homeless: BTreeSet<RelPath>,
    /// What its files take as a root in memory; of jump images alone.
    pub in_memory: InMemory,
}

/// What files take in a ramfs that a kernel has unpacked an initramfs into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InMemory {
    /// All of them, in whole pages: holes of sparse files are filled there, and a symlink has a page.
    pub pages: Size,
    /// The largest of them, holes included.
    pub largest: Size,
}

/// Works a plan out, or says everything that stands against it.
///
/// # Errors
/// All refusals that could be found, in a stable order; never an empty list.
pub fn plan(input: &Input<'_>) -> Result<Plan, Vec<Refusal>> {
    if !input.facts.root_user {
        return Err(vec![not_root()]);
    }
    if let Some(Rehearsal::InMemory(hangs)) = input.rehearsal {
        return rehearsal::in_memory(input, hangs);
    }
    match landing_choice::made(input) {
        None => planned(input, None),
        Some(made) => {
            let facts = &made.facts;
            planned(&Input { facts, ..*input }, Some(&made.device))
        }
    }
}

/// The plan for a node whose landing partition is there; or `made`, the device that it will be.
fn planned(input: &Input<'_>, made: Option<&str>) -> Result<Plan, Vec<Refusal>> {
    let mut refusals = node_refusals(input.facts);
    refusals.extend(job_refusals(input));
    let files = keep_all_going(&mut refusals, templates::rendered(input));
    let disk = keep_going(&mut refusals, disk::chosen(input));
    let landing = keep_going(&mut refusals, landing_choice::chosen(input, made));
    let network = keep_going(&mut refusals, network::network(input));
    let ssh = keep_all_going(&mut refusals, ssh::planned(input));
    let policy = keep_going(&mut refusals, aftermath::policy(input));
    let (Some(disk), Some(landing), Some(network)) = (disk, landing, network) else {
        return Err(refusals);
    };
    refusals.extend(drivers::refusals(input, network.as_ref()));
    refusals.extend(disk::refusals(input, disk));
    refusals.extend(landing_choice::refusals(input, disk, &landing));
    refusals.extend(memory::refusal(input, &landing));
    refusals.extend(in_memory::left_elsewhere(input, &landing));
    let accounts = keep_going(&mut refusals, accounts::planned(input, disk));
    let boot = keep_all_going(&mut refusals, boot(input, disk, &landing));
    let table = keep_going(&mut refusals, disk::planned(input, disk));
    let filesystems = table.as_ref().zip(boot.as_ref()).and_then(|(table, boot)| {
        let planned = filesystems::planned(input, disk, table, boot);
        keep_all_going(&mut refusals, planned)
    });
    let made = table.as_ref().zip(filesystems.as_deref());
    let copies = made.and_then(|made| {
        let copies = copies::planned(input, disk, &landing, made);
        keep_all_going(&mut refusals, copies)
    });
    let (Some(boot), Some(table), Some(filesystems), Some(copies), Some(ssh), Some(accounts)) =
        (boot, table, filesystems, copies, ssh, accounts)
    else {
        return Err(refusals);
    };
    let landing = landing_choice::planned(input, disk, &landing);
    let arguments = arguments::planned(input, &landing);
    refusals.extend(arguments::refusals(input, &arguments));
    let kernel = input.jump.manifest.kernels.last().cloned();
    let loaders = images::selector_loader(input).zip(images::new_grub(input));
    let Some((kernel, (selector_loader, new_grub))) =
        kernel.zip(loaders).filter(|_| refusals.is_empty())
    else {
        return Err(refusals);
    };
    let fstab = filesystems::fstab(input, disk, &filesystems, (&landing, &boot))?;
    let planned: Vec<PlannedFilesystem> = filesystems
        .iter()
        .map(|filesystem| filesystem.planned.clone())
        .collect();
    let mut steps = steps::steps(input, &copies, &landing);
    aftermath::label(&mut steps.replace, policy.flatten());
    let loader = aftermath::loader(input, &landing, new_grub);
    let notes = fstab.notes();
    let mut plan = Plan {
        format: PLAN_FORMAT,
        run: input.run.clone(),
        hostname: input.facts.hostname.clone(),
        host: input.host.to_owned(),
        rehearsal: input.rehearsal.is_some(),
        admin_mark: input.admin_mark,
        boot_id: input.facts.boot_id.clone(),
        images: images(input),
        disk: table,
        landing,
        boot,
        jump: jump_boot(kernel, selector_loader, arguments),
        filesystems: planned,
        fstab: fstab.text,
        network,
        switches: first_boot::switches(input),
        host_keys: first_boot::host_keys(input),
        ssh_port: input.facts.ssh_port.unwrap_or(SSH_PORT),
        ssh: ssh.planned,
        loader,
        owners: accounts.owners,
        files: files.unwrap_or_default(),
        variables: variables::values(input),
        health: input.job.health.clone(),
        wait: input.job.wait.clone(),
        steps,
        destroyed: Vec::new(),
        kept: Vec::new(),
        not_promised: Vec::new(),
        notes,
    };
    plan.notes.extend(ssh.notes);
    plan.notes.extend(accounts.notes);
    plan.notes.extend(copies.notes);
    plan.notes
        .extend(aftermath::label_notes(input, &plan.filesystems));
    prose::describe(&mut plan, input);
    let refusals = plan_refusals(input, disk, &plan);
    if refusals.is_empty() {
        Ok(plan)
    } else {
        Err(refusals)
    }
}

/// What boots the three systems.
fn boot(
    input: &Input<'_>,
    disk: &Disk,
    landing: &Landing<'_>,
) -> Result<PlannedBoot, Vec<Refusal>> {
    match input.facts.firmware {
        Firmware::Bios => disk::boot(disk).map_err(|refusal| vec![refusal]),
        Firmware::Uefi => uefi::boot(input, disk, landing.is_in_memory()),
    }
}

fn jump_boot(kernel: Kernel, loader: SelectorLoader, arguments: Vec<String>) -> JumpBoot {
    let mut consoles = arguments.iter();
    JumpBoot {
        kernel,
        loader,
        serial: consoles.find_map(|argument| Serial::from_console(argument)),
        arguments,
    }
}

/// What stands against a job with its images on any node.
fn job_refusals(input: &Input<'_>) -> Vec<Refusal> {
    let mut refusals = images::refusals(input);
    refusals.extend(wishes::refusals(input));
    refusals.extend(hooks::refusals(input));
    refusals.extend(variables::refusals(input));
    refusals
}

/// What stands against a plan as a whole.
fn plan_refusals(input: &Input<'_>, disk: &Disk, plan: &Plan) -> Vec<Refusal> {
    let mut refusals = extents::refusals(plan, disk);
    refusals.extend(selector_refusal(plan));
    refusals.extend(landing::journal_refusal(plan));
    refusals.extend(places::refusals(input, plan));
    refusals.extend(templates::refusals(input, plan));
    refusals
}

/// What GRUB's script could not say.
fn selector_refusal(plan: &Plan) -> Option<Refusal> {
    let error = Selector::of(plan, Doubt::Old).err()?;
    Some(Refusal::new(
        RefusalCode::KernelArgument,
        format!("the selector cannot be written: {error}"),
        "leave the argument out of [jump] kernel_arguments or of the old system's console=, or name the kernel's file otherwise",
    ))
}

/// Takes a result apart, so that one refusal does not hide the next.
fn keep_going<T>(refusals: &mut Vec<Refusal>, result: Result<T, Refusal>) -> Option<T> {
    keep_all_going(refusals, result.map_err(|refusal| vec![refusal]))
}

fn keep_all_going<T>(refusals: &mut Vec<Refusal>, result: Result<T, Vec<Refusal>>) -> Option<T> {
    result.map_err(|mut found| refusals.append(&mut found)).ok()
}

/// What somebody else than root sees of a node is too little to say more.
fn not_root() -> Refusal {
    Refusal::new(
        RefusalCode::NotRoot,
        "the login to this node is not root's",
        "log in as root, e.g. with `User root` in ssh_config; a login that may use sudo is not enough",
    )
}

/// What stands against any jump of this node.
fn node_refusals(facts: &Facts) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let under_way = |jump: &&JumpInProgress| jump.is_under_way(&facts.disks, facts.uefi.as_ref());
    if let Some(jump) = facts.jump.as_ref().filter(under_way) {
        refusals.push(Refusal::new(
            RefusalCode::JumpInProgress,
            match &jump.origin {
                Some(origin) => format!("run {} is under way on this node, by {origin}", jump.run),
                None => format!("run {} is under way on this node", jump.run),
            },
            "see `jumpimg status`; wait for it, go on with `jumpimg resume`, or `jumpimg abort`",
        ));
    }
    if facts.kexec == Kexec::Locked {
        refusals.push(Refusal::new(
            RefusalCode::KexecLocked,
            "a reboot of this node starts the kernel that kexec has loaded and passes the boot \
             loader by, and that kernel cannot be unloaded (kernel.kexec_load_disabled)",
            "let nothing load a kernel for kexec at boot, reboot the node, then jump it",
        ));
    }
    refusals.extend(sealing::refusals(facts));
    if let Err(error) = crate::words::hostname::check(&facts.hostname) {
        refusals.push(Refusal::new(
            RefusalCode::HostnameInvalid,
            error.to_string(),
            "set a host name on the node first",
        ));
    }
    refusals
}

fn images(input: &Input<'_>) -> PlannedImages {
    let image = |file: &ImageFile| PlannedImage {
        name: file.manifest.name.clone(),
        os: file.manifest.os.pretty_name.clone(),
        size: file.size,
        digest: file.digest,
    };
    PlannedImages {
        jump: image(input.jump),
        target: image(input.target),
    }
}

/// A UUID (RFC 9562, version 8: custom) that follows from the run and `purpose`.
fn derived_uuid(input: &Input<'_>, purpose: &str) -> String {
    let seed = format!("{}\0{}\0{purpose}", input.run, input.facts.hostname);
    let digest = Digest::of(seed.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// Whether `kind` (as blkid names it) is a layer that other block devices lie on.
fn is_stacked(kind: &str) -> bool {
    kind.ends_with("_member") || matches!(kind, "crypto_LUKS" | "bcache" | "drbd" | "jbd")
}

/// The disk's name with its size, for messages.
fn named(disk: &Disk) -> String {
    format!(
        "{} ({})",
        disk.device,
        crate::words::size::Size::of_sectors(disk.sectors)
    )
}
