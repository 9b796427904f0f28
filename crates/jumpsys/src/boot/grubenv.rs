//! GRUB's environment block: 1024 bytes of variables that GRUB can write back at boot.
//!
//! It is only ever written in place. A new file, a truncated one or a rename would show GRUB, which
//! replays no journal, the old or an empty block after a power cut (tried: facts/boot.md). GRUB
//! writes the block as two sectors, so everything has to fit within the first.
//!
//! Source: GRUB 2.06, `grub-core/lib/envblk.c`, `include/grub/lib/envblk.h`.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use jumpspec::boot::bios::ENV_BLOCK;

use crate::disk::durable::{self, DurableError};
use crate::error::{At as _, PathError};
use crate::files::atomic;

const HEADING: &str = "# GRUB Environment Block\n";

/// What can be wrong with an environment block.
#[derive(Debug, thiserror::Error)]
pub enum GrubenvError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] PathError),
    /// Writing or reading back failed.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// The file is not 1024 bytes, or does not begin as GRUB wants it.
    #[error("{} is not a GRUB environment block", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The variables don't fit into the block.
    #[error("the variables take {bytes} bytes of a GRUB environment block, more than {ENV_BLOCK}")]
    TooLong {
        /// Bytes with heading.
        bytes: usize,
    },
    /// A name that GRUB could not read back.
    #[error("`{0}` is no name of a GRUB variable")]
    BadName(String),
}

/// The variables of a block, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    variables: Vec<(String, String)>,
}

impl Env {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Sets a variable, in its place if it has one.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.variables.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.variables.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(n, _)| n != name);
    }

    /// All variables in their order.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// The variables of a block; `None` if it is not one GRUB would read.
    pub fn parse(block: &[u8]) -> Option<Self> {
        if block.len() != ENV_BLOCK || !block.starts_with(HEADING.as_bytes()) {
            return None;
        }
        let mut env = Self::new();
        for line in logical_lines(&block[HEADING.len()..]) {
            let line = String::from_utf8_lossy(&line);
            let variable = line.split_once('=');
            if let Some((name, value)) = variable.filter(|_| !line.starts_with('#')) {
                env.set(name, value);
            }
        }
        Some(env)
    }

    /// The block, filled up with `#`.
    pub fn render(&self) -> Result<[u8; ENV_BLOCK], GrubenvError> {
        let mut text = HEADING.to_owned();
        for (name, value) in &self.variables {
            if name.is_empty() || name.contains(['=', '\n', '\\', '#']) {
                return Err(GrubenvError::BadName(name.clone()));
            }
            let value = value.replace('\\', "\\\\").replace('\n', "\\\n");
            text.extend([name, "=", &value, "\n"]);
        }
        let bytes = text.len();
        if bytes > ENV_BLOCK {
            return Err(GrubenvError::TooLong { bytes });
        }
        let mut block = [b'#'; ENV_BLOCK];
        block[..bytes].copy_from_slice(text.as_bytes());
        Ok(block)
    }
}

/// Reads a block's variables.
pub fn read(path: &Path) -> Result<Env, GrubenvError> {
    let block = fs::read(path).at("read", path)?;
    Env::parse(&block).ok_or_else(|| foreign(path))
}

/// Overwrites the bytes of an existing block, syncs, and reads them back from the disk. A file of
/// another length is refused: it has to be [`create`]d first.
pub fn write_in_place(path: &Path, env: &Env) -> Result<(), GrubenvError> {
    let block = env.render()?;
    let file = OpenOptions::new().write(true).open(path);
    let file = file.at("open to write", path)?;
    let metadata = file.metadata().at("look at", path)?;
    if !metadata.is_file() || metadata.len() != ENV_BLOCK as u64 {
        return Err(foreign(path));
    }
    Ok(durable::write_open(&file, path, 0, &block)?)
}

/// Makes a block, with mode 0600. The file system has to be frozen and thawed, or unmounted, before
/// GRUB can be counted on to find it.
pub fn create(path: &Path, env: &Env) -> Result<(), GrubenvError> {
    Ok(atomic::write_atomic(path, &env.render()?, 0o600)?)
}

fn foreign(path: &Path) -> GrubenvError {
    GrubenvError::Foreign {
        path: path.to_owned(),
    }
}

/// Splits at newlines that no backslash precedes, and takes the backslashes away.
fn logical_lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        let escaped = if byte == b'\\' { bytes.next() } else { None };
        match (escaped, lines.last_mut()) {
            (None, _) if byte == b'\n' => lines.push(Vec::new()),
            (escaped, Some(line)) => line.push(*escaped.unwrap_or(&byte)),
            (_, None) => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Env, GrubenvError, create, read, write_in_place};
    use jumpspec::boot::bios::ENV_BLOCK;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;
    use std::process::Command;

    fn env(pairs: &[(&str, &str)]) -> Env {
        let mut env = Env::new();
        for (name, value) in pairs {
            env.set(name, value);
        }
        env
    }

    #[test]
    fn odd_values_come_back() {
        let env = env(&[("jump_state", "try"), ("odd", "a\\b\nc = d"), ("empty", "")]);
        let block = env.render().unwrap();
        assert_eq!(block.len(), ENV_BLOCK);
        assert_eq!(Env::parse(&block), Some(env));
    }

    #[test]
    fn grub_editenv_reads_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grubenv");
        create(&path, &env(&[("a", "1"), ("b", "two words\\")])).unwrap();
        let mut list = Command::new("/usr/bin/grub-editenv");
        let Ok(out) = list.arg(&path).arg("list").output() else {
            println!("skipped: grub_editenv_reads_the_same: no grub-editenv");
            return;
        };
        assert_eq!(
            String::from_utf8(out.stdout).unwrap(),
            "a=1\nb=two words\\\n"
        );
    }

    #[test]
    fn writing_keeps_the_inode_and_refuses_other_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grubenv");
        create(&path, &Env::new()).unwrap();
        let inode = fs::metadata(&path).unwrap().ino();
        write_in_place(&path, &env(&[("next", "jump")])).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
        assert_eq!(read(&path).unwrap().get("next"), Some("jump"));
        fs::write(&path, "short").unwrap();
        let refused = write_in_place(&path, &Env::new());
        assert!(matches!(refused, Err(GrubenvError::Foreign { .. })));
    }

    #[test]
    fn refuses_what_leaves_the_block() {
        let long = env(&[("v", &"x".repeat(1000))]);
        assert!(matches!(
            long.render(),
            Err(GrubenvError::TooLong { bytes: 1028 })
        ));
    }
}
