//! What an admin host has handed over to this node: the bundle of a run in its work directory,
//! and the plan.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::plan::Plan;
use jumpspec::run::bundle::{self, Bundle};
use serde::Deserialize;

/// The bundle that `jumpimg` put into the work directory.
pub(crate) fn read(work: &Path) -> Result<Bundle> {
    let path = work.join(bundle::FILE);
    let failed = || format!("cannot read {}", path.display());
    let mode = std::fs::metadata(&path).with_context(failed)?.mode();
    let of_others = mode & 0o077;
    ensure!(
        of_others == 0,
        "{} may be read by others than root (mode {:o}), and it holds a private key",
        path.display(),
        mode & 0o7777
    );
    let text = std::fs::read(&path).with_context(failed)?;
    // The cause would quote the text, and the text holds a private key.
    serde_json::from_slice(&text).map_err(|_| anyhow::anyhow!("{} is not a bundle", path.display()))
}

/// What every plan has, of whatever format.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// Reads a plan.
pub(crate) fn read_plan(path: &Path) -> Result<Plan> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let no_plan = || format!("{} is not a plan", path.display());
    // First: a plan of another format may have another shape.
    let head: Head = serde_json::from_slice(&text).with_context(no_plan)?;
    if head.format != jumpspec::image::manifest::PLAN_FORMAT {
        bail!(
            "{} has plan format {}; this program knows {}",
            path.display(),
            head.format,
            jumpspec::image::manifest::PLAN_FORMAT
        );
    }
    serde_json::from_slice(&text).with_context(no_plan)
}
