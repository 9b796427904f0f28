//! The two sample files of 2009, word for word but for what they say is to be replaced, jump a node of
//! 2009: GRUB legacy, sysvinit, ext3.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use jumplab::journey::BOOT;
use jumplab::legacy::{Legacy, WHICH};
use jumplab::vm::{ALICE, Bus, Guest as _, Hardware, Machine, NODE};
use jumplab::{dist, run};

const CONFIG: &str = include_str!("../../samples/nextrel.cfg");
const SCRIPT: &str = include_str!("../../samples/jump2.sh");
/// What the script has where the admin's own code belongs.
const REPLACE: &str =
    r#"echo "$f requires special handling, cannot just blast a new one in. Replace this code.""#;
/// The node's people come along.
const PASSWD: &str = "awk -F: '$3 >= 1000 && $3 < 60000' $JUMP_DIR/passwd >>etc/passwd";
/// So do their passwords, and root's.
const SHADOW: &str = "for u in root `awk -F: '$3 >= 1000 && $3 < 60000 { print $1 }' $JUMP_DIR/passwd`; do \
    sed -i \"/^$u:/d\" etc/shadow; grep \"^$u:\" $JUMP_DIR/shadow >>etc/shadow; done";
/// Runs a command with the ssh_config `$1` as this host's: the sample's scp takes no other.
const WITH_SSH_CONFIG: &str = r#"mount --bind "$1" /etc/ssh/ssh_config && shift && exec "$@""#;
/// What makes the node itself, and the swap that is in use.
const PORTRAIT: &str = "uname -n; cat /etc/ssh/ssh_host_*_key.pub; cat /root/notes.txt \
    /etc/postfix/main.cf /etc/network/interfaces /etc/fstab; getent shadow root; ip -4 -o address show eth0; \
    swapon --noheadings --raw --show=NAME";

pub(crate) fn jump() -> Result<()> {
    let legacy = Legacy::prepare("legacy")?;
    write(&legacy.admin)?;
    let mut machine = Machine::start(&legacy.node, &hardware(true))?;
    machine.wait_for_ssh(BOOT)?;
    ensure!(which(&machine)? == "old", "it is no old system");
    let people = format!("{PORTRAIT}; getent passwd {0}; getent shadow {0}", ALICE.0);
    let before = machine.ssh(&people)?;

    let mut jump2nr = run::command("unshare", ["--mount", "sh", "-c", WITH_SSH_CONFIG, "sh"]);
    jump2nr
        .arg(machine.ssh_config())
        .arg(dist::jump2nr())
        .args(["-cfg", "nextrel.cfg", NODE])
        .current_dir(&legacy.admin)
        .env("XDG_STATE_HOME", &legacy.node.folder);
    run::show(&mut jump2nr)?;
    machine.wait_for_reboot(BOOT)?;
    machine.kill()?;
    let mut jump = Machine::start(&legacy.node, &hardware(true))?;
    jump.wait_for_reboot(BOOT)?;
    jump.kill()?;

    let mut machine = Machine::start(&legacy.node, &hardware(false))?;
    machine.wait_for("the new system answers", BOOT, |machine| {
        Ok(machine.offers_ssh() && which(machine).is_ok_and(|which| which == "new"))
    })?;
    // Its rc.local runs last.
    machine.wait_for("swap is swap again", BOOT, |machine| {
        Ok(machine
            .ssh("test -e /var/log/reconfigured && ! test -e /etc/jump.initialize.myself")
            .is_ok())
    })?;
    let after = machine.ssh(&people)?;
    ensure!(before == after, "it was\n{before}\nit is\n{after}");
    ensure!(after.contains("/dev/sda2\n"), "no swap: {after}");
    machine.kill()
}

/// Each boot has a QEMU of its own: in the second one of the same, QEMU 7.2 comes no further in
/// clearing a page.
pub(crate) fn hardware(stops_at_reboot: bool) -> Hardware {
    Hardware {
        bus: Bus::Ide,
        cpus: 1,
        stops_at_reboot,
        ..Hardware::default()
    }
}

/// Which of its systems answers, by the lab's own file.
pub(crate) fn which(machine: &Machine) -> Result<String> {
    Ok(machine.ssh(&format!("cat {WHICH}"))?.trim().to_owned())
}

/// Writes both files to the folder of their admin, filled in.
pub(crate) fn write(admin: &Path) -> Result<()> {
    std::fs::write(admin.join("nextrel.cfg"), CONFIG)?;
    let filled = SCRIPT
        .replacen(REPLACE, PASSWD, 1)
        .replacen(REPLACE, SHADOW, 1);
    ensure!(!filled.contains("Replace this code"), "{filled}");
    let script = admin.join("jump2.sh");
    std::fs::write(&script, filled)?;
    run::quiet(run::command("chmod", ["+x"]).arg(&script)).context("cannot make it a program")
}
