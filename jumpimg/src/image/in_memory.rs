//! What an image's files take as a root in memory, by its index alone.

use jumparchive::{Image, IndexEntry, Result};
use jumpspec::planner::InMemory;
use jumpspec::words::size::Size;

/// What a ramfs keeps files in.
const PAGE: u64 = 4096;
/// Tar's type flags of files and symlinks.
const FILE: u8 = b'0';
const SYMLINK: u8 = b'2';

/// Those of the image: further names of a file take nothing.
pub(crate) fn of(image: &Image) -> Result<InMemory> {
    let mut sum = InMemory::default();
    for entry in image.entries()? {
        add(&mut sum, &entry?);
    }
    Ok(sum)
}

fn add(sum: &mut InMemory, entry: &IndexEntry) {
    let taken = match entry.kind {
        FILE => entry.size,
        SYMLINK => 1,
        _ => return,
    };
    let taken = taken.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
    sum.pages = Size(sum.pages.bytes().saturating_add(taken));
    sum.largest = sum.largest.max(Size(entry.size));
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use jumparchive::{Decision, PackOptions, Packer, Tree};

    use super::*;

    #[test]
    fn holes_are_filled_and_other_names_take_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let sparse = File::create(root.join("sparse")).unwrap();
        sparse.set_len((8 << 20) + 1).unwrap();
        std::fs::write(root.join("file"), "text").unwrap();
        std::fs::hard_link(root.join("file"), root.join("other")).unwrap();
        symlink("file", root.join("link")).unwrap();
        let path = scratch.path().join("image");
        let file = File::create(&path).unwrap();
        let tree = Tree::open(&root).unwrap();
        let packer = Packer::new(file, &PackOptions::default()).unwrap();
        packer
            .pack(&tree, &|_| Decision::Store, None, &|_| ())
            .unwrap();
        let image = Image::open(File::open(&path).unwrap()).unwrap();
        let found = of(&image).unwrap();
        assert_eq!(found.largest, Size((8 << 20) + 1));
        assert_eq!(found.pages, Size((8 << 20) + 3 * PAGE));
    }
}
