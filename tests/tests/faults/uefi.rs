//! Nodes that boot by a UEFI: what their firmware and its variables do to a run, and what lies about
//! where their loader looks.

use anyhow::{Context as _, Result, ensure};
use jump_tests::machines::disk;
use jumplab::experiments::faults::End;
use jumplab::small::Checkpoint;
use jumplab::vm::Role;
use jumplab::vm::loader::Choice;
use jumpspec::boot::uefi::{BOOT_NEXT, BOOT_ORDER};

use crate::bench::Bench;
use crate::lab::BOOT;

/// What an installer's medium is known by, and its menu, at which it waits.
const MEDIUM: [(&str, &str); 2] = [
    (".disk/info", "Debian GNU/Linux 12 \"Bookworm\"\n"),
    (
        "boot/grub/grub.cfg",
        "set timeout=-1\nmenuentry Install { true; }\n",
    ),
];

/// What the firmware was told is not what it does: that is seen before anything is destroyed.
pub(crate) fn ignored(bench: &mut Bench) -> Result<()> {
    let lab = bench.node_with_uefi(Checkpoint::Armed, "a firmware that ignores BootNext")?;
    lab.node.firmware().variables().remove(BOOT_NEXT)?;
    bench.ends(&lab, End::Old)?;

    let lab = bench.node_with_uefi(Checkpoint::Armed, "a firmware that keeps BootNext")?;
    let vars = lab.node.firmware().variables();
    let next = vars.read(BOOT_NEXT)?.context("it is not armed")?;
    ensure!(lab.node.choose()?.choice == Choice::Jump, "it is armed");
    vars.write(BOOT_NEXT, &next)?;
    lab.start(Choice::Jump)?.wait_for_end(BOOT)?;
    bench.ends_telling(&lab, End::Old, "has not spent BootNext")?;

    let lab = bench.node_with_uefi(Checkpoint::Armed, "a firmware that resets BootOrder")?;
    let vars = lab.node.firmware().variables();
    let armed = vars.read(BOOT_ORDER)?.context("there is no order")?;
    lab.pass(Choice::Jump)?;
    let turned = vars.read(BOOT_ORDER)?;
    ensure!(turned != Some(armed.clone()), "the order was not turned");
    vars.write(BOOT_ORDER, &armed)?;
    bench.ends(&lab, End::Old).map(drop)
}

/// GRUB looks for one on every disk, if nothing keeps it from that.
pub(crate) fn medium(bench: &mut Bench) -> Result<()> {
    let lab = bench.node_with_uefi(Checkpoint::Armed, "an installer's medium in the node")?;
    disk::with_mounted(&lab.node.node, Role::Data, |data| {
        for (name, text) in MEDIUM {
            let path = data.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(data))?;
            std::fs::write(path, text)?;
        }
        Ok(())
    })?;
    let seen = bench.ends(&lab, End::New)?;
    let wanted = [Choice::Jump, Choice::Jump, Choice::New, Choice::New];
    ensure!(seen.booted == wanted, "{:?}", seen.booted);
    Ok(())
}
