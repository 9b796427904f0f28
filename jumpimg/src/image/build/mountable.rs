//! What file systems a kernel can mount, by its modules and the list of what is built in.

use super::stored::Stored;

/// Those of the file systems `names` that the kernel `release` has built in, or as modules that the image will hold
/// (modprobe(8), modules.builtin).
pub(super) fn find(stored: &Stored<'_>, names: &[&str], release: &str) -> Vec<String> {
    const PACKED: [&str; 4] = ["", ".xz", ".zst", ".gz"];
    let directories = ["usr/lib/modules", "lib/modules"].map(|top| format!("{top}/{release}"));
    let built_in: String = directories
        .iter()
        .filter_map(|directory| stored.program_bytes(&format!("{directory}/modules.builtin")))
        .map(|list| String::from_utf8_lossy(&list).into_owned())
        .collect();
    let has = |name: &&&str| {
        // The directory is that of all FATs.
        let directory = if **name == "vfat" { "fat" } else { **name };
        let module = format!("kernel/fs/{directory}/{name}.ko");
        let as_module = |directory: &String| {
            let mut packed = PACKED.iter();
            packed.any(|packed| stored.has(&format!("{directory}/{module}{packed}")))
        };
        built_in.lines().any(|line| line == module) || directories.iter().any(as_module)
    };
    names.iter().filter(has).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::super::exclude::Rules;
    use super::super::mounts::Mounts;
    use super::*;
    use jumparchive::Tree;

    #[test]
    fn modules_count_as_far_as_the_image_holds_them() {
        let scratch = tempfile::tempdir().unwrap();
        let modules = scratch.path().join("usr/lib/modules/6.1");
        for name in ["xfs", "btrfs"] {
            let directory = modules.join("kernel/fs").join(name);
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(directory.join(format!("{name}.ko.xz")), "").unwrap();
        }
        std::fs::write(modules.join("modules.builtin"), "kernel/fs/ext4/ext4.ko\n").unwrap();
        let tree = Tree::open(scratch.path()).unwrap();
        let excludes = ["/usr/lib/modules/*/kernel/fs/btrfs".to_owned()];
        let rules = Rules::new(&tree, &excludes, Mounts::default()).unwrap();
        let stored = Stored {
            tree: &tree,
            rules: &rules,
        };
        let found = |release| find(&stored, &["ext4", "xfs", "btrfs"], release);
        assert_eq!(found("6.1"), ["ext4", "xfs"]);
        let fat = modules.join("kernel/fs/fat");
        std::fs::create_dir_all(&fat).unwrap();
        std::fs::write(fat.join("vfat.ko.xz"), "").unwrap();
        assert_eq!(find(&stored, &["vfat"], "6.1"), ["vfat"]);
        assert!(found("6.2").is_empty());
    }
}
