//! What a tree is and can do, as its image's manifest will say. Only what the image
//! will hold counts.

use anyhow::Context as _;
use jumparchive::Tree;
use jumpspec::image::kind::Kind;
use jumpspec::image::manifest::{FORMAT, Init, Kernel, Manifest, PLAN_FORMAT};
use jumpspec::image::recipe::Recipe;
use jumpspec::node::network::NetworkStack;
use jumpspec::node::os_release::OsRelease;
use jumpspec::words::digest::Digest;
use jumpspec::words::relpath::RelPath;
use jumpspec::words::size::Size;

use super::exclude::Rules;
use super::stored::{PROGRAM_CAP, Stored, init, is_enabled};
use super::{
    accounts, codecs, drivers, first_boot, kernels, loaders, mountable, obstacles, openssh,
    selinux, toolbox,
};
use crate::error::{Exit, Trouble};
use crate::image::elf;

/// File systems that jump can be asked to make, and their programs.
const FILE_SYSTEMS: [&str; 4] = ["ext4", "xfs", "vfat", "btrfs"];
/// What a kernel may have to mount: them, and a UEFI's variables.
const MOUNTED: [&str; 5] = ["ext4", "xfs", "vfat", "btrfs", "efivarfs"];
/// What an update of Debian's grub-pc runs.
const GRUB_PC: &str = "var/lib/dpkg/info/grub-pc.postinst";
/// Draws up the manifest; sizes, counts and the index's digest come with packing.
pub(crate) fn manifest(tree: &Tree, rules: &Rules, recipe: &Recipe) -> Result<Manifest, Trouble> {
    let stored = Stored { tree, rules };
    let os = os_release(tree)?;
    let jump = recipe.kind == Kind::Jump;
    let filesystems = filesystems(&stored);
    let toolbox = if jump {
        toolbox::closure(&stored, &filesystems)
    } else {
        Vec::new()
    };
    let kernels = kernels(&stored)?;
    let mountable = kernels
        .last()
        .map(|kernel| mountable::find(&stored, &MOUNTED, &kernel.release))
        .unwrap_or_default();
    let initramfs_codecs = kernels
        .last()
        .and_then(|kernel| codecs::find(tree, &kernel.release));
    let unfit_drivers = kernels
        .last()
        .map(|kernel| drivers::unfit(&stored, &kernel.release))
        .unwrap_or_default();
    Ok(Manifest {
        format: FORMAT,
        tool: concat!("jumpimg ", env!("CARGO_PKG_VERSION")).to_owned(),
        kind: recipe.kind,
        name: recipe.name.clone(),
        os,
        architecture: architecture(&stored),
        kernels,
        init: init(tree),
        network: network(&stored),
        sshd: stored.program("sshd").is_some(),
        sshd_user: openssh::user(&stored),
        openssh: openssh::version(&stored),
        accounts: accounts::survey(&stored)?,
        shells: accounts::shells(&stored)?,
        selinux: selinux::survey(&stored)?,
        grub_pc: stored.has(GRUB_PC),
        first_boot: Some(first_boot::found(&stored)),
        plan_format: PLAN_FORMAT,
        loaders: loaders::find(&stored, recipe.kind),
        signed: loaders::signed(&stored),
        filesystems,
        mountable,
        initramfs_codecs,
        unfit_drivers,
        toolbox,
        programs: programs(&stored, recipe.kind),
        obstacles: obstacles::find(&stored, recipe.kind),
        unpacked: Size(0),
        directories: std::collections::BTreeMap::new(),
        entries: 0,
        inodes: 0,
        budget: recipe.budget.clone(),
        index_digest: Digest::of(b""),
    })
}

fn os_release(tree: &Tree) -> Result<OsRelease, Trouble> {
    for path in ["etc/os-release", "usr/lib/os-release"] {
        let bytes = tree
            .read(path, 1 << 20)
            .with_context(|| format!("cannot read /{path}"))?;
        if let Some(bytes) = bytes {
            return Ok(OsRelease::parse(&String::from_utf8_lossy(&bytes)));
        }
    }
    let message = "the root has no /etc/os-release: it is not an operating system";
    Err(Trouble::new(Exit::Refused, "no-os-release", message)
        .hint("an image is made of a whole system: the golden tree that --root names, or an archive of one"))
}

fn architecture(stored: &Stored<'_>) -> String {
    let shell = ["bin/sh", "usr/bin/sh", "sbin/init"]
        .iter()
        .find_map(|path| stored.program_bytes(path));
    shell
        .and_then(|bytes| elf::needs(&bytes))
        .map(|needs| needs.machine)
        .unwrap_or_default()
}

fn kernels(stored: &Stored<'_>) -> Result<Vec<Kernel>, Trouble> {
    let list = |directory: &str| stored.names(directory);
    kernels::find(list, |path| stored.has(path))
        .into_iter()
        .map(|found| {
            let digest = |path: &str| -> Result<Digest, Trouble> {
                let bytes = stored
                    .tree
                    .read(path, PROGRAM_CAP)
                    .with_context(|| format!("cannot read /{path}"))?;
                Ok(Digest::of(&bytes.unwrap_or_default()))
            };
            let path = |path: &str| path.parse().map_err(anyhow::Error::new);
            Ok(Kernel {
                image: path(&found.image)?,
                image_digest: digest(&found.image)?,
                initramfs_digest: found.initramfs.as_deref().map(digest).transpose()?,
                initramfs: found.initramfs.as_deref().map(path).transpose()?,
                release: found.release,
            })
        })
        .collect()
}

fn network(stored: &Stored<'_>) -> Vec<NetworkStack> {
    let stacks = [
        (
            NetworkStack::Networkd,
            "systemd-networkd.service",
            "systemd-networkd",
        ),
        (NetworkStack::Ifupdown, "networking.service", "networking"),
        (
            NetworkStack::NetworkManager,
            "NetworkManager.service",
            "network-manager",
        ),
    ];
    let started = |(stack, unit, script): (NetworkStack, &str, &str)| {
        (is_enabled(stored, unit) || is_in_runlevel(stored, script)).then_some(stack)
    };
    stacks.into_iter().filter_map(started).collect()
}

/// Whether sysvinit starts it.
fn is_in_runlevel(stored: &Stored<'_>, script: &str) -> bool {
    ["etc/rcS.d", "etc/rc2.d", "etc/rc3.d"]
        .iter()
        .any(|directory| {
            let names = stored.names(directory);
            names
                .iter()
                .any(|name| name.starts_with('S') && name.get(3..) == Some(script))
        })
        && init(stored.tree) == Some(Init::Sysvinit)
}

/// Of the programs that the steps run, those that the image will hold.
fn programs(stored: &Stored<'_>, kind: Kind) -> Vec<RelPath> {
    let paths = kind.programs().iter().filter(|path| stored.has(path));
    paths.filter_map(|path| path.parse().ok()).collect()
}

/// By the path that the steps run mkfs by.
fn filesystems(stored: &Stored<'_>) -> Vec<String> {
    let makes = |name: &&&str| stored.has(&format!("usr/sbin/mkfs.{name}"));
    FILE_SYSTEMS
        .iter()
        .filter(makes)
        .map(ToString::to_string)
        .collect()
}
