//! Where things are: the workspace's root and the folders below its `target/`.

use std::path::{Path, PathBuf};

/// The workspace's root folder.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .nth(2)
        .unwrap_or(manifest)
        .to_path_buf()
}

/// `target/`, or a path below it. Always the workspace's own, whatever `CARGO_TARGET_DIR` says:
/// goldens, images and disks are found again by the next task.
pub fn target(below: impl AsRef<Path>) -> PathBuf {
    root().join("target").join(below)
}

/// The folder of the image `name`: recipe and overlay.
pub fn image(name: &str) -> PathBuf {
    root().join("images").join(name)
}

/// `path` as shown to people: relative to the workspace where it is below it.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
