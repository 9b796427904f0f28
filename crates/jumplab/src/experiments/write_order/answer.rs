//! Boots a sample in QEMU: what GRUB was said to choose has to answer SSH.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::replay::Sample;
use crate::journey::BOOT;
use crate::vm::loader::Choice;
use crate::vm::{Guest as _, Hardware, Machine, NODE, Node};

/// Which system that is, as the jump system's folder and the version of Debian tell.
const WHICH: &str =
    "if [ -d /jump/selector ]; then echo jump; else . /etc/os-release; echo $VERSION_ID; fi";

/// Boots it, and fails unless the system chosen answers. `like` is the node that was recorded.
pub(super) fn answers(sample: &Sample, like: &Node) -> Result<()> {
    let folder = sample.disk.with_extension("run");
    std::fs::create_dir_all(&folder)?;
    let node = Node {
        folder,
        disk: sample.disk.clone(),
        ..like.clone()
    };
    let what = || format!("{}: {}", sample.window, sample.disk.display());
    let mut machine = Machine::start(&node, &Hardware::default())?;
    trust_jump(&like.folder, &node.folder)?;
    machine.wait_for_ssh(BOOT).with_context(what)?;
    let answer = machine.ssh(WHICH).with_context(what)?;
    machine.kill()?;
    let wanted = match sample.choice {
        Choice::Old => "12",
        Choice::Jump => "jump",
        Choice::New => "13",
    };
    let answer = answer.trim();
    ensure!(
        answer == wanted,
        "{}: {answer} answers, not {wanted}",
        what()
    );
    std::fs::remove_file(&sample.disk)?;
    Ok(std::fs::remove_dir_all(&node.folder)?)
}

/// Has the jump system's host key, which jumpimg kept of the run, count as the node's.
fn trust_jump(recorded: &Path, folder: &Path) -> Result<()> {
    let mut known_hosts = File::options()
        .append(true)
        .open(folder.join("known_hosts"))?;
    for run in std::fs::read_dir(recorded.join("state/runs"))? {
        let keys = std::fs::read_to_string(run?.path().join("known_hosts"))?;
        for key in keys.lines().filter_map(|line| line.split_once(' ')) {
            writeln!(known_hosts, "{NODE} {}", key.1)?;
        }
    }
    Ok(())
}
