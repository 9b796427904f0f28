//! A jump system that cannot do its work, or meets other hardware, another network, another image.

use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use jump_tests::machines::sabotage;
use jumplab::experiments::faults::End;
use jumplab::images;
use jumplab::run;
use jumplab::vm::loader::Choice;
use jumplab::vm::{DISK_SERIAL, STATIC_ADDRESS, copy_sparse};
use jumpspec::job::Wait;
use jumpspec::step::Step;

use crate::bench::Bench;
use crate::edit;
use crate::lab::{BOOT, Lab};

/// Long enough for a jump system on a busy machine that can prove itself, short enough to wait for.
const PROVE: Duration = Duration::from_secs(15);

/// Its kernel panics, and reboots.
pub(crate) fn init_dies(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the init of jump is a program that ends")?;
    edit::landing(&lab, replace_init)?;
    bench.ends(&lab, End::Old).map(drop)
}

/// Makes the init of the system below `root` a program that ends at once.
pub(crate) fn replace_init(root: &Path) -> Result<()> {
    let init = root.join("sbin/init");
    std::fs::remove_file(&init)?;
    Ok(symlink("/bin/false", init)?)
}

/// Nobody pets the watchdog any more.
pub(crate) fn hangs(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("jumpinit is stopped (SIGSTOP) once its watchdog is armed")?;
    // It waits for an admin host that never comes, and longer than the watchdog does.
    edit::plan(&lab, |plan| {
        plan.wait.prove = Wait(BOOT);
        plan.steps.prove.insert(0, Step::ProveAdmin);
    })?;
    edit::landing(&lab, |landing| {
        edit::softdog(landing)?;
        // The first watchdog is one of user-mode Linux, on the host.
        let armed = "until [ -e /run/jump-begun ] && [ -e /dev/watchdog1 ]; do sleep 0.05; done";
        sabotage::unit(landing, &format!("{armed}\n{}", sabotage::signal("STOP")))
    })?;
    let seen = bench.ends(&lab, End::Old)?;
    ensure!(
        seen.booted.first() == Some(&Choice::Jump),
        "{:?}",
        seen.booted
    );
    Ok(())
}

/// The proof has a deadline.
pub(crate) fn no_interface(bench: &mut Bench) -> Result<()> {
    let mut lab = bench.armed("jump has no network interface")?;
    lab.jump_board.interface = false;
    edit::prove_within(&lab, PROVE)?;
    bench
        .ends_telling(&lab, End::Old, "no link has the address")
        .map(drop)
}

/// Another address than the node's is as bad as none.
pub(crate) fn wrong_address(bench: &mut Bench) -> Result<()> {
    let (address, _) = STATIC_ADDRESS.split_once('/').unwrap_or_default();
    let lab = bench.armed("jump asks for DHCP, which nobody answers")?;
    edit::prove_within(&lab, PROVE)?;
    edit::landing(&lab, |landing| each_network(landing, |_| String::new()))?;
    bench.ends_telling(&lab, End::Old, "vec0 is down")?;
    let lab = bench.armed("jump has another address")?;
    edit::prove_within(&lab, PROVE)?;
    edit::landing(&lab, |landing| {
        each_network(landing, |text| text.replace(address, "192.168.77.99"))
    })?;
    bench.ends_telling(&lab, End::Old, address).map(drop)
}

/// A lease of another address than the node's is as bad, though the network is up.
pub(crate) fn another_lease(bench: &mut Bench) -> Result<()> {
    let (address, _) = STATIC_ADDRESS.split_once('/').unwrap_or_default();
    let lab = bench.armed("the DHCP server gives jump another address")?;
    edit::prove_within(&lab, PROVE)?;
    edit::plan(&lab, |plan| {
        let links = plan
            .network
            .iter_mut()
            .flat_map(|planned| &mut planned.network.links);
        for link in links.filter(|link| link.is_used()) {
            link.leased = std::mem::take(&mut link.addresses);
            link.dhcp4 = true;
        }
    })?;
    edit::landing(&lab, |landing| {
        each_network(landing, |_| String::new())?;
        // An address with a lifetime is what a DHCP client sets.
        let lease = "until [ -e /sys/class/net/vec0 ]; do sleep 0.1; done\n\
            ip link set vec0 up\n\
            ip address add 192.168.77.99/24 dev vec0 valid_lft 3600 preferred_lft 3600";
        sabotage::unit(landing, lease)
    })?;
    bench
        .ends_telling(&lab, End::Old, &format!("by DHCP and not {address}"))
        .map(drop)
}

/// Changes the node's network settings in the jump system; empty ones are removed.
fn each_network(landing: &Path, edit: impl Fn(&str) -> String) -> Result<()> {
    for entry in std::fs::read_dir(landing.join("etc/systemd/network"))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("10-") {
            match edit(&std::fs::read_to_string(entry.path())?) {
                text if text.is_empty() => std::fs::remove_file(entry.path())?,
                text => std::fs::write(entry.path(), text)?,
            }
        }
    }
    Ok(())
}

