//! Damage to what the loader reads: boot sector, environment block, scripts, kernel, initramfs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use jumplab::experiments::faults::End;
use jumplab::vm::loader::Choice;
use jumpspec::boot::environment::State;
use jumpspec::selector::{CONFIG, ENV, OLD_SECTOR, SPARE_CONFIG};
use jumpspec::step::Step;

use crate::bench::Bench;
use crate::edit;
use crate::lab::{BOOT, Lab};

/// The jump system's first word of unpacking, by which time the commit is over.
pub(crate) const UNPACKING: &str = "jump: unpack the new system";
/// No valid script, environment block or kernel.
const GARBAGE: &[u8] = &[0xa5; 700];

/// The boot sector is turned or it is not: there is nothing in between, and no later surprise.
pub(crate) fn arming(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("power cut before the boot sector is turned")?;
    let old = edit::landing(&lab, |landing| {
        Ok(std::fs::read(edit::selector(landing, OLD_SECTOR))?)
    })?;
    edit::write(&lab, 0, &old)?;
    bench.ends(&lab, End::Old)?;
    // All the rest of an armed jump is there. A boot of the old system changes nothing about that.
    let mut again = lab.boot(Choice::Old)?;
    again.wait_for_ssh(BOOT)?;
    again.power_off(BOOT)?;
    lab.boot(Choice::Old)?.kill()?;

    let lab = bench.armed("power cut after the reboot was ordered")?;
    bench.ends(&lab, End::New)?;

    let lab = bench.armed("rebooted for another reason than the one it was armed for")?;
    edit::journal(&lab, |journal| {
        if let Some(arm) = &mut journal.arm {
            arm.ordered = false;
        }
    })?;
    let seen = bench.ends_telling(&lab, End::Old, "nobody ordered this reboot")?;
    ensure!(
        seen.booted == [Choice::Jump, Choice::Old],
        "{:?}",
        seen.booted
    );
    lab.boot(Choice::Old)?.kill()
}

/// Only a whole block is believed.
pub(crate) fn environment(bench: &mut Bench) -> Result<()> {
    for (fault, bytes) in [
        ("environment block empty when armed", &[][..]),
        ("environment block random when armed", &[0x5a; 1024]),
        ("environment block of 512 bytes when armed", &[b'#'; 512]),
    ] {
        let lab = bench.armed(fault)?;
        spoil(&lab, &[ENV], bytes)?;
        bench.ends(&lab, End::Old)?;
    }
    let lab = bench.armed("environment block random after the commit")?;
    lab.cut(Choice::Jump, UNPACKING, Duration::ZERO)?;
    spoil(&lab, &[ENV], &[0x5a; 1024])?;
    bench.ends(&lab, End::New).map(drop)
}

/// By then the script of after the commit is where GRUB reads it, which replays no journal.
pub(crate) fn after_commit(bench: &mut Bench) -> Result<()> {
    let fault = "power cut right after the commit, and the environment block random";
    let lab = bench.armed(fault)?;
    lab.cut(
        Choice::Jump,
        "jump: write the partition table",
        Duration::ZERO,
    )?;
    edit::raw_environment(&lab, &[0x5a; 1024])?;
    bench.ends(&lab, End::New).map(drop)
}

/// One script is enough, and without any the core image has its own.
pub(crate) fn scripts(bench: &mut Bench) -> Result<()> {
    let both = [CONFIG, SPARE_CONFIG];
    for (fault, names, bytes) in [
        ("one script empty when armed", &both[..1], &[][..]),
        ("both scripts garbage when armed", &both, GARBAGE),
    ] {
        let lab = bench.armed(fault)?;
        spoil(&lab, names, bytes)?;
        bench.ends(&lab, End::New)?;
    }
    let lab = bench.armed("both scripts empty after the commit")?;
    lab.cut(Choice::Jump, UNPACKING, Duration::ZERO)?;
    spoil(&lab, &both, &[])?;
    bench.ends(&lab, End::New)?;

    let lab = bench.armed("both scripts garbage when the new system has its tries")?;
    lab.pass(Choice::Jump)?;
    spoil(&lab, &both, GARBAGE)?;
    bench
        .ends_telling(&lab, End::Jump, "the new system was not confirmed")
        .map(drop)
}

/// GRUB checks the kernel's digest before it starts it.
pub(crate) fn kernel(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("kernel missing")?;
    edit::landing(&lab, |landing| {
        Ok(std::fs::remove_file(boot_file(landing, "vmlinuz")?)?)
    })?;
    bench.ends(&lab, End::Old)?;
    let lab = bench.armed("a bit of the kernel flipped")?;
    edit::landing(&lab, |landing| edit::flip(&boot_file(landing, "vmlinuz")?))?;
    bench.ends(&lab, End::Old).map(drop)
}

/// The same for the initramfs.
pub(crate) fn initramfs(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("initramfs cut to half")?;
    edit::landing(&lab, |landing| edit::cut(&boot_file(landing, "initrd")?))?;
    bench.ends(&lab, End::Old)?;
    let lab = bench.armed("initramfs missing")?;
    edit::landing(&lab, |landing| {
        Ok(std::fs::remove_file(boot_file(landing, "initrd")?)?)
    })?;
    bench.ends(&lab, End::Old).map(drop)
}

/// Overwrites files of the selector.
fn spoil(lab: &Lab, names: &[&str], bytes: &[u8]) -> Result<()> {
    edit::landing(lab, |landing| {
        for name in names {
            let path = edit::selector(landing, name);
            ensure!(path.exists(), "there is no {name}");
            std::fs::write(path, bytes)?;
        }
        Ok(())
    })
}

/// The file in /boot whose name begins so.
fn boot_file(landing: &Path, start: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir(landing.join("boot"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(start) {
            return Ok(entry.path());
        }
    }
    anyhow::bail!("/boot has no {start}")
}

/// What the environment says is what counts. Right before the commit jump waits for an admin host that
/// does not come.
pub(crate) fn commit(bench: &mut Bench) -> Result<()> {
    for (fault, state, end) in [
        (
            "power cut before the environment is written",
            State::Old,
            End::Old,
        ),
        (
            "power cut after the environment is written",
            State::Jump,
            End::New,
        ),
    ] {
        let lab = bench.armed(fault)?;
        edit::plan(&lab, |plan| {
            let steps = &mut plan.steps.prove;
            let commit = steps.iter().position(|step| *step == Step::Commit);
            steps.insert(commit.unwrap_or_default(), Step::ProveAdmin);
        })?;
        lab.cut(
            Choice::Jump,
            "jump: prove: the admin host logs in",
            Duration::ZERO,
        )?;
        edit::environment(&lab, state)?;
        bench.ends(&lab, end)?;
    }
    Ok(())
}
