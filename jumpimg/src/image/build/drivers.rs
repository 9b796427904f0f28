//! Network drivers of a kernel that could not start in the image: their firmware, or a module that they are
//! built upon, is left out.

use jumpspec::image::driver::{UnfitDriver, WANT_FIRMWARE, module};

use super::stored::Stored;

/// Where the drivers of network devices are, below a kernel's modules.
const NETWORK: &str = "kernel/drivers/net/";
/// Where the kernel looks for firmware (`drivers/base/firmware_loader/main.c`), and how it may be packed.
const FIRMWARE: [&str; 2] = ["usr/lib/firmware", "lib/firmware"];
const PACKED: [&str; 4] = ["", ".xz", ".zst", ".gz"];
/// What begins a name of firmware in a module's `.modinfo` (`MODULE_FIRMWARE`), which is a list of texts that
/// end in a zero.
const NAMED: &[u8] = b"\0firmware=";
/// Names that are told of one module.
const TOLD: usize = 3;

/// Those of the kernel `release`, by its list of what each module is built upon (modules.dep(5), which has
/// all of them, also those of those).
pub(super) fn unfit(stored: &Stored<'_>, release: &str) -> Vec<UnfitDriver> {
    let mut directories = ["usr/lib/modules", "lib/modules"]
        .map(|top| format!("{top}/{release}"))
        .into_iter();
    let found = directories.find_map(|directory| {
        let list = stored.program_bytes(&format!("{directory}/modules.dep"))?;
        Some((directory, String::from_utf8_lossy(&list).into_owned()))
    });
    let Some((directory, list)) = found else {
        return Vec::new();
    };
    let lines = list.lines().filter_map(|line| line.split_once(':'));
    let drivers = lines.filter(|(path, _)| {
        path.starts_with(NETWORK) && stored.has(&format!("{directory}/{path}"))
    });
    let mut unfit: Vec<UnfitDriver> = drivers
        .filter_map(|(path, below)| one(stored, &directory, path, below))
        .collect();
    unfit.sort_by(|one, other| one.module.cmp(&other.module));
    unfit
}

fn one(stored: &Stored<'_>, directory: &str, path: &str, below: &str) -> Option<UnfitDriver> {
    let has = |path: &&str| stored.has(&format!("{directory}/{path}"));
    let below: Vec<&str> = below.split_whitespace().collect();
    let missing = below.iter().filter(|path| !has(path));
    let modules: Vec<String> = missing.filter_map(|path| module(path)).collect();
    let there = [path].into_iter().chain(below.iter().copied().filter(has));
    let wanting = there
        .filter(|path| module(path).is_some_and(|name| WANT_FIRMWARE.contains(&name.as_str())));
    let mut firmware = Vec::new();
    for path in wanting {
        let bytes = stored
            .program_bytes(&format!("{directory}/{path}"))
            .unwrap_or_default();
        let named = names(&bytes);
        if !named.iter().any(|name| is_there(stored, name)) {
            firmware.extend(named.into_iter().take(TOLD));
        }
    }
    (!modules.is_empty() || !firmware.is_empty()).then(|| UnfitDriver {
        module: module(path).unwrap_or_default(),
        firmware,
        modules,
    })
}

fn is_there(stored: &Stored<'_>, name: &str) -> bool {
    let mut places = FIRMWARE
        .iter()
        .flat_map(|top| PACKED.map(|packed| format!("{top}/{name}{packed}")));
    places.any(|path| stored.has(&path))
}

