//! Packs an overlay folder into a tar that mmdebstrap unpacks over the root.
//! Files and links only: a folder of the checkout must not change the mode of one of the root's.

use std::path::Path;

use anyhow::{Context as _, Result};
use walkdir::WalkDir;

use crate::run;

/// Packs `overlay` to `archive`, owned by root, readable by all, executable where it is in git.
pub(super) fn pack(overlay: &Path, archive: &Path) -> Result<()> {
    let mut names = Vec::new();
    for entry in WalkDir::new(overlay).sort_by_file_name() {
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
        .arg(overlay)
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
