//! Facts: reads what this node is. Changes nothing and decides nothing; what it writes is one variable
//! of a UEFI, to see whether that can be done, which it removes again.

mod boot;
mod content;
mod copies;
mod dhcp_client;
mod disks;
mod earlier;
mod loader;
mod luks;
mod network;
mod ssh_server;
mod uefi;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::job::CopyWish;
use jumpspec::node::accounts::{Account, AccountFiles, PublicAccounts, humans};
use jumpspec::node::authorized::is_way_in;
use jumpspec::node::facts::{
    FORMAT, Facts, FileOwners, Firmware, Kexec, Mount, RemoteMount, SavedPath, SwapUse,
};
use jumpspec::node::os_release::OsRelease;
use jumpspec::node::remote::is_remote;
use jumpspec::node::sshd::SshServer;
use jumpspec::node::starting::{Starting, Taking};
use jumpspec::words::relpath::RelPath;
use jumpspec::words::size::Size;
use jumpsys::files::owners::Bounds;
use jumpsys::files::root::Root;
use jumpsys::files::{mountinfo, usage};
use jumpsys::kernel::{kexec, restart, sysfs, system};

use crate::node::mounted::device_of;
use crate::node::{host_keys, view};

pub(crate) use disks::read as gather_disks;
pub(crate) use earlier::jump_in_progress;
pub(crate) use network::read as read_network;
pub(crate) use uefi::read as gather_uefi;

/// sshd's port where nothing else is known (RFC 4251's registered port).
const SSH_PORT: u16 = 22;
/// Block size of the file systems that saved files go to.
const BLOCK: u64 = 4096;

/// How long and how far is looked for the owners of one file system's files: a million of them in
/// memory take some seconds.
const OWNERS_BOUNDS: Bounds = Bounds {
    entries: 1_000_000,
    time: Duration::from_secs(10),
};
/// Owners that are told of one file system, the lowest ids, which are those of services.
const OWNERS_CAP: usize = 10_000;

/// Reads all facts; `save` are the paths whose sizes the planner wants to know, `interpreters` those at
/// which it wants a program, `copies` the trees that go to another partition.
pub(crate) fn gather(
    save: &[RelPath],
    interpreters: &[PathBuf],
    copies: &[CopyWish],
) -> Result<Facts> {
    let mounted = mountinfo::read_mountinfo()?;
    let elsewhere = view::without_remote(&mounted);
    let root = Root::open(Path::new("/"))?;
    let disks = disks::read()?;
    let jump = jump_in_progress(&disks);
    let kernel = system::kernel()?;
    // Who is not root is told that and nothing else, so what he may not see is not missed.
    let may_look = system::is_root();
    let reached = std::env::var("SSH_CONNECTION").ok();
    let reached = reached.as_deref().and_then(parse_ssh_connection);
    let ssh_port = reached.map(|(_, port)| port);
    let mut network = network::read()?;
    dhcp_client::identify(&mut network);
    let memory = system::memory()?;
    let swaps = mountinfo::read_swaps()?;
    Ok(Facts {
        format: FORMAT,
        hostname: system::hostname()?,
        root_user: may_look,
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
        boot: if may_look {
            boot::read(&disks, &mounted)
        } else {
            None
        },
        uefi: if may_look { uefi::read(&disks) } else { None },
        memory: Size(memory.total),
        memory_available: memory.available.map(Size),
        processors: sysfs::processors(Path::new(sysfs::SYS)),
        kexec: match kexec::read()? {
            kexec::Kexec::Empty => Kexec::Empty,
            kexec::Kexec::Loaded => Kexec::Loaded,
            kexec::Kexec::Locked => Kexec::Locked,
        },
        starting: starting()?,
        watchdogs: watchdogs()?,
        mounts: mounts(&disks, &mounted),
        copies: copies::found(if may_look { copies } else { &[] }, &disks, &mounted),
        disks,
        luks: if may_look {
            luks::read(&root)?
        } else {
            Vec::new()
        },
        remote_mounts: elsewhere.iter().map(remote_mount).collect(),
        swaps: swaps
            .iter()
            .map(|swap| swap.path.display().to_string())
            .collect(),
        swap_use: swaps.iter().map(swap_use).collect(),
        fstab: root.read_text("etc/fstab")?.unwrap_or_default(),
        network,
        saved: save
            .iter()
            .filter(|_| may_look)
            .map(|path| saved(&root, path, &elsewhere))
            .collect::<Result<_>>()?,
        interpreters: interpreters
            .iter()
            .filter(|path| !view::is_on(path, &elsewhere) && is_program(path))
            .map(|path| path.display().to_string())
            .collect(),
        accounts: accounts(&root, &elsewhere)?,
        public_accounts: PublicAccounts::of(
            &root.read_text("etc/passwd")?.unwrap_or_default(),
            &root.read_text("etc/group")?.unwrap_or_default(),
        ),
        authorized_keys: may_look && authorized_keys(&root)?.iter().any(|line| is_way_in(line)),
        ssh_address: reached.map(|(address, _)| address),
        ssh_server: if may_look {
            ssh_server::read(&root)?
        } else {
            SshServer::default()
        },
        host_keys: host_keys::shown(ssh_port.unwrap_or(SSH_PORT)).unwrap_or_default(),
        ssh_port,
        jump,
    })
}

