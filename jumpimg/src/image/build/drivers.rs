//! Network drivers of a kernel that could not start in the image: their firmware, or a module that they are
//! built upon, is left out.

use std::collections::{BTreeMap, BTreeSet};

use jumpspec::image::driver::{UnfitDriver, WANT_FIRMWARE, module};

use super::stored::Stored;

/// Where the drivers of network devices are, below a kernel's modules.
const NETWORK: &str = "kernel/drivers/net/";
/// Where the kernel looks for firmware (`drivers/base/firmware_loader/main.c`), and how it may be packed.
const FIRMWARE: [&str; 2] = ["usr/lib/firmware", "lib/firmware"];
const PACKED: [&str; 4] = ["", ".xz", ".zst", ".gz"];
/// What begins, in a module's `.modinfo`, the names of what it is built upon (scripts/mod/modpost.c), and
/// of firmware (`MODULE_FIRMWARE`). That is a list of texts that end in a zero.
const DEPENDS: &[u8] = b"\0depends=";
const NAMED: &[u8] = b"\0firmware=";
/// Names of firmware that are told of one module.
const TOLD: usize = 3;

/// Those of the kernel `release`. A module that is packed is not looked into: nothing is told of it.
pub(super) fn unfit(stored: &Stored<'_>, release: &str) -> Vec<UnfitDriver> {
    let directories = ["usr/lib/modules", "lib/modules"].map(|top| format!("{top}/{release}"));
    let modules = directories.iter().find_map(|it| Modules::of(stored, it));
    modules.map_or_else(Vec::new, |modules| modules.unfit())
}

/// The modules of a kernel that the image will hold.
struct Modules<'a> {
    stored: &'a Stored<'a>,
    /// Their files, by their names.
    files: BTreeMap<String, String>,
}

impl<'a> Modules<'a> {
    /// Those in `directory`, by its list of all of them (modules.dep(5)). What that says of one is not
    /// enough: depmod(8) leaves out of it what is not there.
    fn of(stored: &'a Stored<'a>, directory: &str) -> Option<Self> {
        let list = stored.program_bytes(&format!("{directory}/modules.dep"))?;
        let list = String::from_utf8_lossy(&list);
        let paths = list.lines().filter_map(|line| line.split_once(':'));
        let files = paths.filter_map(|(path, _)| {
            let file = format!("{directory}/{path}");
            Some((module(path)?, file)).filter(|(_, file)| stored.has(file))
        });
        let files = files.collect();
        Some(Self { stored, files })
    }

    fn unfit(&self) -> Vec<UnfitDriver> {
        let drivers = self.files.iter();
        let drivers = drivers.filter(|(_, file)| file.contains(NETWORK));
        drivers.filter_map(|(name, _)| self.one(name)).collect()
    }

    fn one(&self, driver: &str) -> Option<UnfitDriver> {
        let (mut firmware, mut missing) = (Vec::new(), Vec::new());
        let (mut seen, mut next) = (BTreeSet::new(), vec![driver.to_owned()]);
        while let Some(name) = next.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let Some(file) = self.files.get(&name) else {
                missing.push(name);
                continue;
            };
            let bytes = self.stored.program_bytes(file).unwrap_or_default();
            let below = texts(&bytes, DEPENDS);
            let below = below.iter().flat_map(|list| list.split(','));
            let below = below.filter(|name| !name.is_empty());
            next.extend(below.map(|name| name.replace('-', "_")));
            let named = texts(&bytes, NAMED);
            let wants = WANT_FIRMWARE.contains(&name.as_str()) && !named.is_empty();
            if wants && !named.iter().any(|name| self.has_firmware(name)) {
                firmware.extend(named.into_iter().take(TOLD));
            }
        }
        (!missing.is_empty() || !firmware.is_empty()).then(|| UnfitDriver {
            module: driver.to_owned(),
            firmware,
            modules: missing,
        })
    }

    fn has_firmware(&self, name: &str) -> bool {
        let places = FIRMWARE.iter();
        let mut places =
            places.flat_map(|top| PACKED.map(|packed| format!("{top}/{name}{packed}")));
        places.any(|path| self.stored.has(&path))
    }
}

/// What follows `tag` in a module, each time.
fn texts(module: &[u8], tag: &[u8]) -> Vec<String> {
    let places = module.windows(tag.len()).enumerate();
    let places = places.filter(|(_, bytes)| *bytes == tag);
    let text = |(at, _): (usize, &[u8])| {
        let rest = &module[at + tag.len()..];
        let end = rest.iter().position(|byte| *byte == 0)?;
        String::from_utf8(rest[..end].to_vec()).ok()
    };
    places.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use jumparchive::Tree;

    use super::super::exclude::Rules;
    use super::super::mounts::Mounts;
    use super::*;

    const DRIVERS: &str = "kernel/drivers";
    const MODULES: [(&str, &[u8]); 8] = [
        (
            "net/bnx2x.ko",
            b"\0firmware=bnx2x/e1.fw\0firmware=bnx2x/e2.fw\0depends=mdio\0",
        ),
        ("net/mdio.ko", b"\0depends=\0"),
        ("net/qed.ko", b"\0firmware=qed/init.bin\0depends=\0"),
        ("net/qede.ko", b"\0license=GPL\0depends=qed\0"),
        ("net/tg3.ko", b"\0firmware=tigon/tg3.bin\0"),
        ("net/b44.ko", b"\0depends=ssb,mdio\0"),
        ("ssb/ssb.ko", b"\0depends=mmc-core\0"),
        ("mmc/mmc-core.ko", b"\0depends=\0"),
    ];

    /// What is unfit in a root with these modules, more files, and without what is excluded.
    fn found(more: &[&str], excludes: &[&str]) -> Vec<UnfitDriver> {
        let scratch = tempfile::tempdir().unwrap();
        let write = |path: &str, bytes: &[u8]| {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        let mut list = String::new();
        for (name, bytes) in MODULES {
            write(&format!("usr/lib/modules/6.1/{DRIVERS}/{name}"), bytes);
            list.extend([DRIVERS, "/", name, ":\n"]);
        }
        write("usr/lib/modules/6.1/modules.dep", list.as_bytes());
        for path in more {
            write(path, b"x");
        }
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
        // Which of them a device asks for is not known.
        let some = [
            "usr/lib/firmware/bnx2x/e2.fw.xz",
            "usr/lib/firmware/qed/init.bin",
        ];
        assert_eq!(found(&some, &[]), []);
        let excluded = found(&some, &["/usr/lib/firmware/bnx2x"]);
        assert_eq!(excluded, without[..1]);
    }

    #[test]
    fn a_driver_is_unfit_where_what_it_is_built_upon_is_left_out() {
        let firmware = [
            "usr/lib/firmware/bnx2x/e2.fw",
            "usr/lib/firmware/qed/init.bin",
        ];
        let without_mmc = "/usr/lib/modules/*/kernel/drivers/mmc";
        let found_without = found(&firmware, &[without_mmc]);
        assert_eq!(found_without, [driver("b44", &[], &["mmc_core"])]);
        // What is left out itself is no driver of the image's.
        assert_eq!(found(&firmware, &[without_mmc, "b44.ko"]), []);
    }
}
