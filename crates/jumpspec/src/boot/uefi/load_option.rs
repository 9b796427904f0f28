//! A boot entry's value (`EFI_LOAD_OPTION`): what it is called, and what it starts. UEFI
//! Specification 2.10, section 3.1.3.

use super::{EspFile, device_path};

/// The entry is tried when its turn comes (`LOAD_OPTION_ACTIVE`).
const ACTIVE: u32 = 1;
/// Bytes in front of the description: attributes and the length of the path.
const HEADER: usize = 6;

/// A boot entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadOption {
    /// Whether it is tried when its turn comes.
    pub is_active: bool,
    /// What people know it by.
    pub description: String,
    /// What it starts, if that is a file on a partition of a GPT.
    pub file: Option<EspFile>,
}

/// Bytes that are no boot entry, or an entry that cannot be written down.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is no boot entry")]
pub struct Malformed;

impl LoadOption {
    /// What the value of a variable `Boot####` says.
    ///
    /// # Errors
    /// [`Malformed`] if the description does not end, or the path's length leads out of the value.
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let attributes = value.first_chunk::<4>().ok_or(Malformed)?;
        let ((text, path), _) = split(value)?;
        Ok(Self {
            is_active: u32::from_le_bytes(*attributes) & ACTIVE != 0,
            description: String::from_utf16_lossy(&text),
            file: device_path::file(path),
        })
    }

    /// What an entry's value has for the program that it starts, where that is text: a kernel's
    /// arguments, or the name of what shim starts. Some firmware leaves marks of its own there.
    pub fn arguments(value: &[u8]) -> Option<String> {
        let (_, rest) = split(value).ok()?;
        let (units, odd) = rest.as_chunks::<2>();
        let units = units.iter().copied().map(u16::from_le_bytes);
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        let wide = odd.is_empty().then(|| String::from_utf16(&units).ok())?;
        let narrow = || String::from_utf8(rest.to_vec()).ok();
        let is_text = |text: &String| {
            let mut chars = text.trim_end_matches('\0').chars();
            !text.is_empty() && chars.all(|c| c == ' ' || c.is_ascii_graphic())
        };
        let text = wide.filter(is_text).or_else(|| narrow().filter(is_text))?;
        Some(text.trim_end_matches('\0').trim().to_owned())
    }

    /// The value of an active entry that starts `file`.
    ///
    /// # Errors
    /// [`Malformed`] if the GUID is none, or the path too long.
    pub fn value(description: &str, file: &EspFile) -> Result<Vec<u8>, Malformed> {
        let path = device_path::short(file).ok_or(Malformed)?;
        let length = u16::try_from(path.len()).map_err(|_| Malformed)?;
        let mut value = Vec::from(ACTIVE.to_le_bytes());
        value.extend(length.to_le_bytes());
        let text = description.encode_utf16().chain([0]);
        value.extend(text.flat_map(u16::to_le_bytes));
        value.extend(path);
        Ok(value)
    }
}

/// Description and path, and what is behind them.
type Parts<'a> = ((Vec<u16>, &'a [u8]), &'a [u8]);

fn split(value: &[u8]) -> Result<Parts<'_>, Malformed> {
    let length = value.get(4..HEADER).ok_or(Malformed)?;
    let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
    let (units, _) = value[HEADER..].as_chunks::<2>();
    let mut units = units.iter().copied().map(u16::from_le_bytes);
    let text: Vec<u16> = units.by_ref().take_while(|unit| *unit != 0).collect();
    let path = HEADER + 2 * (text.len() + 1);
    let (path, rest) = value
        .get(path..)
        .and_then(|behind| behind.split_at_checked(length))
        .ok_or(Malformed)?;
    Ok(((text, path), rest))
}

#[cfg(test)]
mod tests {
    use super::super::Esp;
    use super::*;
    use crate::disk::Extent;

    fn shim() -> EspFile {
        EspFile {
            esp: Esp {
                number: 1,
                extent: Extent {
                    start: 2048,
                    sectors: 262_144,
                },
                partuuid: "8b1a2f6e-7c3d-4e5f-9a0b-1c2d3e4f5061".to_owned(),
            },
            path: "EFI/debian/shimx64.efi".to_owned(),
        }
    }

    #[test]
    fn an_entry_is_read_back_as_it_is_written() {
        let value = LoadOption::value("debian", &shim()).unwrap();
        let wanted = LoadOption {
            is_active: true,
            description: "debian".to_owned(),
            file: Some(shim()),
        };
        assert_eq!(LoadOption::parse(&value), Ok(wanted));
    }

    #[test]
    fn an_entry_is_laid_out_as_the_specification_says() {
        let value = LoadOption::value("debian", &shim()).unwrap();
        assert_eq!(value[..6], [1, 0, 0, 0, 98, 0]);
        assert_eq!(value[6..20], *b"d\0e\0b\0i\0a\0n\0\0\0");
        assert_eq!(value[20..28], [4, 1, 42, 0, 1, 0, 0, 0]);
        assert_eq!(value[44..48], [0x6e, 0x2f, 0x1a, 0x8b]);
        assert_eq!(value[value.len() - 4..], [0x7f, 0xff, 4, 0]);
    }

    #[test]
    fn what_an_entry_passes_on_is_told_where_it_is_text() {
        let with = |rest: &[u8]| {
            let entry = LoadOption::value("debian", &shim()).unwrap();
            LoadOption::arguments(&[&entry, rest].concat())
        };
        let wide = |text: &str| -> Vec<u8> {
            let units = text.encode_utf16();
            units.flat_map(u16::to_le_bytes).collect()
        };
        let arguments = Some("root=/dev/sda2 initrd=\\i.img".to_owned());
        assert_eq!(with(&wide("root=/dev/sda2 initrd=\\i.img\0")), arguments);
        // As efibootmgr writes them without --unicode.
        assert_eq!(with(b"root=/dev/sda2 initrd=\\i.img"), arguments);
        assert_eq!(with(b"root=a"), Some("root=a".to_owned()));
        for mark in [&b""[..], b"\0\0BO", b"WINDOWS\0\x01\0\0\0\x88", &[0xff; 16]] {
            assert_eq!(with(mark), None, "{mark:?}");
        }
    }

    #[test]
    fn what_starts_no_file_of_a_gpt_is_an_entry_without_one() {
        let pci_then_end = [2, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 4, 0];
        let mut value = vec![0, 0, 0, 0, 16, 0];
        value.extend("PXE\0".encode_utf16().flat_map(u16::to_le_bytes));
        value.extend(pci_then_end);
        let entry = LoadOption::parse(&value).unwrap();
        assert_eq!((entry.is_active, entry.file), (false, None));
        assert_eq!(entry.description, "PXE");
    }

    #[test]
    fn a_length_that_leads_nowhere_is_refused() {
        let value = LoadOption::value("debian", &shim()).unwrap();
        for cut in 0..value.len() {
            assert_eq!(LoadOption::parse(&value[..cut]), Err(Malformed), "{cut}");
        }
        let mut endless = value;
        // The node of the partition is as long as nothing: it would be read for ever.
        endless[22] = 0;
        assert_eq!(LoadOption::parse(&endless).unwrap().file, None);
    }
}
