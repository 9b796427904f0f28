//! A golden tree of a few files that has all that an image needs, as far as names go.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::image::kind::Kind;
use jumpspec::image::loader::Platform;
use tempfile::TempDir;

/// A golden tree, a jumpinit and a place for images.
pub(crate) struct Golden {
    pub(crate) scratch: TempDir,
}

impl Golden {
    pub(crate) fn new() -> Result<Self> {
        let golden = Self {
            scratch: tempfile::tempdir()?,
        };
        fs::create_dir(golden.root())?;
        plant(&golden.root())?;
        fs::write(golden.path("jumpinit"), static_elf())?;
        Ok(golden)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Writes a file into the golden tree.
    pub(crate) fn put(&self, path: &str, content: &[u8]) -> Result<()> {
        put(&self.root(), path, content)
    }
}

/// A program header table of no entries: an ELF that asks for nothing.
fn static_elf() -> Vec<u8> {
    // elf(5): 64 bits, little-endian, ET_EXEC, EM_X86_64.
    let mut elf = vec![0; 64];
    elf[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    elf[16..24].copy_from_slice(&[2, 0, 62, 0, 1, 0, 0, 0]);
    elf[52] = 64;
    elf[54] = 56;
    elf
}

fn put(root: &Path, path: &str, content: &[u8]) -> Result<()> {
    let path = root.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&path, content)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// What the steps take of GRUB's platform.
fn grub_files() -> Vec<String> {
    let mut files = Platform::I386Pc.files(Kind::Jump);
    files.push("moddep.lst".to_owned());
    files
}

fn plant(root: &Path) -> Result<()> {
    let os = b"ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
    put(root, "usr/lib/os-release", os)?;
    put(
        root,
        "etc/machine-id",
        b"0123456789abcdef0123456789abcdef\n",
    )?;
    put(root, "etc/ssh/ssh_host_rsa_key", b"secret")?;
    put(root, "etc/ssh/sshd_config", b"")?;
    put(root, "var/log/apt/history.log", b"log")?;
    put(root, "var/cache/apt/pkgcache.bin", b"cache")?;
    put(root, "swapfile", b"swap")?;
    put(root, "proc/not/entered", b"")?;
    put(root, "boot/vmlinuz-6.1.0-9-amd64", b"kernel")?;
    put(root, "boot/initrd.img-6.1.0-9-amd64", b"initramfs")?;
    put(root, "usr/lib/systemd/systemd", b"")?;
    for name in grub_files() {
        put(root, &format!("usr/lib/grub/i386-pc/{name}"), b"")?;
    }
    put(root, "usr/share/doc/heavy", &vec![7; 3 << 20])?;
    for program in [
        "sshd",
        "grub-install",
        "grub-mkconfig",
        "mkfs.ext4",
        "mkfs.xfs",
    ] {
        put(root, &format!("usr/sbin/{program}"), &static_elf())?;
    }
    for program in ["sh", "grub-mkimage", "ssh-keygen", "systemctl"] {
        put(root, &format!("usr/bin/{program}"), &static_elf())?;
    }
    let wants = "etc/systemd/system/multi-user.target.wants";
    put(root, &format!("{wants}/systemd-networkd.service"), b"")?;
    for (name, target) in [("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib")] {
        symlink(target, root.join(name))?;
    }
    symlink("../lib/systemd/systemd", root.join("usr/sbin/init"))?;
    Ok(symlink(
        "../usr/lib/os-release",
        root.join("etc/os-release"),
    )?)
}
