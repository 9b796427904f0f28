//! What stands in for a UEFI where there is none: a folder that a guest of user-mode Linux mounts at
//! `/sys/firmware`, with a file for each variable as efivarfs has them, and the boot manager that goes
//! by these. A guest's write is here at once, so a cut leaves a variable's old value or its new one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::boot::uefi::{
    BOOT_CURRENT, BOOT_NEXT, BOOT_ORDER, BootOrder, EntryNumber, EspFile, LoadOption,
};
use jumpsys::boot::efivars::EfiVars;

use super::boot_manager::{Entries, Start};
use crate::run;

/// The folder's name, beside a node's disk.
const NAME: &str = "firmware";
/// The variables, below it.
const VARIABLES: &str = "efi/efivars";
/// Says that a firmware's words have 64 bits.
const BITS: (&str, &str) = ("efi/fw_platform_size", "64\n");
/// The entry that an installer makes, and what it is called.
const INSTALLED: (EntryNumber, &str) = (EntryNumber(0), "debian");
/// Bytes of a file in front of the variable's value.
const ATTRIBUTES: u64 = 4;

/// One node's firmware.
#[derive(Debug, Clone)]
pub struct StandIn(PathBuf);

impl StandIn {
    /// Says what an installer leaves of it.
    pub(crate) const SOURCE: &str = include_str!("stand_in.rs");

    /// That of the node whose disk is in `folder`.
    pub fn of(folder: &Path) -> Self {
        Self(folder.join(NAME))
    }

    /// The folder that the guest mounts.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Its variables.
    pub fn variables(&self) -> EfiVars {
        EfiVars::at(&self.0.join(VARIABLES))
    }

    /// Makes it as an installer leaves it: one entry, which starts `loader`.
    pub fn make(&self, loader: &EspFile) -> Result<()> {
        std::fs::create_dir_all(self.0.join(VARIABLES))?;
        std::fs::write(self.0.join(BITS.0), BITS.1)?;
        let (number, name) = INSTALLED;
        let vars = self.variables();
        vars.write(&number.to_string(), &LoadOption::value(name, loader)?)?;
        Ok(vars.write(BOOT_ORDER, &BootOrder(vec![number]).to_bytes())?)
    }

    /// Makes it a copy of the one in `folder`.
    pub fn fill_from(&self, folder: &Path) -> Result<()> {
        let from = folder.join(NAME);
        run::quiet(run::command("cp", ["--archive"]).arg(from).arg(&self.0))
    }

    /// Switches on: spends `BootNext`, and notes which entry is started.
    pub(super) fn power_on(&self, starts: impl FnMut(&EspFile) -> Result<bool>) -> Result<Start> {
        self.forget_halves()?;
        let vars = self.variables();
        let entries = entries(&vars)?;
        vars.remove(BOOT_NEXT)?;
        vars.remove(BOOT_CURRENT)?;
        let start = entries.start(starts)?;
        if let Start::Entry(number, _) = start {
            vars.write(BOOT_CURRENT, &number.to_bytes())?;
        }
        Ok(start)
    }

    /// A file is there before its value, a variable is not.
    fn forget_halves(&self) -> Result<()> {
        for entry in std::fs::read_dir(self.0.join(VARIABLES))? {
            let entry = entry?;
            if entry.metadata()?.len() <= ATTRIBUTES {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

fn entries(vars: &EfiVars) -> Result<Entries> {
    let next = vars.read(BOOT_NEXT)?;
    let order = vars.read(BOOT_ORDER)?.unwrap_or_default();
    let mut options = BTreeMap::new();
    for name in vars.names()? {
        let Some(number) = EntryNumber::of_variable(&name) else {
            continue;
        };
        let value = vars.read(&name)?.with_context(|| format!("no {name}"))?;
        options.insert(number, LoadOption::parse(&value).context(name)?);
    }
    Ok(Entries {
        next: next.and_then(|next| EntryNumber::from_bytes(&next)),
        order: BootOrder::from_bytes(&order).context("BootOrder is no list of entries")?,
        options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::boot_manager::tests::file;
    use jumpspec::boot::uefi::GLOBAL;

    #[test]
    fn what_is_booted_once_is_booted_once_and_the_boot_says_which_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let firmware = StandIn::of(folder.path());
        firmware.make(&file("old")).unwrap();
        let vars = firmware.variables();
        let jump = LoadOption::value("jump", &file("jump")).unwrap();
        vars.write("Boot0007", &jump).unwrap();
        vars.write(BOOT_NEXT, &[7, 0]).unwrap();
        let booted = || {
            let start = firmware.power_on(|_| Ok(true)).unwrap();
            let Start::Entry(number, _) = start else {
                panic!("{start:?}");
            };
            let current = vars.read(BOOT_CURRENT).unwrap().unwrap();
            assert_eq!(EntryNumber::from_bytes(&current), Some(number));
            number.0
        };
        assert_eq!((booted(), booted(), booted()), (7, 0, 0));
        assert_eq!(vars.read(BOOT_NEXT).unwrap(), None);
        assert_eq!(firmware.power_on(|_| Ok(false)).unwrap(), Start::Fallback);
        assert_eq!(vars.read(BOOT_CURRENT).unwrap(), None);
    }

    #[test]
    fn a_variable_that_was_not_written_before_the_cut_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let firmware = StandIn::of(folder.path());
        firmware.make(&file("old")).unwrap();
        let next = firmware
            .0
            .join(VARIABLES)
            .join(format!("{BOOT_NEXT}-{GLOBAL}"));
        std::fs::write(&next, "").unwrap();
        firmware.power_on(|_| Ok(true)).unwrap();
        assert!(!next.exists());
    }
}
