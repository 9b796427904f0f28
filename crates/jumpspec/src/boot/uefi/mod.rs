//! UEFI boots by variables: entries (`Boot####`), the order in which the firmware tries them
//! (`BootOrder`), and one that it tries once (`BootNext`). UEFI Specification 2.10, section 3.1.
//!
//! What stands in a variable is the firmware's word: it is read with bounds, and believed only once a
//! boot has followed it.

mod device_path;
pub mod found;
mod load_option;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use load_option::{LoadOption, Malformed};

use crate::disk::{Extent, OtherDisk};
use crate::words::abspath::AbsPath;
use crate::words::relpath::RelPath;

/// The vendor of the variables that the specification names (`EFI_GLOBAL_VARIABLE`).
pub const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/// The entry that was booted.
pub const BOOT_CURRENT: &str = "BootCurrent";
/// The entry that is booted once.
pub const BOOT_NEXT: &str = "BootNext";
/// The entries as they are tried.
pub const BOOT_ORDER: &str = "BootOrder";
/// One byte: whether only signed programs are started.
pub const SECURE_BOOT: &str = "SecureBoot";

/// What an EFI system partition is known by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Esp {
    /// Its number on its disk.
    pub number: u32,
    /// Where it lies, in the disk's own blocks.
    pub extent: Extent,
    /// Its GUID, by which firmware finds it.
    pub partuuid: String,
}

/// A file on an EFI system partition, as an entry names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EspFile {
    /// The partition.
    pub esp: Esp,
    /// The file, with slashes and none in front: `EFI/debian/shimx64.efi`. FAT knows no case.
    pub path: String,
}

/// What boots the three systems of a run on a UEFI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UefiBoot {
    /// The EFI system partition. It stays, with what others have there.
    pub esp: Esp,
    /// The disk that it lies on, where that is not the one that is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<OtherDisk>,
    /// The entry that starts the selector.
    pub entry: EntryNumber,
    /// The entry that the old system was booted by.
    pub old_entry: EntryNumber,
    /// What it starts.
    pub old: RelPath,
    /// The entry that starts the new system.
    pub new_entry: EntryNumber,
    /// What that starts.
    pub new: RelPath,
    /// The name of that entry, by which the system calls its directory of loaders.
    pub new_name: String,
    /// Where the new system mounts the EFI system partition.
    pub mount: AbsPath,
    /// The order as it was found.
    pub order: BootOrder,
    /// Whether the fallback path is nobody's, and leads to the selector while the node has no other
    /// system: a firmware that forgets its entries starts what is there.
    pub fallback: bool,
}

/// The selector's directory on the EFI system partition.
pub const DIRECTORY: &str = "EFI/jump";
/// What the firmware starts there: shim, which is signed for it.
pub const SHIM: &str = "EFI/jump/shimx64.efi";
/// What shim starts: a GRUB that takes its script from its own directory.
pub const GRUB: &str = "EFI/jump/grubx64.efi";
/// The script that leads that to the selector.
pub const CONFIG: &str = "EFI/jump/grub.cfg";
/// Where that GRUB looks for a script before it looks beside itself. Where the EFI system partition has no
/// such directory, it looks on every disk and disc for an installer's (`/.disk/info`), and starts that
/// one's script: so there is an empty one as long as the selector is there.
pub const GRUB_DIRECTORY: &str = "boot/grub";
/// The directory above that.
pub const GRUB_ABOVE: &str = "boot";
/// The scripts that it would start from there.
pub const GRUB_SCRIPTS: [&str; 2] = ["boot/grub/grub.cfg", "boot/grub/x86_64-efi/grub.cfg"];
/// What firmware starts from a disk that no entry leads to (section 3.5.1.1): shim.
pub const FALLBACK: &str = "EFI/BOOT/BOOTX64.EFI";
/// What that starts.
pub const FALLBACK_GRUB: &str = "EFI/BOOT/grubx64.efi";
/// The script of that.
pub const FALLBACK_CONFIG: &str = "EFI/BOOT/grub.cfg";
/// The directory of these.
pub const FALLBACK_DIRECTORY: &str = "EFI/BOOT";
/// What the selector's entry is called.
pub const NAME: &str = "jump";

/// The number of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryNumber(pub u16);

