//! Debian packages that a task needs: installed where that is allowed, else named.
//! What counts is dpkg's status, not a program that happens to be on PATH.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};

use crate::run;

/// Package lists older than this are fetched again before an install.
const LISTS_STALE: Duration = Duration::from_hours(24);

/// The packages of a task that works on virtual machines.
pub const VM: &[&str] = &[
    "qemu-system-x86",
    "openssh-client",
    "e2fsprogs",
    "fdisk",
    "mount",
    "util-linux",
];

/// The packages that machines with UEFI need besides.
pub const UEFI: &[&str] = &["ovmf", "dosfstools"];

/// The packages that the small world's machines with UEFI need besides.
pub const SMALL_EFI: &[&str] = &["dosfstools", "mtools"];

/// The packages that the samples of 2009 and their machine need besides.
pub const LEGACY: &[&str] = &["sudo", "gzip", "tar"];

/// The packages that making a root with mmdebstrap needs.
pub const GOLDEN: &[&str] = &["mmdebstrap", "debian-archive-keyring", "tar"];

/// The packages that compiling zstd's C code against musl needs, whichever Rust does it.
pub const MUSL: &[&str] = &["musl-tools", "gcc", "libc6-dev"];

/// The packages that the test suite drives besides the virtual machines'.
pub const TESTS: &[&str] = &[
    "grub-emu",
    "grub-common",
    "grub-pc-bin",
    "xfsprogs",
    "dosfstools",
    "btrfs-progs",
    "openssh-server",
    "iproute2",
    "rpm",
    "zstd",
    "xz-utils",
    "tar",
    "libarchive-tools",
    "busybox-static",
    "python3",
    "qemu-user",
    "rsync",
    "acl",
    "attr",
    "strace",
    "tcsh",
    "clustershell",
];

/// Makes sure that `packages` are installed.
///
/// Fails, naming the packages and the command, where they are missing and can't be installed.
pub fn ensure(packages: &[&str]) -> Result<()> {
    let missing = missing(packages)?;
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if let Err(why) = may_install() {
        bail!("these packages are missing: {names} ({why})\nhint: apt-get install {names}");
    }
    if lists_are_stale() {
        eprintln!("packages: refreshing apt's lists");
        run::quiet(&mut apt_get(&["update"]))?;
    }
    eprintln!("packages: installing {names}");
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(&missing);
    run::quiet(&mut apt_get(&arguments))
        .with_context(|| format!("cannot install what this task needs: {names}"))
}

/// Those of `packages` that dpkg does not hold as installed.
fn missing<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    if !Path::new("/usr/bin/dpkg-query").exists() {
        bail!(
            "this is no Debian: dpkg-query is missing\nhint: needed are {}",
            packages.join(" ")
        );
    }
    // dpkg-query exits with 1 as soon as one name is unknown, and that is an answer too.
    let format = "--showformat=${Package} ${db:Status-Abbrev}\n";
    let output = run::command("dpkg-query", ["--show", format])
        .args(packages)
        .output()?;
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(not_installed(packages, &listing))
}

fn not_installed<'a>(packages: &[&'a str], listing: &str) -> Vec<&'a str> {
    let installed = |name: &str| {
        listing
            .lines()
            .filter_map(|line| line.split_once(' '))
            .any(|(package, status)| package == name && status.trim_end() == "ii")
    };
    packages
        .iter()
        .copied()
        .filter(|name| !installed(name))
        .collect()
}

fn may_install() -> Result<()> {
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("there is no apt-get");
    }
    if !is_root()? {
        bail!("only root may install them");
    }
    Ok(())
}

/// Whether this process is root.
pub fn is_root() -> Result<bool> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    Ok(uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0"))
}

fn lists_are_stale() -> bool {
    let Ok(entries) = std::fs::read_dir("/var/lib/apt/lists") else {
        return true;
    };
    let newest = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("Packages"))
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .max();
    let updated = std::fs::metadata("/var/lib/apt/lists/partial")
        .and_then(|m| m.modified())
        .ok();
    let Some(newest) = newest.max(updated.filter(|_| newest.is_some())) else {
        return true;
    };
    SystemTime::now()
        .duration_since(newest)
        .is_ok_and(|age| age > LISTS_STALE)
}

fn apt_get(arguments: &[&str]) -> std::process::Command {
    let mut command = run::command("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=300"]);
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

#[cfg(test)]
mod tests {
    use super::not_installed;

    #[test]
    fn only_the_status_ii_counts_as_installed() {
        let listing = "tar ii \nqemu-utils un \nzstd rc \n";
        let missing = not_installed(&["tar", "qemu-utils", "zstd", "musl-tools"], listing);
        assert_eq!(missing, ["qemu-utils", "zstd", "musl-tools"]);
    }
}
