//! What a kernel's initramfs may be compressed with, by its configuration.

use jumparchive::Tree;

/// A configuration has 10,000 lines.
const CAP: u64 = 4 << 20;

/// The codecs of the kernel `release`, as `usr/Kconfig` of Linux calls them in small letters. The
/// configuration counts wherever the tree has it, for the image itself need not hold it.
pub(super) fn find(tree: &Tree, release: &str) -> Option<Vec<String>> {
    let places = [
        format!("boot/config-{release}"),
        format!("usr/lib/modules/{release}/config"),
        format!("lib/modules/{release}/config"),
    ];
    let mut texts = places.iter().filter_map(|path| tree.read(path, CAP).ok()?);
    texts.next().map(|text| of(&String::from_utf8_lossy(&text)))
}

fn of(configuration: &str) -> Vec<String> {
    let codec = |line: &str| {
        let name = line.strip_prefix("CONFIG_RD_")?.strip_suffix("=y")?;
        Some(name.to_ascii_lowercase())
    };
    configuration
        .lines()
        .filter_map(|line| codec(line.trim_end()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_on_counts_and_nothing_else() {
        let configuration = "CONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_GZIP=y\n# CONFIG_RD_LZO is not set\n\
                             CONFIG_RD_ZSTD=y\nCONFIG_INITRAMFS_PRESERVE_MTIME=y\n";
        assert_eq!(of(configuration), ["gzip", "zstd"]);
        assert!(of("# CONFIG_RD_ZSTD is not set\n").is_empty());
    }

    #[test]
    fn a_configuration_is_that_of_the_very_kernel() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        std::fs::create_dir_all(at("boot")).unwrap();
        std::fs::create_dir_all(at("usr/lib/modules/6.12")).unwrap();
        std::fs::write(at("boot/config-4.18"), "CONFIG_RD_XZ=y\n").unwrap();
        std::fs::write(at("usr/lib/modules/6.12/config"), "CONFIG_RD_ZSTD=y\n").unwrap();
        let tree = Tree::open(scratch.path()).unwrap();
        let found = |release| find(&tree, release);
        assert_eq!(found("4.18"), Some(vec!["xz".to_owned()]));
        assert_eq!(found("6.12"), Some(vec!["zstd".to_owned()]));
        assert_eq!(found("6.1"), None);
    }
}
