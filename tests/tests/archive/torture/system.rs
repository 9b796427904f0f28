//! What an image needs to be one of an operating system, as far as names go.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;

use super::put;

const OS_RELEASE: &[u8] = b"ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"A tree for tests\"\n";

/// A unit that is started, by its link.
const NETWORKD: &str = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";

/// A system with a kernel, systemd, GRUB, sshd and a network stack. Nothing of it is left out or replaced by a
/// build: no logs, no identity.
pub(super) fn plant(root: &Path) -> Result<()> {
    let files: [(&str, &[u8]); 16] = [
        ("usr/lib/os-release", OS_RELEASE),
        ("usr/lib/systemd/systemd", b""),
        ("usr/lib/grub/i386-pc/boot.img", b""),
        ("usr/lib/grub/i386-pc/diskboot.img", b""),
        ("usr/lib/grub/i386-pc/kernel.img", b""),
        ("usr/lib/grub/i386-pc/moddep.lst", b""),
        (NETWORKD, b""),
        ("usr/sbin/sshd", b""),
        ("usr/sbin/grub-install", b""),
        ("usr/sbin/grub-mkconfig", b""),
        ("usr/bin/grub-mkimage", b""),
        ("usr/bin/sh", b""),
        ("usr/bin/ssh-keygen", b""),
        ("usr/bin/systemctl", b""),
        ("boot/vmlinuz-6.1.0-9-amd64", b"kernel"),
        ("boot/initrd.img-6.1.0-9-amd64", b"initramfs"),
    ];
    for (path, content) in files {
        put::file(&root.join(path), content)?;
    }
    for directory in ["dev", "proc", "run", "sys", "tmp", "var"] {
        fs::create_dir(root.join(directory))?;
    }
    for (name, target) in [
        ("bin", "usr/bin"),
        ("sbin", "usr/sbin"),
        ("lib", "usr/lib"),
        ("usr/sbin/init", "../lib/systemd/systemd"),
        ("etc/os-release", "../usr/lib/os-release"),
        ("var/run", "/run"),
    ] {
        symlink(target, root.join(name))?;
    }
    Ok(())
}
