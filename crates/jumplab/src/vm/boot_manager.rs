//! A UEFI's boot manager, as the specification has it and OVMF was seen to do it (UEFI Specification
//! 2.10, section 3.1): which entry a power-on starts. Pure.

use std::collections::BTreeMap;

use jumpspec::boot::uefi::{BootOrder, EntryNumber, EspFile, LoadOption};

/// What stands in the variables at a power-on.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// `BootNext`, which is spent already.
    pub(super) next: Option<EntryNumber>,
    /// `BootOrder`; without it no entry is tried, whatever entries there are.
    pub(super) order: BootOrder,
    /// `Boot####`.
    pub(super) options: BTreeMap<EntryNumber, LoadOption>,
}

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// An entry's file: `BootCurrent` is its number.
    Entry(EntryNumber, EspFile),
    /// What every disk may have for a firmware without entries.
    Fallback,
}

impl Entries {
    /// The first whose file `starts`; where it does not, the same power-on goes on with the next one.
    pub(super) fn start<E>(
        &self,
        mut starts: impl FnMut(&EspFile) -> Result<bool, E>,
    ) -> Result<Start, E> {
        for (number, option) in self.tried() {
            if let Some(file) = &option.file
                && starts(file)?
            {
                return Ok(Start::Entry(number, file.clone()));
            }
        }
        Ok(Start::Fallback)
    }

    /// The entries as they are tried: one by its name, active or not, then the active ones of the order.
    fn tried(&self) -> impl Iterator<Item = (EntryNumber, &LoadOption)> {
        let option = |number: EntryNumber| Some((number, self.options.get(&number)?));
        let ordered = self.order.0.iter().copied().filter_map(option);
        let next = self.next.and_then(option).into_iter();
        next.chain(ordered.filter(|(_, option)| option.is_active))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use jumpspec::boot::uefi::Esp;
    use jumpspec::disk::Extent;

    pub(in crate::vm) fn file(path: &str) -> EspFile {
        EspFile {
            esp: Esp {
                number: 1,
                extent: Extent {
                    start: 2048,
                    sectors: 4096,
                },
                partuuid: "8b1a2f6e-7c3d-4e5f-9a0b-1c2d3e4f5061".to_owned(),
            },
            path: path.to_owned(),
        }
    }

    /// Entries 1 (old), 2 (jump), 3 (off) and 4 (starts no file).
    fn entries(next: Option<u16>, order: &[u16]) -> Entries {
        let option = |number, path: Option<&str>, is_active| {
            let option = LoadOption {
                is_active,
                description: String::new(),
                file: path.map(file),
            };
            (EntryNumber(number), option)
        };
        Entries {
            next: next.map(EntryNumber),
            order: BootOrder(order.iter().copied().map(EntryNumber).collect()),
            options: [
                option(1, Some("old"), true),
                option(2, Some("jump"), true),
                option(3, Some("off"), false),
                option(4, None, true),
            ]
            .into(),
        }
    }

    /// The number that is started where all files but `broken` start; 0 is the fallback.
    fn started(entries: &Entries, broken: &str) -> u16 {
        let start = entries.start(|file| Ok::<_, ()>(file.path != broken));
        match start.unwrap() {
            Start::Entry(number, file) => {
                assert_eq!(entries.options[&number].file, Some(file));
                number.0
            }
            Start::Fallback => 0,
        }
    }

    #[test]
    fn an_entry_by_its_name_comes_before_the_order_and_need_not_be_in_it() {
        assert_eq!(started(&entries(Some(2), &[1]), ""), 2);
        assert_eq!(started(&entries(Some(3), &[1]), ""), 3);
        assert_eq!(started(&entries(None, &[1, 2]), ""), 1);
    }

    #[test]
    fn what_does_not_start_is_passed_over_in_the_same_boot() {
        assert_eq!(started(&entries(Some(2), &[1, 2]), "jump"), 1);
        assert_eq!(started(&entries(Some(9), &[1]), ""), 1);
        assert_eq!(started(&entries(None, &[9, 4, 3, 2]), ""), 2);
    }

    #[test]
    fn without_an_order_or_an_entry_that_starts_it_is_the_disk_s_fallback() {
        assert_eq!(started(&entries(None, &[]), ""), 0);
        assert_eq!(started(&entries(None, &[1]), "old"), 0);
    }
}
