//! Changes to a node's disk between two boots.

use std::fs::{File, Permissions};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::run;
use jumplab::vm::{Role, UmlKernel};
use jumpspec::boot::bios::env_block;
use jumpspec::boot::environment::State;
use jumpspec::hook::Hook;
use jumpspec::job::{Joint, Wait};
use jumpspec::places;
use jumpspec::plan::Plan;
use jumpspec::run::journal::{Journal, RESERVED_BYTES, SLOT};
use jumpspec::selector::{DIRECTORY, ENV};
use jumpspec::step::{ImageRole, Step};
use jumpspec::words::digest::Digest;
use jumpsys::boot::grubenv::{Env, write_in_place};
use jumpsys::journal_slots::SlotPair;

use crate::lab::Lab;
use jump_tests::machines::{disk, sabotage};

/// How long a hook may take.
const HOOK: Duration = Duration::from_mins(10);

/// Changes files of the landing file system.
pub(crate) fn landing<T: Send>(
    lab: &Lab,
    edit: impl FnOnce(&Path) -> Result<T> + Send,
) -> Result<T> {
    disk::with_mounted(&lab.node.node, Role::Swap, edit)
}

/// Changes files of the old or the new system's root.
pub(crate) fn root<T: Send>(lab: &Lab, edit: impl FnOnce(&Path) -> Result<T> + Send) -> Result<T> {
    disk::with_mounted(&lab.node.node, Role::Root, edit)
}

/// A path on the landing file system, as the jump system's root.
pub(crate) fn selector(landing: &Path, name: &str) -> PathBuf {
    landing.join(DIRECTORY).join(name)
}

/// The staged target image.
pub(crate) fn staged_image(landing: &Path) -> PathBuf {
    landing
        .join(places::IMAGES)
        .join(ImageRole::Target.file_name())
}

/// Flips a bit in the middle of a file, in place.
pub(crate) fn flip(path: &Path) -> Result<()> {
    let file = File::options().read(true).write(true).open(path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    let middle = file.metadata()?.len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle)?;
    file.write_all_at(&[byte[0] ^ 0x10], middle)?;
    Ok(file.sync_all()?)
}

/// Cuts a file to half.
pub(crate) fn cut(path: &Path) -> Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_len(file.metadata()?.len() / 2)?;
    Ok(file.sync_all()?)
}

/// The EFI system partition, as mtools(1) name an image.
pub(crate) fn esp(lab: &Lab) -> Result<String> {
    let place = disk::place(&lab.node.node, Role::Esp)?;
    Ok(format!("{}@@{}", lab.node.node.disk.display(), place.start))
}

/// Replaces a file of the EFI system partition.
pub(crate) fn write_to_esp(lab: &Lab, path: &str, bytes: &[u8]) -> Result<()> {
    let mut copy = run::command("mcopy", ["-o", "-i", &esp(lab)?]);
    run::feed(copy.args(["-", &format!("::/{path}")]), bytes).map(drop)
}

/// A file of the EFI system partition.
pub(crate) fn read_from_esp(lab: &Lab, path: &str) -> Result<Vec<u8>> {
    let mut copy = run::command("mcopy", ["-i", &esp(lab)?]);
    let output = run::output(copy.args([&format!("::/{path}"), "-"]))?;
    ensure!(output.status.success(), "there is no /{path} on the ESP");
    Ok(output.stdout)
}

/// Overwrites bytes of the disk.
pub(crate) fn write(lab: &Lab, offset: u64, bytes: &[u8]) -> Result<()> {
    let disk = File::options().write(true).open(&lab.node.node.disk)?;
    disk.write_all_at(bytes, offset)?;
    Ok(disk.sync_all()?)
}

/// Overwrites bytes of the landing partition with zeros, as far as it goes.
pub(crate) fn zero_landing(lab: &Lab, range: Range<u64>) -> Result<()> {
    let place = disk::place(&lab.node.node, Role::Swap)?;
    let end = place.end.min(place.start.saturating_add(range.end));
    let disk = File::options().write(true).open(&lab.node.node.disk)?;
    let zeros = vec![0; 1 << 20];
    for offset in (place.start + range.start..end).step_by(zeros.len()) {
        let now = zeros.len().min(usize::try_from(end - offset)?);
        disk.write_all_at(&zeros[..now], offset)?;
    }
    Ok(disk.sync_all()?)
}

/// Where the journal's slot `index` begins on the disk.
pub(crate) fn slot(lab: &Lab, index: u64) -> Result<u64> {
    let end = disk::place(&lab.node.node, Role::Swap)?.end;
    Ok(end - RESERVED_BYTES + index * SLOT as u64)
}

