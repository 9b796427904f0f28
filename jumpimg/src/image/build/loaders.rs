//! Which GRUB a tree has, by Debian's names or by those of others (`grub2-install`).

use jumpspec::image::kind::Kind;
use jumpspec::image::loader::{Loader, Platform, SignedLoaders, is_bls};
use jumpspec::words::relpath::RelPath;

use super::stored::Stored;

/// What begins the names of GRUB's programs and directories.
const NAMES: [&str; 2] = ["grub", "grub2"];
/// Where the platforms' directories are: everybody's, and SUSE's.
const MODULES: [&str; 2] = ["usr/lib", "usr/share"];
/// grub-mkconfig's script for Linux.
const SCRIPT: &str = "etc/grub.d/10_linux";
/// grub-mkconfig's settings.
const SETTINGS: &str = "etc/default/grub";
/// Debian's loaders that firmware with Secure Boot starts (packages shim-signed, grub-efi-amd64-signed).
const SHIM: &str = "usr/lib/shim/shimx64.efi.signed";
const GRUB: &str = "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed";
const MEDIA_GRUB: &str = "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed";
/// Larger than any such text.
const CAP: u64 = 1 << 20;

/// Those of a tree, by platform.
pub(crate) fn find(stored: &Stored<'_>, kind: Kind) -> Vec<Loader> {
    let platforms = Platform::ALL.into_iter();
    platforms
        .filter_map(|platform| one(stored, kind, platform))
        .collect()
}

/// The signed ones of a tree that has shim.
pub(crate) fn signed(stored: &Stored<'_>) -> Option<SignedLoaders> {
    let found = |path: &str| stored.has(path).then(|| path.parse().ok()).flatten();
    Some(SignedLoaders {
        shim: found(SHIM)?,
        grub: found(GRUB),
        media_grub: found(MEDIA_GRUB),
    })
}

fn one(stored: &Stored<'_>, kind: Kind, platform: Platform) -> Option<Loader> {
    let install = program(stored, "install")?;
    let modules = modules(stored, platform)?;
    let has = |file: &String| stored.has(&format!("{modules}/{file}"));
    let lacks = platform.files(kind).into_iter();
    Some(Loader {
        platform,
        lacks: lacks.filter(|file| !has(file)).collect(),
        modules: modules.parse().ok()?,
        mkimage: program(stored, "mkimage")?,
        directory: directory(stored, &install)?,
        install,
        mkconfig: program(stored, "mkconfig"),
        bls: is_bls(&text(stored, SCRIPT), &text(stored, SETTINGS)),
    })
}

/// One of GRUB's programs.
fn program(stored: &Stored<'_>, what: &str) -> Option<RelPath> {
    let mut paths = NAMES
        .into_iter()
        .filter_map(|name| stored.program(&format!("{name}-{what}")));
    paths.next()?.parse().ok()
}

fn modules(stored: &Stored<'_>, platform: Platform) -> Option<String> {
    let places = MODULES
        .into_iter()
        .flat_map(|above| NAMES.map(|name| format!("{above}/{name}/{platform}")));
    places
        .into_iter()
        .find(|place| stored.has(&format!("{place}/moddep.lst")))
}

/// Where `install`, GRUB's grub-install, puts what it installs: it was built for the directory that is
/// called as it is, whatever links lead to it (GRUB's configure, `--program-transform-name` and
/// `--with-grubdir`).
fn directory(stored: &Stored<'_>, install: &RelPath) -> Option<RelPath> {
    let real = stored.real(install.as_str())?;
    let is_second = real
        .rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with("grub2-"));
    let name = if is_second { "boot/grub2" } else { "boot/grub" };
    name.parse().ok()
}

fn text(stored: &Stored<'_>, path: &str) -> String {
    let bytes = stored.has(path).then(|| stored.tree.read(path, CAP));
    let bytes = bytes.and_then(Result::ok).flatten().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::exclude::Rules;
    use super::super::mounts::Mounts;
    use super::*;
    use jumparchive::Tree;

    fn found(files: &[&str]) -> Vec<Loader> {
        found_with(files, &[])
    }

    fn found_with(files: &[&str], links: &[(&str, &str)]) -> Vec<Loader> {
        let scratch = tempfile::tempdir().unwrap();
        for file in files {
            let path = scratch.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "blscfg").unwrap();
        }
        for (link, target) in links {
            std::os::unix::fs::symlink(target, scratch.path().join(link)).unwrap();
        }
        let tree = Tree::open(scratch.path()).unwrap();
        let rules = Rules::new(&tree, &[], Mounts::default()).unwrap();
        let stored = Stored {
            tree: &tree,
            rules: &rules,
        };
        find(&stored, Kind::Target)
    }

    const DEBIAN: [&str; 7] = [
        "usr/sbin/grub-install",
        "usr/sbin/grub-mkconfig",
        "usr/bin/grub-mkimage",
        "usr/lib/grub/i386-pc/moddep.lst",
        "usr/lib/grub/i386-pc/boot.img",
        "usr/lib/grub/i386-pc/diskboot.img",
        "usr/lib/grub/i386-pc/kernel.img",
    ];

    #[test]
    fn debians_grub_is_found_by_its_own_names() {
        let [loader] = found(&DEBIAN).try_into().unwrap();
        assert_eq!(loader.platform, Platform::I386Pc);
        assert_eq!(loader.install.as_str(), DEBIAN[0]);
        assert_eq!(loader.mkconfig.unwrap().as_str(), DEBIAN[1]);
        assert_eq!(loader.mkimage.as_str(), DEBIAN[2]);
        assert_eq!(loader.directory.as_str(), "boot/grub");
        assert!(loader.lacks.is_empty() && !loader.bls);
    }

    #[test]
    fn another_name_and_another_directory_are_told() {
        let files = [
            "usr/sbin/grub2-install",
            "usr/sbin/grub2-mkconfig",
            "usr/bin/grub2-mkimage",
            "usr/share/grub2/i386-pc/moddep.lst",
            "usr/share/grub2/i386-pc/boot.img",
            "etc/grub.d/10_linux",
        ];
        let [loader] = found(&files).try_into().unwrap();
        assert_eq!(loader.install.as_str(), files[0]);
        assert_eq!(loader.modules.as_str(), "usr/share/grub2/i386-pc");
        assert_eq!(loader.directory.as_str(), "boot/grub2");
        assert_eq!(loader.lacks, ["diskboot.img", "kernel.img"]);
        assert!(loader.bls);
    }

    #[test]
    fn grub_installs_own_name_counts_more_than_what_lies_about() {
        let [loader] = found(&[&DEBIAN[..], &["boot/grub2/x"]].concat())
            .try_into()
            .unwrap();
        assert_eq!(loader.directory.as_str(), "boot/grub");
    }

    #[test]
    fn a_link_by_debians_name_is_the_program_that_it_leads_to() {
        let files = [
            "usr/sbin/grub2-install",
            "usr/bin/grub-mkimage",
            "usr/lib/grub/i386-pc/moddep.lst",
            "boot/grub/x",
        ];
        let link = ("usr/sbin/grub-install", "grub2-install");
        let [loader] = found_with(&files, &[link]).try_into().unwrap();
        assert_eq!(loader.install.as_str(), "usr/sbin/grub-install");
        assert_eq!(loader.directory.as_str(), "boot/grub2");
    }

    #[test]
    fn a_tree_without_grub_install_has_none() {
        assert_eq!(found(&DEBIAN[1..]), []);
    }
}