impl EntryNumber {
    /// That of the variable `Boot####`, four hex digits in upper case; none of any other.
    pub fn of_variable(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("Boot")?;
        let upper = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
        let number = digits.len() == 4 && digits.bytes().all(upper);
        number.then(|| u16::from_str_radix(digits, 16).ok().map(Self))?
    }

    /// That in the value of `BootCurrent` or `BootNext`: two bytes, the lower first.
    pub fn from_bytes(value: &[u8]) -> Option<Self> {
        Some(Self(u16::from_le_bytes(value.try_into().ok()?)))
    }

    /// The value of `BootNext`.
    pub fn to_bytes(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }

    /// The lowest number that none of `taken` has.
    pub fn free(taken: &[Self]) -> Option<Self> {
        (0..=u16::MAX)
            .map(Self)
            .find(|number| !taken.contains(number))
    }
}

/// As the variable is called.
impl fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Boot{:04X}", self.0)
    }
}

/// The entries as they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootOrder(pub Vec<EntryNumber>);

impl BootOrder {
    /// What the variable says; none if it is no list of numbers.
    pub fn from_bytes(value: &[u8]) -> Option<Self> {
        let (numbers, rest) = value.as_chunks::<2>();
        let numbers = numbers.iter().copied().map(u16::from_le_bytes);
        rest.is_empty()
            .then(|| Self(numbers.map(EntryNumber).collect()))
    }

    /// The value of the variable.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|number| number.to_bytes()).collect()
    }

    /// Without `number`.
    #[must_use]
    pub fn without(&self, number: EntryNumber) -> Self {
        let others = self.0.iter().copied();
        Self(others.filter(|other| *other != number).collect())
    }

    /// With `number` at its end, where no boot meets it but by its name. Firmware is known that writes
    /// over entries which are not in the order (rhboot/fwupdate 55).
    #[must_use]
    pub fn with_last(&self, number: EntryNumber) -> Self {
        let mut order = self.without(number);
        order.0.push(number);
        order
    }

    /// With `number` in front of all others.
    #[must_use]
    pub fn with_first(&self, number: EntryNumber) -> Self {
        let mut order = self.without(number);
        order.0.insert(0, number);
        order
    }

    /// Whether the firmware, which may put entries of its own behind, has kept `wanted`.
    pub fn keeps(&self, wanted: &Self) -> bool {
        self.0.starts_with(&wanted.0)
    }

    /// The entry that is tried first.
    pub fn first(&self) -> Option<EntryNumber> {
        self.0.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(numbers: &[u16]) -> BootOrder {
        BootOrder(numbers.iter().copied().map(EntryNumber).collect())
    }

    #[test]
    fn an_entry_is_known_by_four_digits_in_upper_case() {
        let number = |name| EntryNumber::of_variable(name).map(|number| number.0);
        assert_eq!(number("Boot00AF"), Some(0xaf));
        for other in [
            "Boot00af",
            "BootOrder",
            "Boot1",
            "Boot00000",
            "boot0000",
            "Boot+001",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
        assert_eq!(EntryNumber(0xaf).to_string(), "Boot00AF");
    }

    #[test]
    fn values_are_read_back_as_they_are_written() {
        let written = order(&[3, 0x1234, 0]);
        assert_eq!(BootOrder::from_bytes(&written.to_bytes()), Some(written));
        assert_eq!(BootOrder::from_bytes(&[1, 0, 2]), None);
        assert_eq!(EntryNumber::from_bytes(&[7, 0]), Some(EntryNumber(7)));
        assert_eq!(EntryNumber::from_bytes(&[7]), None);
    }

    #[test]
    fn an_entry_stands_in_an_order_once() {
        let (before, ours) = (order(&[1, 7, 2]), EntryNumber(7));
        assert_eq!(before.with_last(ours), order(&[1, 2, 7]));
        assert_eq!(before.with_first(ours), order(&[7, 1, 2]));
        assert_eq!(before.without(ours), order(&[1, 2]));
    }

    #[test]
    fn what_firmware_puts_behind_an_order_does_not_change_it() {
        let wanted = order(&[7, 1]);
        assert!(order(&[7, 1, 9]).keeps(&wanted) && wanted.keeps(&wanted));
        assert!(!order(&[9, 7, 1]).keeps(&wanted) && !order(&[7]).keeps(&wanted));
    }

    #[test]
    fn the_lowest_free_number_is_found() {
        let taken = [0, 1, 3].map(EntryNumber);
        assert_eq!(EntryNumber::free(&taken), Some(EntryNumber(2)));
    }
}
