//! The loaders on a small node's EFI system partition, as Debian's grub-install leaves them. Written by
//! mtools: not every machine that runs this can mount FAT.

use std::path::Path;

use anyhow::Result;

use super::ROOT_UUID;
use crate::run;

/// What an entry starts: shim.
pub(crate) const LOADER: &str = "EFI/debian/shimx64.efi";
/// The directories, parents first.
const DIRECTORIES: [&str; 2] = ["::/EFI", "::/EFI/debian"];
/// The loaders, by their names in a root and on the partition.
const LOADERS: [(&str, &str); 2] = [
    ("usr/lib/shim/shimx64.efi.signed", LOADER),
    (
        "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed",
        "EFI/debian/grubx64.efi",
    ),
];
/// The script that leads to that of the system.
const SCRIPT: &str = "EFI/debian/grub.cfg";

/// Fills the partition `device` with the loaders of the root at `root`.
pub(super) fn fill(device: &Path, root: &Path) -> Result<()> {
    let tool = |name: &str| {
        let mut tool = run::command(name, ["-i"]);
        tool.arg(device);
        tool
    };
    run::quiet(tool("mmd").args(DIRECTORIES))?;
    for (from, to) in LOADERS {
        run::quiet(tool("mcopy").arg(root.join(from)).arg(format!("::/{to}")))?;
    }
    let script = format!(
        "search.fs_uuid {ROOT_UUID} root\n\
         set prefix=($root)'/boot/grub'\n\
         configfile $prefix/grub.cfg\n"
    );
    let mut copy = tool("mcopy");
    run::feed(copy.args(["-", &format!("::/{SCRIPT}")]), script.as_bytes())?;
    Ok(())
}
