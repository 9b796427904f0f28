//! A signed EFI program as it lies on a disk: whether it is whole, and what GRUB brings in itself.
//!
//! Sources: Microsoft's "PE Format" and "Windows Authenticode Portable Executable Signature Format" (what
//! a signature's digest is of), and GRUB 2.06's `include/grub/kernel.h` (modules).

use std::ops::Range;

use jumpspec::words::digest::Digest;

/// Where a program says where its PE header begins.
const PE: usize = 0x3c;
const PE_MAGIC: &[u8] = b"PE\0\0";
/// From there: the number of sections, the optional header's length, and that header.
const SECTIONS: usize = 6;
const OPTIONAL_LENGTH: usize = 20;
const OPTIONAL: usize = 24;
/// In that of a program of 64 bits: the checksum, and where the signature is, with its length.
const CHECKSUM: Range<usize> = 64..68;
const SIGNATURE: Range<usize> = 144..152;
/// A section's header; in it, its size in the file and where it begins there.
const SECTION: usize = 40;
const SECTION_SIZE: usize = 16;
const SECTION_START: usize = 20;
/// The section with GRUB's modules (`util/mkimage.c`), and what they begin with on 64 bits.
const MODULES: &[u8] = b"mods\0\0\0\0";
const MODULES_MAGIC: &[u8] = b"mimg";
const MODULES_START: usize = 8;
const MODULES_END: usize = 16;
/// `OBJ_TYPE_*`: a file system in memory, and where files are looked for.
const MEMDISK: usize = 1;
const PREFIX: usize = 3;

/// A program that its signature fits.
pub(super) struct Program(Vec<u8>);

/// What is in a GRUB besides its modules.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Brought {
    /// Where it looks for files, on the partition that it was started from.
    pub(super) prefix: String,
    /// An image of the file system in which its first script is.
    pub(super) memdisk: Vec<u8>,
}

impl Program {
    /// A program whose bytes are those that were signed; who signed them is not asked.
    pub(super) fn whole(bytes: Vec<u8>) -> Option<Self> {
        let (digest, signature) = signed(&bytes)?;
        let digest = digest.as_bytes();
        let fits = signature
            .windows(digest.len())
            .any(|window| window == digest);
        fits.then_some(Self(bytes))
    }

    /// What it brings if it is a GRUB; shim is none.
    pub(super) fn grub(&self) -> Option<Brought> {
        let modules = section(&self.0, MODULES)?;
        modules.starts_with(MODULES_MAGIC).then_some(())?;
        let end = number(modules, MODULES_END)?;
        let mut next = number(modules, MODULES_START)?;
        let (mut prefix, mut memdisk) = (None, None);
        while next < end {
            let (kind, length) = (number(modules, next)?, number(modules, next + 4)?);
            let body = modules.get(next + 8..next + length)?;
            match kind {
                MEMDISK => memdisk = Some(body.to_vec()),
                PREFIX => {
                    let text = body.split(|byte| *byte == 0).next()?;
                    prefix = Some(String::from_utf8(text.to_vec()).ok()?);
                }
                _ => {}
            }
            next += length;
        }
        Some(Brought {
            prefix: prefix?,
            memdisk: memdisk?,
        })
    }
}

/// The digest of what a signature is for, and the signatures.
fn signed(bytes: &[u8]) -> Option<(Digest, &[u8])> {
    let optional = header(bytes)? + OPTIONAL;
    let place = optional + SIGNATURE.start;
    let (start, length) = (number(bytes, place)?, number(bytes, place + 4)?);
    let parts = [
        bytes.get(..optional + CHECKSUM.start)?,
        bytes.get(optional + CHECKSUM.end..place)?,
        bytes.get(optional + SIGNATURE.end..start)?,
    ];
    let signature = bytes.get(start..start + length)?;
    Some((Digest::of(&parts.concat()), signature))
}

fn section<'a>(bytes: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let header = header(bytes)?;
    let half = |at: usize| {
        Some(usize::from(u16::from_le_bytes(
            *bytes.get(at..)?.first_chunk()?,
        )))
    };
    let first = header + OPTIONAL + half(header + OPTIONAL_LENGTH)?;
    let mut sections = (0..half(header + SECTIONS)?).map(|index| first + index * SECTION);
    let found = sections.find(|at| bytes.get(*at..).is_some_and(|it| it.starts_with(name)))?;
    let start = number(bytes, found + SECTION_START)?;
    bytes.get(start..start + number(bytes, found + SECTION_SIZE)?)
}

fn header(bytes: &[u8]) -> Option<usize> {
    let at = number(bytes, PE)?;
    bytes.get(at..)?.starts_with(PE_MAGIC).then_some(at)
}

/// The lower half of a number that may have 64 bits: no program is larger.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of 64 bits with GRUB's one section, and a signature that is its digest alone.
    fn program() -> Vec<u8> {
        let (pe, section) = (0x40, 0x40 + OPTIONAL + 240);
        let mut modules = [MODULES_MAGIC, &[0; 4]].concat();
        let parts: [(usize, &[u8]); 3] = [
            (2, b"config\0\0"),
            (PREFIX, b"/here\0\0\0"),
            (MEMDISK, b"fat."),
        ];
        let length: usize = parts.iter().map(|(_, body)| 8 + body.len()).sum();
        modules.extend(24_u64.to_le_bytes());
        modules.extend((24 + length as u64).to_le_bytes());
        for (kind, body) in parts {
            modules.extend(u32::try_from(kind).unwrap().to_le_bytes());
            modules.extend(u32::try_from(8 + body.len()).unwrap().to_le_bytes());
            modules.extend(body);
        }
        let mut bytes = vec![0; section + SECTION];
        let mut set = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
        let word = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
        set(PE, &word(pe));
        set(pe, PE_MAGIC);
        set(pe + SECTIONS, &[1, 0]);
        set(pe + OPTIONAL_LENGTH, &[240, 0]);
        set(section, MODULES);
        set(section + SECTION_SIZE, &word(modules.len()));
        set(section + SECTION_START, &word(section + SECTION));
        let signature = section + SECTION + modules.len();
        set(pe + OPTIONAL + SIGNATURE.start, &word(signature));
        set(pe + OPTIONAL + SIGNATURE.start + 4, &word(32));
        bytes.extend(modules);
        let without = [bytes.as_slice(), &[0; 32]].concat();
        let (digest, _) = signed(&without).unwrap();
        bytes.extend(digest.as_bytes());
        bytes
    }

    #[test]
    fn a_grub_gives_what_it_brings() {
        let brought = Program::whole(program()).unwrap().grub();
        let wanted = Brought {
            prefix: "/here".to_owned(),
            memdisk: b"fat.".to_vec(),
        };
        assert_eq!(brought, Some(wanted));
    }

    #[test]
    fn a_program_that_is_cut_or_changed_is_not_whole() {
        let bytes = program();
        for cut in 0..bytes.len() {
            assert!(Program::whole(bytes[..cut].to_vec()).is_none(), "{cut}");
        }
        let mut changed = bytes;
        let middle = changed.len() - 50;
        changed[middle] ^= 1;
        assert!(Program::whole(changed).is_none());
    }
}
