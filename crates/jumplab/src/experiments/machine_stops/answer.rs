//! What a machine that was stopped boots, and what is left of its EFI system partition.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;

use super::stop::Stop;
use super::story::kernel;
use super::writes::Tail;
use crate::journey::BOOT;
use crate::run;
use crate::vm::loader::Choice;
use crate::vm::{Hardware, Machine, Node, Role};

/// From power-on to a kernel's first line, on a busy machine: the jump system's initramfs is read before.
const KERNEL: Duration = Duration::from_mins(5);
/// One in so many machines is waited for until it answers SSH.
const ONE_IN: usize = 8;

/// Where a FAT32 says in its first sector how it was left, and the bit for one that is in use.
const STATE: u64 = 0x41;
const DIRTY: u8 = 1;

/// The file system of the EFI system partition, as fsck.vfat(8) sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fat {
    /// Nothing is wrong with it.
    Clean,
    /// Something is, and can be mended.
    Mendable,
}

/// What came of a stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// Whose kernel has started.
    pub(super) system: Choice,
    /// From power-on, in seconds.
    pub(super) kernel: f64,
    /// The same for SSH, where that was waited for.
    pub(super) ssh: Option<f64>,
    pub(super) fat: Fat,
}

/// Starts the machine; fails if it is lost.
pub(super) fn answer(stop: &Stop) -> Result<Answer> {
    let node = &stop.node;
    let fat = look(node)?;
    let mut machine = Machine::start(node, &Hardware::default())?;
    let mut console = Tail::of(machine.serial_log());
    let mut started = None;
    let mut passed = machine.wait_for("a kernel starts", KERNEL, |_| {
        started = console.lines()?.iter().find_map(|line| kernel(line));
        Ok(started.is_some())
    })?;
    let system = started.context("no kernel has started")?;
    let kernel = passed.as_secs_f64();
    ensure!(
        stop.may_boot.contains(&system),
        "it boots the {} system",
        system.name()
    );
    let mut ssh = None;
    if stop.number.is_multiple_of(ONE_IN) {
        passed += machine.wait_for("it answers SSH", BOOT, |machine| Ok(machine.offers_ssh()))?;
        ssh = Some(passed.as_secs_f64());
    }
    machine.kill()?;
    Ok(Answer {
        system,
        kernel,
        ssh,
        fat,
    })
}

/// Looks at a copy of the partition.
fn look(node: &Node) -> Result<Fat> {
    let place = node.table.place(Role::Esp).context("it has an ESP")?;
    let copy = node.folder.join("esp.img");
    let mut dd = run::command("dd", ["bs=1M", "conv=sparse", "status=none"]);
    dd.arg(format!("if={}", node.disk.display()))
        .arg(format!("of={}", copy.display()))
        .arg(format!("skip={}", place.start >> 20))
        .arg(format!("count={}", (place.end - place.start) >> 20));
    run::quiet(&mut dd)?;
    clear_dirty(&copy)?;
    let found = fsck("-n", &copy)?;
    let fat = if found.is_empty() {
        Fat::Clean
    } else {
        fsck("-a", &copy)?;
        let left = fsck("-n", &copy)?;
        ensure!(left.is_empty(), "its FAT cannot be mended: {found}\n{left}");
        Fat::Mendable
    };
    std::fs::remove_file(&copy)?;
    Ok(fat)
}

/// Whoever has it mounted says so in there, which is no fault (Linux, `struct fat_boot_sector`).
fn clear_dirty(image: &Path) -> Result<()> {
    let file = File::options().read(true).write(true).open(image)?;
    let mut state = [0];
    file.read_exact_at(&mut state, STATE)?;
    Ok(file.write_all_at(&[state[0] & !DIRTY], STATE)?)
}

/// What fsck.vfat finds; nothing where all is well (its manual, "EXIT STATUS").
fn fsck(option: &str, image: &Path) -> Result<String> {
    let output = run::output(run::command("fsck.vfat", [option]).arg(image))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.code() {
        Some(0) => Ok(String::new()),
        Some(1) => Ok(said),
        _ => bail!("fsck.vfat {option}: {}\n{said}", output.status),
    }
}
