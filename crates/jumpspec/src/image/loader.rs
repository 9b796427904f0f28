//! The boot loader of an image, as it was found in its tree: what the steps run of it by, and what
//! they read of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::image::kind::Kind;
use crate::words::relpath::RelPath;

/// What a loader is for, by GRUB's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Platform {
    /// A PC's BIOS.
    #[serde(rename = "i386-pc")]
    I386Pc,
    /// UEFI on x86-64.
    #[serde(rename = "x86_64-efi")]
    X86_64Efi,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::I386Pc, Self::X86_64Efi];

    /// As GRUB's programs and directories name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::I386Pc => "i386-pc",
            Self::X86_64Efi => "x86_64-efi",
        }
    }

    /// The files of its directory that the steps need in an image of this kind, themselves or by
    /// GRUB's programs.
    pub fn files(self, kind: Kind) -> Vec<String> {
        let own: &[&str] = match self {
            Self::I386Pc => &[BOOT_IMAGE, "diskboot.img", "kernel.img"],
            Self::X86_64Efi => &["kernel.img"],
        };
        let modules = match (self, kind) {
            (Self::I386Pc, Kind::Jump) => SELECTOR_MODULES,
            _ => &[],
        };
        let modules = modules.iter().map(|name| format!("{name}.mod"));
        own.iter().map(ToString::to_string).chain(modules).collect()
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The boot sector's code, in a BIOS platform's directory.
pub const BOOT_IMAGE: &str = "boot.img";

/// The modules of the selector's core image, for `grub-mkimage -O i386-pc`; their dependencies
/// (`moddep.lst`) follow by themselves.
pub const SELECTOR_MODULES: &[&str] = &[
    // Where things lie.
    "biosdisk",
    "part_msdos",
    "part_gpt",
    "ext2",
    "search_fs_uuid",
    // The script.
    "normal",
    "configfile",
    "test",
    "echo",
    "true",
    "sleep",
    "reboot",
    "loadenv",
    "hashsum",
    "gcry_sha256",
    // What it boots.
    "boot",
    "chain",
    "linux",
    // What it says.
    "serial",
    "terminal",
];

/// GRUB for one platform. Distributions name its programs and directories `grub` or `grub2`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loader {
    /// What it is for.
    pub platform: Platform,
    /// The directory of its modules and boot code, e.g. `usr/lib/grub/i386-pc`.
    pub modules: RelPath,
    /// Of [`Platform::files`], those that are missing there.
    pub lacks: Vec<String>,
    /// grub-mkimage(1), which makes the selector's core image.
    pub mkimage: RelPath,
    /// grub-install(8), which puts its files into the new system.
    pub install: RelPath,
    /// grub-mkconfig(8), which writes the new system's configuration.
    pub mkconfig: Option<RelPath>,
    /// Where it keeps its files in the system, `boot/grub` or `boot/grub2`.
    pub directory: RelPath,
    /// Whether grub-mkconfig leaves the kernels out of the configuration, for GRUB finds them by
    /// themselves (the Boot Loader Specification, as Fedora has it).
    pub bls: bool,
}

/// The jump image's GRUB, by which the selector is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectorGrub {
    /// What it is for.
    pub platform: Platform,
    /// grub-mkimage(1).
    pub mkimage: RelPath,
    /// The boot sector's code.
    pub boot_image: RelPath,
}

impl SelectorGrub {
    /// That of an image's loader.
    pub fn of(loader: &Loader) -> Option<Self> {
        Some(Self {
            platform: loader.platform,
            mkimage: loader.mkimage.clone(),
            boot_image: loader.modules.join(BOOT_IMAGE).ok()?,
        })
    }
}

/// Loaders that firmware with Secure Boot starts, as Debian's packages shim-signed and
/// grub-efi-amd64-signed have them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedLoaders {
    /// shim, which firmware starts: `usr/lib/shim/shimx64.efi.signed`.
    pub shim: RelPath,
    /// The GRUB of an installed system, which takes its script from `EFI/debian`:
    /// `grubx64.efi.signed`. grub-install puts it there.
    pub grub: Option<RelPath>,
    /// The GRUB of removable media, which takes its script from beside itself where there is no
    /// `/boot/grub`: `gcdx64.efi.signed`. The selector's.
    pub media_grub: Option<RelPath>,
}

