//! Digests of what a result was made from, and the stamp files that remember them.

use std::fmt::Write as _;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

/// A digest being made: of texts, files and folders, each set apart from the next.
pub struct Digest(Sha256);

impl Digest {
    /// A digest for one purpose; `version` changes where the same inputs make something else.
    pub fn new(version: &str) -> Self {
        let mut digest = Self(Sha256::new());
        digest.text(version);
        digest
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.part(b't', text.as_bytes());
    }

    /// Adds a file's content.
    pub fn file(&mut self, path: &Path) -> Result<()> {
        let content =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        self.part(b'f', &content);
        Ok(())
    }

    /// Adds every file and link below `folder`: names, content, whether executable.
    pub fn tree(&mut self, folder: &Path) -> Result<()> {
        for entry in WalkDir::new(folder).sort_by_file_name() {
            let entry = entry?;
            if entry.file_type().is_dir() {
                continue;
            }
            self.part(
                b'n',
                entry.path().strip_prefix(folder)?.as_os_str().as_bytes(),
            );
            if entry.file_type().is_symlink() {
                self.part(
                    b'l',
                    std::fs::read_link(entry.path())?.as_os_str().as_bytes(),
                );
            } else {
                let executable = entry.metadata()?.permissions().mode() & 0o100 != 0;
                self.part(b'x', &[u8::from(executable)]);
                self.file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The digest in hex.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.0.update([kind]);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

/// The sha256 of a file in hex, as `sha256sum` prints it.
pub fn sha256(path: &Path) -> Result<String> {
    let mut file =
        std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut sha, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&sha.finalize())),
            count => sha.update(&buffer[..count]),
        }
    }
}

/// Whether `stamp` remembers `digest`.
pub fn is_current(stamp: &Path, digest: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|text| text == digest)
}

/// Writes `digest` to `stamp`, once the result is complete.
pub fn remember(stamp: &Path, digest: &str) -> Result<()> {
    std::fs::write(stamp, digest).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Removes `stamp`, before the result is touched.
pub fn forget(stamp: &Path) -> Result<()> {
    match std::fs::remove_file(stamp) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn what_is_split_differently_has_another_digest() {
        let digest = |texts: [&str; 2]| {
            let mut digest = Digest::new("test");
            for text in texts {
                digest.text(text);
            }
            digest.finish()
        };
        assert_ne!(digest(["ab", "c"]), digest(["a", "bc"]));
        assert_eq!(digest(["ab", "c"]), digest(["ab", "c"]));
    }
}