/// Nobody could log in.
pub(crate) fn sshd_fails(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("the host key of jump is missing")?;
    edit::prove_within(&lab, PROVE)?;
    edit::landing(&lab, |landing| {
        Ok(std::fs::remove_file(
            landing.join("etc/ssh/ssh_host_ed25519_key"),
        )?)
    })?;
    bench.ends_telling(&lab, End::Old, "sshd does not answer")?;
    let lab = bench.armed("the settings of sshd in jump are garbage")?;
    edit::prove_within(&lab, PROVE)?;
    edit::landing(&lab, |landing| {
        Ok(std::fs::write(
            landing.join("etc/ssh/sshd_config.d/jump.conf"),
            "Garbage\n",
        )?)
    })?;
    bench
        .ends_telling(&lab, End::Old, "sshd does not answer")
        .map(drop)
}

/// Its kernel does not wait for ever: it panics, and reboots.
pub(crate) fn no_root(bench: &mut Bench) -> Result<()> {
    let mut lab = bench.armed("the kernel of jump does not see its disk")?;
    lab.jump_board.root = Some("/dev/nonexistent".to_owned());
    bench.ends(&lab, End::Old).map(drop)
}

/// The disk is known by what it is, not by its name.
pub(crate) fn disks(bench: &mut Bench) -> Result<()> {
    let mut lab = bench.armed("another disk comes first")?;
    let other = blank(&lab, 16 << 20)?;
    for board in [&mut lab.board, &mut lab.jump_board] {
        board.before.push((other.clone(), "OTHER".to_owned()));
    }
    bench.ends(&lab, End::New)?;

    let mut lab = bench.armed("two disks with the serial number of the planned one")?;
    let size = lab.node.node.disk.metadata()?.len();
    let twin = blank(&lab, size)?;
    lab.jump_board.behind.push((twin, DISK_SERIAL.to_owned()));
    bench.ends(&lab, End::Old)?;

    let mut lab = bench.armed("a disk with another serial number")?;
    "OTHER".clone_into(&mut lab.jump_board.serial);
    bench.ends(&lab, End::Old)?;

    let lab = bench.armed("a partition more than planned")?;
    let mut sfdisk = run::command("sfdisk", ["--quiet", "--append"]);
    run::feed(sfdisk.arg(&lab.node.node.disk), b"size=8MiB\n")?;
    bench
        .ends_telling(&lab, End::Old, "not those that the plan was made for")
        .map(drop)
}

/// A disk of that many zeros.
fn blank(lab: &Lab, bytes: u64) -> Result<std::path::PathBuf> {
    let path = lab.node.node.folder.join("other.img");
    File::create(&path)?.set_len(bytes)?;
    Ok(path)
}

/// All of the staged image is read and its digest compared.
pub(crate) fn image_damaged(bench: &mut Bench) -> Result<()> {
    type Damage = fn(&Path) -> Result<()>;
    let damages: [(&str, Damage); 2] = [
        ("a bit of the staged image flipped", edit::flip),
        ("the staged image cut to half", edit::cut),
    ];
    for (fault, damage) in damages {
        let lab = bench.armed(fault)?;
        edit::landing(&lab, |landing| damage(&edit::staged_image(landing)))?;
        bench.ends_telling(&lab, End::Old, "has digest")?;
    }
    Ok(())
}

/// It is this image or none.
pub(crate) fn image_exchanged(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("another valid image in place of the staged one")?;
    edit::landing(&lab, |landing| {
        copy_sparse(
            &images::path(images::SMALL_JUMP),
            &edit::staged_image(landing),
        )
    })?;
    bench.ends_telling(&lab, End::Old, "has digest").map(drop)
}

/// Nothing counts on the clock.
pub(crate) fn clock(bench: &mut Bench) -> Result<()> {
    for (fault, date) in [
        ("clock at 1970", "1970-01-02 00:00:00"),
        ("clock at 2100", "2100-01-01 00:00:00"),
    ] {
        let lab = bench.armed(fault)?;
        let set = format!("date --utc --set='{date}'");
        edit::landing(&lab, |landing| sabotage::unit(landing, &set))?;
        edit::hook(
            &lab,
            &format!(
                "echo \"{set}\" >/etc/saboteur\n\
                 printf '[Unit]\\nDefaultDependencies=no\\n[Service]\\nExecStart=/bin/sh /etc/saboteur\\n' \
                 >/etc/systemd/system/saboteur.service\n\
                 mkdir -p /etc/systemd/system/sysinit.target.wants\n\
                 ln -s ../saboteur.service /etc/systemd/system/sysinit.target.wants/"
            ),
        )?;
        let seen = bench.ends(&lab, End::New)?;
        ensure!(
            seen.booted == [Choice::Jump, Choice::New],
            "{:?}",
            seen.booted
        );
    }
    Ok(())
}