/// What the selector's environment says from now on.
pub(crate) fn environment(lab: &Lab, state: State) -> Result<()> {
    let run = lab.node.plan()?.run;
    landing(lab, |landing| {
        let mut env = Env::new();
        for (name, value) in env_block(state, &run) {
            env.set(&name, &value);
        }
        Ok(write_in_place(&selector(landing, ENV), &env)?)
    })
}

/// Overwrites the environment block where it lies. The landing file system is not mounted for it: its
/// journal stays as it is.
pub(crate) fn raw_environment(lab: &Lab, bytes: &[u8]) -> Result<()> {
    let start = disk::place(&lab.node.node, Role::Swap)?.start;
    let ask = |question: &str| {
        let device = format!("{}?offset={start}", lab.node.node.disk.display());
        run::capture(&mut run::command("debugfs", ["-R", question, &device]))
    };
    let block: u64 = ask(&format!("bmap /{DIRECTORY}/{ENV} 0"))?.trim().parse()?;
    let superblock = ask("show_super_stats -h")?;
    let size = superblock
        .lines()
        .find_map(|line| line.strip_prefix("Block size:"));
    let size: u64 = size.context("no block size")?.trim().parse()?;
    write(lab, start + block * size, bytes)
}

/// Changes what the journal says.
pub(crate) fn journal(lab: &Lab, edit: impl FnOnce(&mut Journal)) -> Result<()> {
    let mut slots = SlotPair::open(&lab.node.node.disk, slot(lab, 0)?)?;
    let newest = slots.read_newest()?.context("there is no journal")?;
    let mut journal = serde_json::from_slice(&newest.payload)?;
    edit(&mut journal);
    slots.write(&serde_json::to_vec(&journal)?)?;
    Ok(())
}

/// Changes the staged plan.
pub(crate) fn plan(lab: &Lab, edit: impl FnOnce(&mut Plan) + Send) -> Result<()> {
    landing(lab, |landing| sabotage::plan(landing, edit))
}

/// The jump system has this long to prove itself.
pub(crate) fn prove_within(lab: &Lab, limit: Duration) -> Result<()> {
    plan(lab, |plan| plan.wait.prove = Wait(limit))
}

/// Lets the jump system run `script` in the new root, as a hook of the admin's.
pub(crate) fn hook(lab: &Lab, script: &str) -> Result<()> {
    hook_at(lab, Joint::Restored, script).map(drop)
}

/// Lets `script` be run at a joint of the jump system or the new one, behind the hooks that are there;
/// what it is called.
pub(crate) fn hook_at(lab: &Lab, at: Joint, script: &str) -> Result<String> {
    let text = format!("#!/bin/sh\nset -e\n{script}\n");
    let mut hook = Hook {
        number: 0,
        at,
        name: format!("hooks/{at}"),
        size: text.len() as u64,
        digest: Digest::of(text.as_bytes()),
        timeout: Wait(HOOK),
        on_failure: at.consequences()[0],
    };
    plan(lab, |plan| {
        hook.number = u32::try_from(plan.steps.hooks().count() + 1).unwrap_or(u32::MAX);
        let (steps, next) = match at {
            Joint::Firstboot => (&mut plan.steps.new, Some(Step::CheckHealth)),
            Joint::Finished => (&mut plan.steps.new, Some(Step::Report)),
            Joint::Restored => (&mut plan.steps.replace, Some(Step::InstallFirstBoot)),
            _ => (&mut plan.steps.replace, None),
        };
        let is_next = |step: &Step| match &next {
            Some(next) => step == next,
            None => !matches!(step, Step::Hook(_)),
        };
        let next = steps.iter().position(is_next);
        steps.insert(next.unwrap_or_default(), Step::Hook(hook.clone()));
    })?;
    landing(lab, |landing| {
        let path = landing.join(places::HOOKS).join(hook.file_name());
        std::fs::write(&path, text)?;
        Ok(std::fs::set_permissions(
            &path,
            Permissions::from_mode(0o700),
        )?)
    })?;
    Ok(hook.name)
}

/// Gives the jump system the kernel's own watchdog, which the small world's image leaves out.
pub(crate) fn softdog(landing: &Path) -> Result<()> {
    let kernel = UmlKernel::choose()?;
    let (folder, module) = ("kernel/drivers/watchdog", "softdog.ko");
    let to = landing
        .join("lib/modules")
        .join(&kernel.release)
        .join(folder);
    std::fs::create_dir_all(&to)?;
    let from = kernel.modules.join(folder).join(module);
    std::fs::copy(&from, to.join(module))
        .with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}
