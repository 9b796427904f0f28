//! Puts back what made the node itself: saved files, accounts, fstab, network; and what
//! the new system needs for its first boot. Everything is written below the new root.

use std::path::Path;

use anyhow::{Context as _, Result};
use jumparchive::{Existing, UnpackOptions};
use jumpspec::places;
use jumpspec::step::Step;
use jumpspec::words::relpath::RelPath;
use jumpsys::files::root::{Owner, Root};

use crate::run::context::Context;
use crate::run::new_root;
use crate::steps::accounts::{ACCOUNTS, SUBIDS};
use crate::steps::seal;

/// Unpacks the saved files over the new system, but for the accounts, which are merged,
/// and for those whose directory the new system does not have.
pub(crate) fn files(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    let image = seal::open(cx, places::SAVED)?;
    let homeless = homeless(cx, &root);
    for path in &homeless {
        cx.reporter.note(format!(
            "{} is not put back: the new system has no directory for it",
            path.absolute()
        ));
    }
    let select = |path: &[u8]| {
        let left_out = |other: &str| {
            path == other.as_bytes() || path.starts_with(format!("{other}/").as_bytes())
        };
        !ACCOUNTS
            .iter()
            .chain(&SUBIDS)
            .any(|account| left_out(account))
            && !homeless.iter().any(|other| left_out(other.as_str()))
    };
    let options = UnpackOptions {
        existing: Existing::Replace,
        select: &select,
        ..UnpackOptions::default()
    };
    jumparchive::unpack(&image, root.as_fd(), &options)
        .context("cannot put the saved files back")
        .map_err(|error| crate::steps::replace::explain_full(cx, error))?;
    crate::steps::added::restore(cx, &root)?;
    crate::steps::sshd::give_owners(&cx.plan.ssh, &root)?;
    crate::steps::host_keys::ensure(cx, &image, &root)?;
    root.write(
        "etc/hostname",
        format!("{}\n", cx.plan.hostname).as_bytes(),
        Owner::root(0o644),
    )?;
    Ok(())
}

/// Saved paths whose parent directory is missing in the new root: programs that the new
/// system does not have.
fn homeless(cx: &Context, root: &Root) -> Vec<RelPath> {
    let saved = cx.plan.steps.old.iter().filter_map(|step| match step {
        Step::SaveFiles { paths } => Some(paths),
        _ => None,
    });
    let orphan = |path: &&RelPath| {
        path.as_str()
            .rsplit_once('/')
            .is_some_and(|(parent, _)| !root.exists(parent))
    };
    saved.flatten().filter(orphan).cloned().collect()
}

/// Writes fstab and makes the mount points it names.
pub(crate) fn fstab(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    root.rewrite("etc/fstab", cx.plan.fstab.as_bytes(), Owner::root(0o644))?;
    for mount in jumpspec::node::fstab::mount_points(&cx.plan.fstab) {
        root.create_dir_all(mount.as_str(), Owner::root(0o755))?;
    }
    Ok(())
}

/// Writes the network settings for the new system's network stack.
pub(crate) fn network(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    match &cx.plan.network {
        Some(planned) => crate::steps::configure::write_network(&root, &planned.target_files),
        None => Ok(()),
    }
}

/// Writes the files that were made of the job's templates.
pub(crate) fn rendered(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    for file in &cx.plan.files {
        root.write(
            file.path.as_str(),
            file.text.as_bytes(),
            Owner::root(file.mode),
        )?;
    }
    Ok(())
}

/// Puts this program, the plan and a unit into the new system, for its first boot.
pub(crate) fn first_boot(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    let program = std::fs::read(Path::new("/proc/self/exe")).context("cannot read this program")?;
    root.create_dir_all(places::NEW_LIB, Owner::root(0o700))?;
    root.write(places::NEW_PROGRAM, &program, Owner::root(0o755))?;
    root.write(
        places::NEW_PLAN,
        &serde_json::to_vec_pretty(&cx.plan)?,
        Owner::root(0o600),
    )?;
    crate::steps::identity::record(cx, &root)?;
    crate::steps::hook::hand_over(cx, &root)?;
    root.write(
        places::NEW_UNIT,
        FIRST_BOOT_UNIT.as_bytes(),
        Owner::root(0o644),
    )?;
    root.symlink(places::NEW_WANTS, &format!("/{}", places::NEW_UNIT))?;
    put_on_trial(&root)
}

/// What makes every hang of the new system's first boots end in a reset, until it is confirmed.
fn put_on_trial(root: &Root) -> Result<()> {
    let mut manager = MANAGER.to_owned();
    if !crate::node::facts::watchdogs()?.is_empty() {
        manager.push_str(WATCHDOG);
    }
    for (path, text) in [
        (places::NEW_MANAGER, manager.as_str()),
        (places::NEW_DEADLINE_UNIT, DEADLINE_UNIT),
    ] {
        root.write(path, text.as_bytes(), Owner::root(0o644))?;
    }
    root.symlink(
        places::NEW_DEADLINE_WANTS,
        &format!("/{}", places::NEW_DEADLINE_UNIT),
    )?;
    Ok(())
}

/// systemd-system.conf(5): a systemd that crashes reboots.
const MANAGER: &str = "[Manager]\nCrashReboot=yes\n";

/// The hardware's watchdog resets a machine whose systemd hangs, or whose shutdown does. Only
/// where there is one: systemd opens a device that refuses again and again.
const WATCHDOG: &str = "RuntimeWatchdogSec=60s\nRebootWatchdogSec=5min\n";

/// It needs nothing but the root and starts with the first units. An emergency or rescue target
/// does not stop it, nor does a shutdown, which may hang as well: only the end of all processes.
const DEADLINE_UNIT: &str = "\
[Unit]
Description=Go back to the jump system unless the new one is confirmed in time
DefaultDependencies=no
IgnoreOnIsolate=yes

[Service]
Type=simple
ExecStart=/usr/lib/jump/jumpinit deadline
Restart=on-failure
RestartSec=1s
OOMScoreAdjust=-1000
StandardOutput=journal+console

[Install]
WantedBy=sysinit.target
";

/// The unit does not hold the boot up (`Type=exec`), and outlives its own removal.
const FIRST_BOOT_UNIT: &str = "\
[Unit]
Description=Confirm the new system and give the swap partition back
After=local-fs.target network.target

[Service]
Type=exec
ExecStart=/usr/lib/jump/jumpinit finish
StandardOutput=journal+console

[Install]
WantedBy=multi-user.target
";