/// The firmware that a module names; none of one that is packed, which is not looked into.
fn names(module: &[u8]) -> Vec<String> {
    let starts = module.windows(NAMED.len()).enumerate();
    let starts = starts.filter(|(_, bytes)| *bytes == NAMED);
    starts
        .filter_map(|(at, _)| {
            let rest = &module[at + NAMED.len()..];
            let end = rest.iter().position(|byte| *byte == 0)?;
            String::from_utf8(rest[..end].to_vec()).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jumparchive::Tree;

    use super::super::exclude::Rules;
    use super::super::mounts::Mounts;
    use super::*;

    const DRIVERS: &str = "usr/lib/modules/6.1/kernel/drivers";
    const MODULES: [(&str, &[u8]); 6] = [
        (
            "net/bnx2x.ko",
            b"\0license=GPL\0firmware=bnx2x/e1.fw\0firmware=bnx2x/e2.fw\0",
        ),
        ("net/qed.ko", b"\0firmware=qed/init.bin\0"),
        ("net/qede.ko", b"\0license=GPL\0"),
        ("net/tg3.ko", b"\0firmware=tigon/tg3.bin\0"),
        ("net/b44.ko", b""),
        ("ssb/ssb.ko", b""),
    ];
    const LIST: &str = "kernel/drivers/net/bnx2x.ko: kernel/lib/crc32c.ko\n\
        kernel/drivers/net/qed.ko:\n\
        kernel/drivers/net/qede.ko: kernel/drivers/net/qed.ko\n\
        kernel/drivers/net/tg3.ko:\n\
        kernel/drivers/net/b44.ko: kernel/drivers/ssb/ssb.ko\n\
        kernel/drivers/net/gone.ko: kernel/drivers/gone/gone.ko\n\
        kernel/drivers/ssb/ssb.ko:\n\
        kernel/lib/crc32c.ko:\n";

    /// What is unfit in a root with these modules, more files, and without what is excluded.
    fn found(more: &[&str], excludes: &[&str]) -> Vec<UnfitDriver> {
        let scratch = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        for (name, bytes) in MODULES {
            write(&format!("{DRIVERS}/{name}"), bytes);
        }
        write("usr/lib/modules/6.1/kernel/lib/crc32c.ko", b"");
        write("usr/lib/modules/6.1/modules.dep", LIST.as_bytes());
        more.iter().for_each(|path| write(path, b"x"));
        let tree = Tree::open(scratch.path()).unwrap();
        let excludes: Vec<String> = excludes.iter().map(ToString::to_string).collect();
        let rules = Rules::new(&tree, &excludes, Mounts::default()).unwrap();
        let stored = Stored {
            tree: &tree,
            rules: &rules,
        };
        assert!(unfit(&stored, "6.2").is_empty());
        unfit(&stored, "6.1")
    }

    fn driver(module: &str, firmware: &[&str], modules: &[&str]) -> UnfitDriver {
        let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        UnfitDriver {
            module: module.to_owned(),
            firmware: owned(firmware),
            modules: owned(modules),
        }
    }

    #[test]
    fn a_driver_that_cannot_do_without_firmware_is_unfit_where_there_is_none() {
        let without = [
            driver("bnx2x", &["bnx2x/e1.fw", "bnx2x/e2.fw"], &[]),
            driver("qed", &["qed/init.bin"], &[]),
            driver("qede", &["qed/init.bin"], &[]),
        ];
        assert_eq!(found(&[], &[]), without);
        // One of a driver's is for the device that is there; another's is for others.
        let some = [
            "usr/lib/firmware/bnx2x/e2.fw.xz",
            "usr/lib/firmware/qed/init.bin",
        ];
        assert_eq!(found(&some, &[]), []);
        assert_eq!(found(&some, &["/usr/lib/firmware/bnx2x"]), without[..1]);
    }

    #[test]
    fn a_driver_is_unfit_where_what_it_is_built_upon_is_left_out() {
        let firmware = [
            "usr/lib/firmware/bnx2x/e2.fw",
            "usr/lib/firmware/qed/init.bin",
        ];
        let without_ssb = found(&firmware, &["/usr/lib/modules/*/kernel/drivers/ssb"]);
        assert_eq!(without_ssb, [driver("b44", &[], &["ssb"])]);
        // What is left out itself is no driver of the image's.
        assert_eq!(
            found(
                &firmware,
                &["/usr/lib/modules/*/kernel/drivers/ssb", "b44.ko"]
            ),
            []
        );
    }
}
