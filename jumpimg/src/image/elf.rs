//! What an ELF program needs to run. Looks at headers only; runs nothing.

use object::elf::{DT_NEEDED, DT_STRTAB, EM_AARCH64, EM_X86_64, FileHeader64, PT_INTERP};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{Endianness, StringTable};

/// What an ELF program needs to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Machine name as `uname -m` prints it.
    pub(crate) machine: String,
    /// The dynamic loader.
    pub(crate) interpreter: Option<String>,
    /// Names of shared libraries.
    pub(crate) libraries: Vec<String>,
}

impl Needs {
    /// Whether it runs with nothing else there.
    pub(crate) fn is_static(&self) -> bool {
        self.interpreter.is_none() && self.libraries.is_empty()
    }
}

/// Reads the headers of a 64-bit ELF; `None` if it is none.
pub(crate) fn needs(bytes: &[u8]) -> Option<Needs> {
    let header = FileHeader64::<Endianness>::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, bytes).ok()?;
    let mut needs = Needs {
        machine: machine(header.e_machine(endian)),
        ..Needs::default()
    };
    for segment in segments {
        if segment.p_type(endian) == PT_INTERP {
            let path = segment.interpreter(endian, bytes).ok()??;
            needs.interpreter = Some(String::from_utf8_lossy(path).into_owned());
        }
        let Some(entries) = segment.dynamic(endian, bytes).ok()? else {
            continue;
        };
        let value = |entry: &object::elf::Dyn64<Endianness>| entry.d_val(endian);
        let table = entries
            .iter()
            .find(|entry| entry.d_tag(endian) == DT_STRTAB)
            .map(value);
        let Some(strings) = table.and_then(|address| strings_at(segments, address, endian, bytes))
        else {
            continue;
        };
        for entry in entries
            .iter()
            .filter(|entry| entry.d_tag(endian) == DT_NEEDED)
        {
            let name = strings.get(u32::try_from(value(entry)).ok()?).ok()?;
            needs
                .libraries
                .push(String::from_utf8_lossy(name).into_owned());
        }
    }
    Some(needs)
}

/// The string table at a virtual address, found in the segment that is loaded there.
fn strings_at<'data>(
    segments: &[object::elf::ProgramHeader64<Endianness>],
    address: u64,
    endian: Endianness,
    bytes: &'data [u8],
) -> Option<StringTable<'data>> {
    segments.iter().find_map(|segment| {
        let inside = address.checked_sub(segment.p_vaddr(endian))?;
        let (offset, size) = segment.file_range(endian);
        let loaded = segment.p_type(endian) == object::elf::PT_LOAD && inside < size;
        loaded.then(|| StringTable::new(bytes, offset + inside, offset + size))
    })
}

fn machine(number: object::elf::Machine) -> String {
    match number {
        EM_X86_64 => "x86_64".to_owned(),
        EM_AARCH64 => "aarch64".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_no_program() {
        assert_eq!(needs(b"#!/bin/sh\n"), None);
    }

    #[test]
    fn this_test_needs_the_c_library() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let needs = needs(&bytes).unwrap();
        let libc = |name: &String| name.starts_with("libc.");
        assert!(
            needs.is_static() || needs.libraries.iter().any(libc),
            "{needs:?}"
        );
    }
}
