//! What the new system's next kernel and the next update of its GRUB go by: this node's disk,
//! swap and consoles, in place of the golden host's.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use jumpspec::places::{NEW_GRUB_SETTINGS, NEW_RESUME, NEW_ROOT};
use jumpsys::cmd::Program;
use jumpsys::files::root::{Owner, Root};

use crate::run::context::Context;
use crate::run::new_root;

/// Where udev names disks by what they are.
const BY_ID: &str = "/dev/disk/by-id";
/// How long debconf may take: it is a Perl program.
const LIMIT: Duration = Duration::from_mins(2);
/// Where initramfs-tools keeps its settings (initramfs.conf(5)).
const INITRAMFS_TOOLS: &str = "etc/initramfs-tools";

/// Writes them.
pub(crate) fn settle(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    write_settings(cx, &root)?;
    if !cx.plan.loader.debconf {
        return Ok(());
    }
    let disk = cx.plan.boot.bios().map(|_| stable_name(&cx.disk));
    // Without it the new system boots as well: only its next update of GRUB would stumble.
    if let Err(error) = tell_debconf(cx, disk.as_deref()) {
        let disk = disk.as_deref().unwrap_or("(none)");
        cx.reporter.note(format!(
            "grub-pc does not know its disk {disk}, run `dpkg-reconfigure grub-pc`: {error:#}"
        ));
    }
    Ok(())
}

fn write_settings(cx: &Context, root: &Root) -> Result<()> {
    let planned = &cx.plan.loader;
    if !planned.arguments.is_empty() {
        let text = grub_settings(&planned.arguments);
        root.write(NEW_GRUB_SETTINGS, text.as_bytes(), Owner::root(0o644))?;
    }
    if let Some(resume) = planned
        .resume
        .as_ref()
        .filter(|_| root.exists(INITRAMFS_TOOLS))
    {
        let text = format!("RESUME={resume}\n");
        root.write(NEW_RESUME, text.as_bytes(), Owner::root(0o644))?;
    }
    Ok(())
}

/// A part of `/etc/default/grub`, which is a shell script. Behind the golden host's own arguments,
/// so that ours count.
fn grub_settings(arguments: &[String]) -> String {
    format!(
        "# This node\'s own console and swap.\n\
         GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX {}\"\n",
        arguments.join(" ")
    )
}

/// debconf-set-selections(1): the disk that grub-pc's maintainer scripts write to; none on a UEFI.
fn tell_debconf(cx: &Context, disk: Option<&str>) -> Result<()> {
    let selections = format!(
        "grub-pc grub-pc/install_devices multiselect {}\n\
         grub-pc grub-pc/install_devices_empty boolean {}\n",
        disk.unwrap_or_default(),
        disk.is_none()
    );
    let mounts = crate::run::new_root::enter(cx)?;
    Program::new("/usr/bin/debconf-set-selections")
        .in_root(Some(&cx.on_landing(NEW_ROOT)))
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin_bytes(selections)
        .timeout(cx.at_most(LIMIT))
        .run()?;
    crate::run::new_root::leave(mounts)
}

/// The disk's name by what it is, where udev knows one; else by the kernel's order.
fn stable_name(disk: &Path) -> String {
    let names = std::fs::read_dir(BY_ID).into_iter().flatten();
    let mut names: Vec<String> = names
        .filter_map(|entry| entry.ok()?.path().to_str().map(str::to_owned))
        .filter(|name| std::fs::canonicalize(name).is_ok_and(|found| found == disk))
        .collect();
    names.sort();
    preferred(&names)
        .unwrap_or(&disk.display().to_string())
        .to_owned()
}

/// The first, and one that tells maker and serial number before one that is a number only.
fn preferred(names: &[String]) -> Option<&str> {
    let is_number = |name: &&String| name.contains("/wwn-") || name.contains("/nvme-eui.");
    let telling = names.iter().find(|name| !is_number(name));
    telling.or(names.first()).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_tells_the_serial_number_is_preferred() {
        let names = ["wwn-0x5000", "ata-DISK_123"].map(|name| format!("{BY_ID}/{name}"));
        assert_eq!(preferred(&names).unwrap(), names[1]);
        assert_eq!(preferred(&names[..1]).unwrap(), names[0]);
        assert_eq!(preferred(&[]), None);
    }

    #[test]
    fn a_disk_without_a_lasting_name_is_named_as_it_is() {
        assert_eq!(stable_name(Path::new("/dev/none")), "/dev/none");
    }

    #[test]
    fn the_nodes_arguments_stand_behind_the_golden_hosts() {
        let text = grub_settings(&["console=ttyS0".to_owned(), "noresume".to_owned()]);
        let last = text.lines().last().unwrap();
        assert_eq!(
            last,
            "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX console=ttyS0 noresume\""
        );
    }
}
