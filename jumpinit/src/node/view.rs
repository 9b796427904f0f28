//! What this program sees of the file system tree while it only looks: not the file systems of
//! elsewhere, of which one may be dead and hold up for ever who asks for a name on it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::node::remote::is_remote;
use jumpsys::files::mount;
use jumpsys::files::mountinfo::{Mount, read_mountinfo};

/// For orders that only look: hides what is mounted from elsewhere, from this process alone.
pub(crate) fn narrow() -> Result<()> {
    without_remote(&read_mountinfo()?);
    Ok(())
}

/// Hides the file systems of elsewhere among `mounted`, and gives them. Who may not, because he is
/// not root, sees them still.
pub(crate) fn without_remote(mounted: &[Mount]) -> Vec<Mount> {
    let remote = mounted.iter().filter(|mount| is_remote(&mount.fstype));
    let remote: Vec<Mount> = remote.cloned().collect();
    if !remote.is_empty() {
        let points: Vec<PathBuf> = remote.iter().map(|at| at.mount_point.clone()).collect();
        if let Err(error) = mount::hide(&points) {
            eprintln!("jumpinit: {error}: {}", error.source);
        }
    }
    remote
}

/// Whether `path` is at or below one of the mount points of `mounts`.
pub(crate) fn is_on(path: &Path, mounts: &[Mount]) -> bool {
    mounts
        .iter()
        .any(|mount| path.starts_with(&mount.mount_point))
}
