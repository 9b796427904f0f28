//! Whether an ELF program is static: no interpreter and no library that it needs.
//! Looks at program headers and the dynamic section only; runs nothing.

use anyhow::{Result, bail};
use object::Endianness;
use object::elf::{DT_NEEDED, FileHeader64, PT_INTERP};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};

/// Fails unless `bytes` are a 64-bit ELF with no interpreter (`PT_INTERP`) and without a needed
/// library (`DT_NEEDED`). A static-pie has a dynamic section for its own relocations: allowed.
pub(super) fn check_static(bytes: &[u8]) -> Result<()> {
    let header = FileHeader64::<Endianness>::parse(bytes)?;
    let endian = header.endian()?;
    for segment in header.program_headers(endian, bytes)? {
        if segment.p_type(endian) == PT_INTERP {
            let path = segment.interpreter(endian, bytes)?.unwrap_or_default();
            bail!(
                "it asks for the interpreter {}",
                String::from_utf8_lossy(path)
            );
        }
        for entry in segment.dynamic(endian, bytes)?.unwrap_or_default() {
            if entry.d_tag(endian) == DT_NEEDED {
                bail!("it needs a shared library");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_static;

    #[test]
    fn a_program_with_an_interpreter_is_refused() {
        let bytes = std::fs::read("/proc/self/exe").expect("this test is a file");
        let error = check_static(&bytes).expect_err("tests are linked against glibc");
        assert!(error.to_string().contains("interpreter"), "{error}");
    }

    #[test]
    fn what_is_no_elf_is_refused() {
        assert!(check_static(b"#!/bin/sh\n").is_err());
    }
}
