//! What is asked of the new system. Every SSH here checks the host key against the old system's.

use std::fmt::Debug;

use anyhow::{Context as _, Result, bail, ensure};

use super::portrait::Portrait;
use super::questions::answers;
use crate::vm::{Guest, Machine, Role, SWAP_LABEL, SWAP_UUID, Table};
use crate::workspace;

/// Leftovers of a jump, all of which must be gone; its logs below /var/log/jump stay.
const TRACES: &str = "find / /boot /boot/efi /data -xdev -name '*jump*' -not -path '/proc/*' \
    -not -path '/sys/*' -not -path '/run/*' -not -path '/var/log/jump*'; \
    ls -d /etc/rc.local 2>/dev/null; true";

/// Looks at the new system of a node with that table and fails, naming what is amiss, unless all is as
/// it should be.
pub fn check(before: &Portrait, table: Table, guest: &dyn Guest) -> Result<()> {
    let after = Portrait::take(guest)?;
    let mut report = Report::default();
    let [version, damaged, traces, state] = answers(
        guest,
        [
            ". /etc/os-release; echo $VERSION_ID",
            "cd /data && sha256sum --check --quiet SHA256SUMS 2>&1; true",
            TRACES,
            "systemctl is-system-running --wait; systemctl --failed --plain --no-legend",
        ],
    )?;

    report.equal("it is Debian 13", &"13".to_owned(), &version);
    report.equal("same host name", &before.host_name, &after.host_name);
    report.equal("same host keys", &before.host_keys, &after.host_keys);
    report.equal(
        "same accounts and passwords",
        &before.accounts,
        &after.accounts,
    );
    report.equal(
        "root's own file is there",
        &before.root_file,
        &after.root_file,
    );
    report.equal(
        "/data is the same file system",
        &before.data_mount,
        &after.data_mount,
    );
    report.equal(
        "/data's list is the same",
        &before.data_list,
        &after.data_list,
    );
    report.equal("alice's home is hers", &before.home, &after.home);
    report.equal("/data's files are untouched", &String::new(), &damaged);
    report.equal(
        "swap is back, same UUID and label",
        &before.swap,
        &after.swap,
    );
    let known = match table.partition(Role::Swap) {
        Some(_) => after
            .swap
            .starts_with(&format!("{SWAP_UUID} {SWAP_LABEL} ")),
        None => after.swap.is_empty(),
    };
    report.equal("swap is the victim's", &true, &known);
    report.equal(
        "the same partitions, and those that the job makes",
        &(Vec::new(), made_by_the_job(table)),
        &difference(&before.partitions, &after.partitions),
    );
    report.equal("same addresses", &before.addresses, &after.addresses);
    report.equal("same routes", &before.routes, &after.routes);
    report.equal("no trace of jump", &String::new(), &traces);
    report.equal("systemd is content", &"running".to_owned(), &state);
    report.verdict()
}

/// How many partitions our job makes on such a disk.
fn made_by_the_job(table: Table) -> usize {
    usize::from(table.is_small())
}

/// The lines that are in the first text alone, and how many are in the second alone.
fn difference<'a>(before: &'a str, after: &str) -> (Vec<&'a str>, usize) {
    let lost = before
        .lines()
        .filter(|line| !after.lines().any(|it| it == *line));
    let more = after
        .lines()
        .filter(|line| !before.lines().any(|it| it == *line));
    (lost.collect(), more.count())
}

/// The firmware has the new system's entry in front, was seen to boot by it, and has none of jump's.
pub fn check_firmware(guest: &dyn Guest) -> Result<()> {
    let [said, traces] = answers(
        guest,
        [
            "efibootmgr",
            "ls /sys/firmware/efi/efivars | grep -i jump; ls -d /boot/efi/EFI/[Jj]*; true",
        ],
    )?;
    let value = |name: &str| {
        let lines = said.lines().find_map(|line| line.strip_prefix(name));
        lines.unwrap_or_default().trim().to_owned()
    };
    let (current, order) = (value("BootCurrent:"), value("BootOrder:"));
    let first = order.split(',').next().unwrap_or_default();
    let named = value(&format!("Boot{first}*"));
    let mut report = Report::default();
    report.equal(
        "booted by the first of BootOrder",
        &first,
        &current.as_str(),
    );
    report.equal("which is Debian's", &true, &named.starts_with("debian"));
    report.equal("no entry of jump's", &false, &said.contains("jump"));
    report.equal("no trace in ESP and variables", &String::new(), &traces);
    report.verdict()
}

/// What a kernel says when it hands the machine to its firmware (kernel/reboot.c).
const RESTARTS: &str = "reboot: Restarting system";
/// What systemd and a kernel say when another kernel is to follow without firmware and loader.
const KEXECS: &[&str] = &["Reboot via kexec", "Starting new kernel"];

/// The node went by its firmware and its loader from the old system to the jump system and to the
/// new one: an end of the way that jump's own kernel could pass by is none.
pub fn check_reboots(machine: &Machine) -> Result<()> {
    let log = machine.serial_log();
    let said = std::fs::read(log).with_context(|| format!("no {}", workspace::shown(log)))?;
    let said = String::from_utf8_lossy(&said);
    for kexec in KEXECS {
        ensure!(!said.contains(kexec), "the node said {kexec:?}");
    }
    let restarts = said.matches(RESTARTS).count();
    ensure!(
        restarts >= 2,
        "{restarts} plain reboots are in the serial log"
    );
    println!("  ok      plain reboots by the firmware: {restarts}");
    Ok(())
}

/// The checks so far.
#[derive(Default)]
struct Report {
    failed: Vec<String>,
}

impl Report {
    fn equal<T: PartialEq + Debug>(&mut self, what: &str, wanted: &T, found: &T) {
        if wanted == found {
            println!("  ok      {what}");
            return;
        }
        println!("  FAILED  {what}\n          wanted {wanted:?}\n          found  {found:?}");
        self.failed.push(what.to_owned());
    }

    fn verdict(self) -> Result<()> {
        if self.failed.is_empty() {
            return Ok(());
        }
        bail!(
            "the new system is not the node it was: {}",
            self.failed.join("; ")
        )
    }
}
