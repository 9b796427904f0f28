//! The job that `jumpimg convert` makes of the two sample files jumps the same node of 2009 with all of
//! jump's promises. What the files leave to a person is done as an admin would.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumplab::journey::{self, BOOT, Job, Push};
use jumplab::legacy::Legacy;
use jumplab::vm::{ALICE, Guest as _, Machine, NODE, Node};
use jumplab::{dist, images, run};
use jumpspec::disk::BootCode;
use jumpsys::boot::bootsector::BootSector;

use jump_tests::machines::disk;

use crate::samples;

/// From the first look at the node to its reboot, on a busy machine.
const STAGE: Duration = Duration::from_mins(15);
/// From the start of the jump system to its last reboot.
const REPLACE: Duration = Duration::from_mins(15);
/// Until the push has heard of the end.
const END: Duration = Duration::from_mins(10);
/// What the files of 2009 do not say: the node has a /boot of its own.
const BOOT_PARTITION: &str =
    "\n[[layout.partition]]\nnumber = 3\naction = \"format\"\nmount = \"/boot\"\nfs = \"ext4\"\n";
/// The hook of which the list says that a line of it makes swap, without that.
const CLIENT: &str = "#!/bin/sh\nuname -r >/var/log/client\n";
/// What makes the node itself, and the swap that is in use; the old system and the new one call
/// interfaces by other names.
const PORTRAIT: &str = "uname -n; cat /etc/ssh/ssh_host_*_key.pub /root/notes.txt; \
    stat -c '%a %u %g' /root/notes.txt; getent shadow root; \
    ip -4 -o address show | grep -o '10[.]0[.]2[.][0-9/]*' | sort -u; \
    ip -4 route show default | grep -o 'via [^ ]*'; swapon --noheadings --raw --show=NAME,UUID";
/// What is told of the saved file whose program the new system does not have.
const NOT_BACK: &str = "/etc/postfix/main.cf is not put back";
/// Sectors before the first partition.
const GAP: u64 = 2048;

/// The sample's own way back: there was none.
pub(crate) fn rehearse() -> Result<()> {
    let (node, job) = prepare("legacy-rehearsal")?;
    let head = disk::sectors(&node, 0, GAP)?;
    let mut machine = start(&node)?;
    let before = machine.ssh(&portrait())?;
    let push = job.push(machine.ssh_config(), &["--yes", "--rehearse"]);
    let mut push = Push::start(push, &node.folder.join("push.log"))?;
    machine = boots(machine, &node, &push, STAGE)?;
    ensure!(
        disk::sectors(&node, 0, 1)? != head[..512],
        "the node went down without being armed: {}",
        push.said()?
    );
    machine = boots(machine, &node, &push, REPLACE)?;
    let (ended, said) = push.wait(END)?;
    ensure!(ended.success(), "{ended}\n{said}");
    ensure!(samples::which(&machine)? == "old", "{said}");
    let after = machine.ssh(&portrait())?;
    ensure!(before == after, "it was\n{before}\nit is\n{after}");
    machine.power_off(BOOT)?;
    ensure!(
        disk::sectors(&node, 0, GAP)? == head,
        "GRUB legacy's sectors are not what they were"
    );
    // It boots by them.
    start(&node)?.kill()
}

pub(crate) fn push() -> Result<()> {
    let (node, job) = prepare("legacy-converted")?;
    let old_sector = disk::sectors(&node, 0, 1)?;
    ensure!(
        matches!(code(&node)?, BootCode::GrubLegacy { .. }),
        "it does not boot by GRUB legacy"
    );
    let mut machine = start(&node)?;
    let before = machine.ssh(&portrait())?;
    run::show(&mut job.check(machine.ssh_config()))?;
    let push = job.push(machine.ssh_config(), &["--yes"]);
    let mut push = Push::start(push, &node.folder.join("push.log"))?;
    machine = boots(machine, &node, &push, STAGE)?;
    machine = boots(machine, &node, &push, REPLACE)?;
    let (ended, said) = push.wait(END)?;
    println!("{said}");
    ensure!(ended.success(), "{ended}");
    // As the sample does: a saved file goes back only into a directory that is there.
    ensure!(
        said.contains(NOT_BACK),
        "the push does not say {NOT_BACK:?}"
    );
    looks_new(&machine, &before)?;
    journey::check_reboots(&machine)?;
    machine.power_off(BOOT)?;
    ensure!(
        code(&node)? == BootCode::Grub { kernel_sector: 1 },
        "it boots by {:?}",
        code(&node)?
    );
    let gap = disk::sectors(&node, 0, GAP)?;
    ensure!(
        gap.chunks(512)
            .all(|sector| sector[..440] != old_sector[..440]),
        "GRUB legacy's old sector is still there"
    );
    Ok(())
}

