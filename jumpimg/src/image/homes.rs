//! Whether an image has a place for files that are written into it once it is unpacked, by its index alone.

use std::collections::BTreeSet;

use jumparchive::{Image, Result};
use jumpspec::words::relpath::RelPath;

/// Tar's type flags of symlinks and directories.
const SYMLINK: u8 = b'2';
const DIRECTORY: u8 = b'5';

/// Of these files, those that the image has no place for: a directory is there, or something above that is
/// neither a directory nor a symlink to follow.
pub(crate) fn homeless(image: &Image, files: &BTreeSet<RelPath>) -> Result<BTreeSet<RelPath>> {
    let mut homeless = BTreeSet::new();
    if files.is_empty() {
        return Ok(homeless);
    }
    for entry in image.entries()? {
        let entry = entry?;
        let in_the_way = files
            .iter()
            .filter(|file| stands_in_the_way(&entry.path, entry.kind, file));
        homeless.extend(in_the_way.cloned());
    }
    Ok(homeless)
}

/// Whether an entry of that kind keeps a file from being written.
fn stands_in_the_way(path: &[u8], kind: u8, file: &RelPath) -> bool {
    match file.as_str().as_bytes().strip_prefix(path) {
        Some([]) => kind == DIRECTORY,
        Some([b'/', ..]) => ![SYMLINK, DIRECTORY].contains(&kind),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_stand_in_the_way_of_files_and_files_of_directories() {
        let file: RelPath = "etc/site/motd".parse().unwrap();
        let cases: [(&str, u8, bool); 8] = [
            ("etc/site/motd", b'0', false),
            ("etc/site/motd", SYMLINK, false),
            ("etc/site/motd", DIRECTORY, true),
            ("etc/site", b'0', true),
            ("etc/site", SYMLINK, false),
            ("etc/site", DIRECTORY, false),
            ("etc/sit", b'0', false),
            ("etc/site/motd2", DIRECTORY, false),
        ];
        for (path, kind, wanted) in cases {
            assert_eq!(
                stands_in_the_way(path.as_bytes(), kind, &file),
                wanted,
                "{path}"
            );
        }
    }
}