/// Whether it is a file that may be started by someone.
fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
}

fn swap_use(swap: &mountinfo::Swap) -> SwapUse {
    SwapUse {
        device: swap.path.display().to_string(),
        size: Size(swap.size),
        used: Size(swap.used),
    }
}

/// Human accounts with a home directory on this system, or on one that is not asked.
fn accounts(root: &Root, elsewhere: &[mountinfo::Mount]) -> Result<Vec<Account>> {
    let passwd = root.read_text("etc/passwd")?.unwrap_or_default();
    let files = AccountFiles {
        passwd,
        ..AccountFiles::default()
    };
    let at_home = |account: &Account| {
        let home = Path::new(&account.home);
        account.home != "/" && (view::is_on(home, elsewhere) || home.is_dir())
    };
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

fn starting() -> Result<Starting> {
    Ok(Starting {
        kernel: match kexec::taking()? {
            kexec::Taking::Takes => Taking::Takes,
            kexec::Taking::Without => Taking::Without,
            kexec::Taking::Disabled => Taking::Disabled,
            kexec::Taking::NotAllowed => Taking::NotAllowed,
        },
        locked_down: kexec::is_locked_down(),
        systemd: restart::is_systemd(Path::new("/")),
    })
}

pub(crate) fn watchdogs() -> Result<Vec<String>> {
    let found = sysfs::watchdogs(Path::new(sysfs::SYS))?;
    let hardware = found.into_iter().filter(is_hardware);
    let hardware = hardware.filter_map(|watchdog| watchdog.identity);
    Ok(hardware.collect::<BTreeSet<_>>().into_iter().collect())
}

/// Whether it works without the kernel.
pub(crate) fn is_hardware(watchdog: &sysfs::WatchdogInfo) -> bool {
    let identity = watchdog.identity.as_deref();
    identity.is_some_and(|name| !name.starts_with("Software"))
}

/// `client-address client-port server-address server-port` (ssh(1), ENVIRONMENT). An IPv4 address
/// may stand there in its IPv6 form.
fn parse_ssh_connection(text: &str) -> Option<(IpAddr, u16)> {
    let mut server = text.split_whitespace().skip(2);
    let address: IpAddr = server.next()?.parse().ok()?;
    Some((address.to_canonical(), server.next()?.parse().ok()?))
}

fn mounts(disks: &[jumpspec::disk::Disk], mounted: &[mountinfo::Mount]) -> Vec<Mount> {
    let known: BTreeSet<&str> = disks
        .iter()
        .flat_map(|disk| {
            disk.partitions
                .iter()
                .map(|partition| partition.device.as_str())
                .chain([disk.device.as_str()])
        })
        .collect();
    let on_disks = mounted.iter().filter_map(|mount| {
        let device = device_of(mount);
        known.contains(device.as_str()).then_some((device, mount))
    });
    on_disks
        .map(|(device, mount)| Mount {
            device,
            target: mount.mount_point.display().to_string(),
            fs: mount.fstype.clone(),
            used: used(mount),
            owners: owners(mount),
        })
        .collect()
}

/// Who owns files there; nothing is asked of other machines, nor of the root, which never stays.
fn owners(mount: &mountinfo::Mount) -> Option<FileOwners> {
    if is_remote(&mount.fstype) || mount.mount_point == Path::new("/") || !system::is_root() {
        return None;
    }
    Some(owners_below(&mount.mount_point, OWNERS_BOUNDS))
}

fn owners_below(path: &Path, bounds: Bounds) -> FileOwners {
    let found = jumpsys::files::owners::owners(path, bounds);
    FileOwners {
        uids: found.uids.into_iter().take(OWNERS_CAP).collect(),
        gids: found.gids.into_iter().take(OWNERS_CAP).collect(),
        complete: found.complete,
    }
}

/// Nothing where that is not known.
fn used(mount: &mountinfo::Mount) -> Size {
    if is_remote(&mount.fstype) {
        return Size::default();
    }
    usage::space(&mount.mount_point)
        .map(|space| Size(space.total - space.free))
        .unwrap_or_default()
}

fn remote_mount(mount: &mountinfo::Mount) -> RemoteMount {
    RemoteMount {
        target: mount.mount_point.display().to_string(),
        fs: mount.fstype.clone(),
    }
}

fn saved(root: &Root, path: &RelPath, elsewhere: &[mountinfo::Mount]) -> Result<SavedPath> {
    let absolute = root.path().join(path.as_str());
    let looked_at = !view::is_on(&absolute, elsewhere) && root.is_there(path.as_str());
    let size = if looked_at {
        let used = usage::usage(&absolute)?;
        // At most one block is only partly used for each inode.
        Some(Size(used.bytes + used.inodes * BLOCK))
    } else {
        None
    };
    Ok(SavedPath {
        path: path.clone(),
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_servers_end_from_ssh_connection() {
        let here = ("10.0.2.15".parse().unwrap(), 2222);
        for connection in [
            "10.0.2.2 48210 10.0.2.15 2222",
            "::1 1 ::ffff:10.0.2.15 2222",
        ] {
            assert_eq!(parse_ssh_connection(connection), Some(here));
        }
        assert_eq!(parse_ssh_connection("junk"), None);
    }
}
