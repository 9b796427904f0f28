//! Packs an overlay folder into a tar that mmdebstrap unpacks over the root.
//! Files and links only: a folder of the checkout must not change the mode of one of the root's.

use std::path::Path;

use anyhow::{Context as _, Result};
use walkdir::WalkDir;

use crate::run;

/// Packs `overlay` to `archive`, owned by root, readable by all, executable where it is in git.
/// Where there is no such folder, the archive is empty.
pub(super) fn pack(overlay: &Path, archive: &Path) -> Result<()> {
    let mut names = Vec::new();
    let folder = overlay.exists().then_some(overlay);
    let entries = folder.map(|folder| WalkDir::new(folder).sort_by_file_name());
    for entry in entries.into_iter().flatten() {
        let entry = entry.with_context(|| format!("cannot read {}", overlay.display()))?;
        if !entry.file_type().is_dir() {
            let name = entry.path().strip_prefix(overlay)?;
            names.push(
                name.to_str()
                    .context("an overlay's names are UTF-8")?
                    .to_owned(),
            );
        }
    }
    let mut tar = run::command("tar", ["--create", "--file"]);
    tar.arg(archive)
        .arg("--directory")
        .arg(folder.unwrap_or(Path::new("/")))
        .args([
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--mode=u=rwX,go=rX",
        ])
        .args(["--null", "--files-from=-"]);
    run::feed(&mut tar, names.join("\0").as_bytes())?;
    Ok(())
}