/// The node, and the job of its admin.
fn prepare(name: &str) -> Result<(Node, Job)> {
    let legacy = Legacy::prepare(name)?;
    samples::write(&legacy.admin)?;
    let job = convert(&legacy.admin)?;
    Ok((legacy.node, job))
}

/// Converts the sample files of `admin`, and does what the list says.
fn convert(admin: &Path) -> Result<Job> {
    let mut convert = run::command(dist::jumpimg(), ["convert", "nextrel.cfg"]);
    convert.args(["--script", "jump2.sh", "-o", "job"]);
    run::show(convert.current_dir(admin))?;
    let folder = admin.join("job");
    let list = std::fs::read_to_string(folder.join("CONVERTED.md"))?;
    let (_, left) = list.split_once("## What needs a person").context("list")?;
    let (left, _) = left.split_once("\n## ").context("list")?;
    let left: Vec<&str> = left.lines().filter(|line| line.starts_with("- ")).collect();
    // Accounts are the job's to merge, swap is its to make again.
    let wanted = ["rc.local.client", "$JUMP_DIR/passwd", "$JUMP_DIR/shadow"];
    ensure!(
        left.len() == 3
            && left
                .iter()
                .zip(wanted)
                .all(|(line, part)| line.contains(part)),
        "{left:#?}"
    );
    std::fs::write(folder.join("hooks/rc.local.client"), CLIENT)?;
    let job = Job::of(&folder);
    // The archives of 2009 have no GRUB 2, which an image needs.
    for (role, name) in [("jump", images::JUMP), ("target", images::NODE)] {
        job.set("images", role, &images::path(name).display().to_string())?;
    }
    job.append(BOOT_PARTITION)?;
    Ok(job)
}

/// Starts the node and waits until its old system answers.
fn start(node: &Node) -> Result<Machine> {
    let mut machine = Machine::start(node, &samples::hardware(true))?;
    machine.wait_for_ssh(BOOT)?;
    ensure!(samples::which(&machine)? == "old", "it is no old system");
    Ok(machine)
}

/// The node's next boot, once it has gone down.
fn boots(mut machine: Machine, node: &Node, push: &Push, within: Duration) -> Result<Machine> {
    let went_down = machine.wait_for_reboot(within);
    went_down.with_context(|| format!("push said:\n{}", push.said().unwrap_or_default()))?;
    machine.kill()?;
    Machine::start(node, &samples::hardware(true))
}

fn portrait() -> String {
    format!("{PORTRAIT}; getent passwd {0}; getent shadow {0}", ALICE.0)
}

fn looks_new(machine: &Machine, before: &str) -> Result<()> {
    let after = machine.ssh(&portrait())?;
    ensure!(before == after, "it was\n{before}\nit is\n{after}");
    let said = machine.ssh(
        ". /etc/os-release; echo $VERSION_ID; findmnt -no SOURCE,FSTYPE /boot; \
         cat /var/log/reconfigured; test -s /var/log/client && echo client; \
         ls -d /jump* /etc/rc.local /etc/which-system 2>/dev/null; true",
    )?;
    let wanted = format!("13\n/dev/sda3 ext4\n{NODE}\nclient\n");
    ensure!(said == wanted, "{said}");
    Ok(())
}

/// Whose code the node boots by.
fn code(node: &Node) -> Result<BootCode> {
    let sector: [u8; 512] = disk::sectors(node, 0, 1)?
        .try_into()
        .ok()
        .context("a sector has 512 bytes")?;
    Ok(BootSector::new(sector).code())
}
