//! Facts: reads what this node is. Changes nothing, writes nothing, decides nothing.

mod content;
mod disks;
mod earlier;
mod loader;
mod network;
mod ssh_server;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use jumpspec::accounts::{Account, AccountFiles, humans};
use jumpspec::facts::{FORMAT, Facts, Firmware, Mount, SavedPath, SwapUse};
use jumpspec::manifest::OsRelease;
use jumpspec::relpath::RelPath;
use jumpspec::size::Size;
use jumpsys::root::Root;
use jumpsys::{mountinfo, sysfs, system, usage};

pub(crate) use disks::{canonical as device_of, read as gather_disks};
pub(crate) use earlier::{is_borrowed, jump_in_progress, landing_partition};
pub(crate) use network::read as read_network;

/// sshd's port where nothing else is known (RFC 4251's registered port).
const SSH_PORT: u16 = 22;
/// Block size of the file systems that saved files go to.
const BLOCK: u64 = 4096;

/// Reads all facts; `save` are the paths whose sizes the planner wants to know.
pub(crate) fn gather(save: &[RelPath]) -> Result<Facts> {
    let root = Root::open(Path::new("/"))?;
    let disks = disks::read()?;
    let mounts = mounts(&disks)?;
    let jump = jump_in_progress(&disks);
    let kernel = system::kernel()?;
    let connection = std::env::var("SSH_CONNECTION").unwrap_or_default();
    let ssh_port = parse_ssh_connection(&connection);
    let memory = system::memory()?;
    let swaps = mountinfo::read_swaps()?;
    Ok(Facts {
        format: FORMAT,
        hostname: system::hostname()?,
        root_user: system::is_root(),
        architecture: kernel.machine,
        os: OsRelease::parse(&root.read_text("etc/os-release")?.unwrap_or_default()),
        kernel: kernel.release,
        kernel_arguments: kernel_arguments(&root)?,
        boot_id: system::boot_id()?,
        firmware: match sysfs::firmware(Path::new(sysfs::SYS)) {
            sysfs::Firmware::Bios => Firmware::Bios,
            sysfs::Firmware::Efi => Firmware::Uefi,
        },
        bios_disk: sysfs::bios_disk_signature(Path::new(sysfs::SYS)),
        memory: Size(memory.total),
        memory_available: memory.available.map(Size),
        watchdogs: watchdogs()?,
        disks,
        mounts,
        swaps: swaps
            .iter()
            .map(|swap| swap.path.display().to_string())
            .collect(),
        swap_use: swaps.iter().map(swap_use).collect(),
        fstab: root.read_text("etc/fstab")?.unwrap_or_default(),
        network: network::read()?,
        saved: save
            .iter()
            .map(|path| saved(&root, path))
            .collect::<Result<_>>()?,
        accounts: accounts(&root)?,
        authorized_keys: !authorized_keys(&root)?.is_empty(),
        ssh_server: ssh_server::read(&root)?,
        host_keys: crate::identity::shown_host_keys(ssh_port.unwrap_or(SSH_PORT)),
        ssh_port,
        jump,
    })
}

fn swap_use(swap: &mountinfo::Swap) -> SwapUse {
    SwapUse {
        device: swap.path.display().to_string(),
        size: Size(swap.size),
        used: Size(swap.used),
    }
}

/// Human accounts with a home directory on this system.
fn accounts(root: &Root) -> Result<Vec<Account>> {
    let passwd = root.read_text("etc/passwd")?.unwrap_or_default();
    let files = AccountFiles {
        passwd,
        ..AccountFiles::default()
    };
    let at_home = |account: &Account| account.home != "/" && Path::new(&account.home).is_dir();
    Ok(humans(&files).into_iter().filter(at_home).collect())
}

/// The lines of root's `authorized_keys` that hold a key.
pub(crate) fn authorized_keys(root: &Root) -> Result<Vec<String>> {
    let text = root
        .read_text("root/.ssh/authorized_keys")?
        .unwrap_or_default();
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

fn kernel_arguments(root: &Root) -> Result<Vec<String>> {
    let text = root
        .read_text("proc/cmdline")?
        .context("/proc/cmdline is missing: is /proc mounted?")?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

pub(crate) fn watchdogs() -> Result<Vec<String>> {
    let found = sysfs::watchdogs(Path::new(sysfs::SYS))?;
    let hardware = found
        .into_iter()
        .filter_map(|watchdog| watchdog.identity)
        .filter(|name| !name.starts_with("Software"));
    Ok(hardware.collect::<BTreeSet<_>>().into_iter().collect())
}

/// `client-address client-port server-address server-port` (ssh(1), ENVIRONMENT).
fn parse_ssh_connection(text: &str) -> Option<u16> {
    text.split_whitespace().nth(3)?.parse().ok()
}

fn mounts(disks: &[jumpspec::facts::Disk]) -> Result<Vec<Mount>> {
    let known: BTreeSet<&str> = disks
        .iter()
        .flat_map(|disk| {
            disk.partitions
                .iter()
                .map(|partition| partition.device.as_str())
                .chain([disk.device.as_str()])
        })
        .collect();
    let mut mounts = Vec::new();
    for mount in mountinfo::read_mountinfo()? {
        let device = disks::canonical(&mount);
        if !known.contains(device.as_str()) {
            continue;
        }
        let used = usage::space(&mount.mount_point)
            .map(|space| Size(space.total - space.free))
            .unwrap_or_default();
        mounts.push(Mount {
            device,
            target: mount.mount_point.display().to_string(),
            fs: mount.fstype,
            used,
        });
    }
    Ok(mounts)
}

fn saved(root: &Root, path: &RelPath) -> Result<SavedPath> {
    if !root.is_there(path.as_str()) {
        return Ok(SavedPath {
            path: path.clone(),
            size: None,
        });
    }
    let used = usage::usage(&root.path().join(path.as_str()))?;
    // At most one block is only partly used for each inode.
    let size = Some(Size(used.bytes + used.inodes * BLOCK));
    Ok(SavedPath {
        path: path.clone(),
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_servers_port_from_ssh_connection() {
        assert_eq!(
            parse_ssh_connection("10.0.2.2 48210 10.0.2.15 2222"),
            Some(2222)
        );
        assert_eq!(parse_ssh_connection("junk"), None);
    }
}
