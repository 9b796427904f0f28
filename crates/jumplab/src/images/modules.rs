//! A kernel's modules in an image: what is left out of it leaves none without what it depends on.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::run;

/// Below this folder the modules of each kernel lie.
const MODULES: &str = "usr/lib/modules/";
/// Its list of what each depends on, modules.dep(5).
const LIST: &str = "modules.dep";

/// Fails where what a module of the image depends on is not in it.
pub(super) fn check(image: &Path) -> Result<()> {
    let tar = |flags: &str| run::command("tar", ["--zstd", flags, &image.display().to_string()]);
    let listing = run::capture(&mut tar("-tf"))?;
    let paths: BTreeSet<&str> = listing.lines().collect();
    for list in paths.iter().filter(|path| is_list(path)) {
        let folder = list.trim_end_matches(LIST);
        let text = run::capture(tar("-xOf").arg(list))?;
        let lacks = lacking(&text, |module| {
            paths.contains(format!("{folder}{module}").as_str())
        });
        ensure!(
            lacks.is_empty(),
            "{}: kernel modules that others depend on are left out: {}",
            image.display(),
            lacks.join(", ")
        );
    }
    Ok(())
}

fn is_list(path: &str) -> bool {
    path.starts_with(MODULES) && path.ends_with(&format!("/{LIST}"))
}

/// The modules that are not there, and that one which is there depends on, by modules.dep.
fn lacking(list: &str, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let lines = list.lines().filter_map(|line| line.split_once(':'));
    let kept = lines.filter(|(module, _)| is_there(module));
    let needed = kept.flat_map(|(_, needed)| needed.split_whitespace());
    let lacks: BTreeSet<&str> = needed.filter(|needed| !is_there(needed)).collect();
    lacks.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "kernel/fs/btrfs.ko: kernel/lib/zstd.ko kernel/lib/crc.ko\nkernel/lib/crc.ko:\n";

    #[test]
    fn a_module_that_another_depends_on_is_missed() {
        let lacks = lacking(LIST, |module| module != "kernel/lib/zstd.ko");
        assert_eq!(lacks, ["kernel/lib/zstd.ko"]);
    }

    #[test]
    fn a_module_that_is_left_out_needs_nothing() {
        assert!(lacking(LIST, |module| module == "kernel/lib/crc.ko").is_empty());
        assert!(lacking(LIST, |_| true).is_empty());
    }
}