/// The jump image's signed loaders, by which the selector is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedSelector {
    /// shim.
    pub shim: RelPath,
    /// The GRUB of removable media.
    pub grub: RelPath,
}

impl SignedSelector {
    /// Those of an image that has both.
    pub fn of(signed: &SignedLoaders) -> Option<Self> {
        Some(Self {
            shim: signed.shim.clone(),
            grub: signed.media_grub.clone()?,
        })
    }
}

/// By what the selector is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelectorLoader {
    /// A core image that is made on the node, for a BIOS.
    Made(SelectorGrub),
    /// Signed loaders as they are, for a UEFI.
    Signed(SignedSelector),
}

/// The new system's own GRUB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGrub {
    /// What it is for.
    pub platform: Platform,
    /// grub-install(8).
    pub install: RelPath,
    /// grub-mkconfig(8).
    pub mkconfig: RelPath,
    /// Where it keeps its files.
    pub directory: RelPath,
}

impl NewGrub {
    /// That of an image's loader; none without grub-mkconfig.
    pub fn of(loader: &Loader) -> Option<Self> {
        Some(Self {
            platform: loader.platform,
            install: loader.install.clone(),
            mkconfig: loader.mkconfig.clone()?,
            directory: loader.directory.clone(),
        })
    }

    /// Its configuration: while the new system is on trial, [`crate::boot::trial::grub_config`].
    pub fn config(&self) -> String {
        format!("{}/grub.cfg", self.directory)
    }

    /// What grub-mkconfig wrote, until the trial is over.
    pub fn original(&self) -> String {
        format!("{}/grub.cfg.jump-original", self.directory)
    }

    /// A file that grub-install has put there, of its platform.
    pub fn installed(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.directory, self.platform)
    }
}

/// Whether grub-mkconfig leaves the kernels out: where its script for Linux can do so (`script`, of
/// `/etc/grub.d`), unless `settings` (`/etc/default/grub`) say no.
pub fn is_bls(script: &str, settings: &str) -> bool {
    let lines = settings.lines().rev().map(str::trim);
    let mut lines = lines.map(|line| line.strip_prefix("export ").map_or(line, str::trim_start));
    let set = lines.find_map(|line| line.strip_prefix("GRUB_ENABLE_BLSCFG="));
    let off = set.is_some_and(|value| value.trim_matches(['"', '\'']) == "false");
    script.contains("blscfg") && !off
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_left_out_where_grub_can_find_them_unless_it_shall_not() {
        let script = "if [ \"x${GRUB_ENABLE_BLSCFG}\" = \"xtrue\" ]; then blscfg";
        assert!(is_bls(script, ""));
        assert!(is_bls(
            script,
            "GRUB_ENABLE_BLSCFG=false\nGRUB_ENABLE_BLSCFG=true\n"
        ));
        assert!(is_bls(
            script,
            "GRUB_ENABLE_BLSCFG=false\nexport GRUB_ENABLE_BLSCFG=true\n"
        ));
        for off in ["false", "\"false\"", "'false'"] {
            assert!(
                !is_bls(script, &format!("GRUB_ENABLE_BLSCFG={off}\n")),
                "{off}"
            );
        }
        assert!(!is_bls(
            "linux ${rel_dirname}/${basename}",
            "GRUB_ENABLE_BLSCFG=true\n"
        ));
    }

    #[test]
    fn names_follow_the_directory_that_was_found() {
        let grub = NewGrub {
            platform: Platform::I386Pc,
            install: "usr/sbin/grub2-install".parse().unwrap(),
            mkconfig: "usr/sbin/grub2-mkconfig".parse().unwrap(),
            directory: "boot/grub2".parse().unwrap(),
        };
        assert_eq!(grub.config(), "boot/grub2/grub.cfg");
        assert_eq!(grub.installed("core.img"), "boot/grub2/i386-pc/core.img");
    }

    #[test]
    fn a_platform_is_written_as_grub_names_it() {
        for platform in Platform::ALL {
            let json = serde_json::to_string(&platform).unwrap();
            assert_eq!(json, format!("\"{platform}\""));
        }
    }
}
