//! What tells the three systems of a node of 2009 apart, and makes the old one the node that it is.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::WHICH;
use crate::run;
use crate::vm::{ALICE, Identity, NODE};

/// The archives' names, as the sample's configuration has them.
pub(super) const JUMP_ARCHIVE: &str = "jump.system.tgz";
pub(super) const TARGET_ARCHIVE: &str = "target.pe1950.system.tgz";

/// What the new system does at its first boot: the sample copies these beside its rc.local and leaves
/// a mark for that.
pub(super) const FIRST_BOOT: [(&str, &str); 2] = [
    (
        "rc.local.client",
        "mkswap /dev/sda2 && swapon -a && . /etc/rc.local.reconfigure.client\n\
         rm -f /etc/jump.initialize.myself\n",
    ),
    (
        "rc.local.reconfigure.client",
        "uname -n >/var/log/reconfigured\n",
    ),
];

/// The rc.local of the new system.
const RC_LOCAL: &str = "#!/bin/sh\n\
    [ -e /etc/jump.initialize.myself ] && . /etc/rc.local.client\n\
    exit 0\n";

/// Interfaces keep the kernel's names, as they did (menu.lst says `net.ifnames=0`). QEMU's own network,
/// without a DHCP client.
const INTERFACES: &str = "auto lo\n\
    iface lo inet loopback\n\n\
    auto eth0\n\
    iface eth0 inet static\n\
    \taddress 10.0.2.15/24\n\
    \tgateway 10.0.2.2\n";

/// One of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Old,
    Jump,
    Target,
}

impl System {
    fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Jump => "jump",
            Self::Target => "new",
        }
    }

    /// The jump system and the new one were packed on a host whose root is its only file system.
    fn fstab(self) -> &'static str {
        match self {
            Self::Old => {
                "/dev/sda1 / ext3 errors=remount-ro 0 1\n\
                 /dev/sda2 none swap sw 0 0\n\
                 /dev/sda3 /boot ext3 defaults 0 2\n"
            }
            Self::Jump | Self::Target => {
                "/dev/sda1 / ext3 errors=remount-ro 0 1\n\
                 /dev/sda2 none swap sw 0 0\n"
            }
        }
    }
}

/// Writes a system's files below its root.
pub(super) fn write(at: &Path, system: System, identity: &Identity) -> Result<()> {
    put(at, WHICH, 0o644, &format!("{}\n", system.name()))?;
    put(at, "/etc/fstab", 0o644, system.fstab())?;
    put(at, "/etc/network/interfaces", 0o644, INTERFACES)?;
    put(at, "/boot/grub/menu.lst", 0o644, &menu(at, system)?)?;
    // grub-install copies the stages of its own host, and asks for them there.
    match system {
        System::Old => node(at, identity),
        System::Jump => Ok(()),
        System::Target => {
            // The sample copies a saved file only into a directory that is there.
            put(at, "/etc/postfix/main.cf", 0o644, "# as it was shipped\n")?;
            put(at, "/etc/rc.local", 0o755, RC_LOCAL)
        }
    }
}

/// GRUB legacy's menu (its manual, "Configuration").
fn menu(at: &Path, system: System) -> Result<String> {
    let kernel = kernel(at)?;
    let name = kernel.file_name().unwrap_or_default().to_string_lossy();
    let release = name.trim_start_matches("vmlinuz-");
    let (device, folder) = match system {
        System::Old => ("hd0,2", ""),
        System::Jump | System::Target => ("hd0,0", "/boot"),
    };
    Ok(format!(
        "default 0\n\
         timeout 0\n\n\
         title {}\n\
         root ({device})\n\
         kernel {folder}/vmlinuz-{release} root=/dev/sda1 ro net.ifnames=0 console=tty0 console=ttyS0,115200\n\
         initrd {folder}/initrd.img-{release}\n",
        system.name()
    ))
}

/// Who the node is: what the sample's FILES2SAVE names, and an account.
fn node(at: &Path, identity: &Identity) -> Result<()> {
    put(at, "/etc/hostname", 0o644, &format!("{NODE}\n"))?;
    let hosts = format!("127.0.0.1\tlocalhost\n127.0.1.1\t{NODE}\n");
    put(at, "/etc/hosts", 0o644, &hosts)?;
    put(at, "/etc/postfix/main.cf", 0o644, "relayhost = mail\n")?;
    put(at, "/root/notes.txt", 0o600, "rack 12, unit 7\n")?;
    let key = identity.admin_public_key()?;
    put(at, "/root/.ssh/authorized_keys", 0o600, &key)?;
    std::fs::set_permissions(at.join("root/.ssh"), Permissions::from_mode(0o700))?;
    for key in identity.host_keys() {
        let name = key.file_name().unwrap_or_default().to_string_lossy();
        let public = std::fs::read_to_string(key.with_extension("pub"))?;
        put(
            at,
            &format!("/etc/ssh/{name}"),
            0o600,
            &std::fs::read_to_string(&key)?,
        )?;
        put(at, &format!("/etc/ssh/{name}.pub"), 0o644, &public)?;
    }
    let (name, uid, password) = ALICE;
    let uid = uid.to_string();
    let mut useradd = run::command("chroot", [at]);
    run::quiet(useradd.args(["useradd", "--uid", &uid, "--create-home", name]))?;
    let line = format!("{name}:{password}\n");
    run::feed(
        run::command("chroot", [at]).arg("chpasswd"),
        line.as_bytes(),
    )
    .map(drop)
}

fn put(at: &Path, path: &str, mode: u32, text: &str) -> Result<()> {
    let file = at.join(path.trim_start_matches('/'));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
    Ok(std::fs::set_permissions(
        &file,
        Permissions::from_mode(mode),
    )?)
}

/// The kernel below a root's `/boot`.
pub(super) fn kernel(root: &Path) -> Result<PathBuf> {
    let folder = std::fs::read_dir(root.join("boot"))?;
    let mut files = folder.flatten().map(|entry| entry.path());
    let is_kernel = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("vmlinuz-")
    };
    files.find(is_kernel).context("no kernel in /boot")
}
