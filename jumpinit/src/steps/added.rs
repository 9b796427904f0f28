//! What hooks have added to what is saved: they write it below a directory that is theirs, from there
//! it is sealed beside the saved files, and it is put back after them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use jumparchive::{Decision, Existing, Image, Node, PackOptions, Packer, Tree, UnpackOptions};
use jumpspec::hook::MOST_ADDED;
use jumpspec::image::obstacle::parent;
use jumpspec::places;
use jumpspec::run::bundle;
use jumpspec::step::Step;
use jumpspec::words::size::Size;
use jumpsys::files::root::{Owner, Root};
use jumpsys::files::usage::usage;

use crate::run::context::Context;
use crate::steps::accounts::{ACCOUNTS, SUBIDS};
use crate::steps::seal::{self, Sealing};

/// The directory that hooks write to.
pub(crate) fn directory(cx: &Context) -> Result<PathBuf> {
    Ok(cx.work()?.join(bundle::ADDED_DIRECTORY))
}

/// Begins with nothing: what hooks have added to an earlier save goes.
pub(crate) fn begin(cx: &Context) -> Result<()> {
    let directory = directory(cx)?;
    match std::fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            bail!("cannot empty {}: {error}", directory.display())
        }
        _ => {}
    }
    let name = bundle::ADDED_DIRECTORY;
    Ok(Root::open(cx.work()?)?.create_dir_all(name, Owner::root(0o700))?)
}

/// Seals what is there.
pub(crate) fn save(cx: &mut Context) -> Result<()> {
    let directory = directory(cx)?;
    ensure_within_bounds(&directory)?;
    let tree = Tree::open(&directory).with_context(|| directory.display().to_string())?;
    let sealing = Sealing::beside(cx, places::ADDED)?;
    let packer = Packer::new(sealing.clone(), &PackOptions::default())?;
    // Directories are the new system's own.
    let filter = |node: &Node| {
        if node.is_directory() {
            Decision::Pass
        } else {
            Decision::Store
        }
    };
    packer
        .pack(&tree, &filter, None, &|_| ())
        .context("cannot save what hooks have added")?;
    sealing.finish()
}

/// Hooks may add so much: what they have added is unpacked where no plan has counted it.
fn ensure_within_bounds(directory: &Path) -> Result<()> {
    let (there, most) = (Size(usage(directory)?.bytes), Size(MOST_ADDED));
    ensure!(
        there <= most,
        "hooks have added {there}; {most} are the most"
    );
    Ok(())
}

/// Puts it back, where the plan has hooks that may have added something: accounts are merged and not
/// taken from it.
pub(crate) fn restore(cx: &mut Context, root: &Root) -> Result<()> {
    if !cx.plan.steps.old.contains(&Step::SaveAdded) {
        return Ok(());
    }
    if !cx.on_landing(places::ADDED).exists() {
        // A run that goes on with another job was staged by one that had no such hooks.
        cx.reporter
            .note("hooks at the joint saved did not run when the run was staged: nothing of theirs is put back");
        return Ok(());
    }
    let image = seal::open(cx, places::ADDED)?;
    let (paths, homeless) = make_room(&image, root)?;
    for path in &homeless {
        let path = String::from_utf8_lossy(path);
        cx.reporter.note(format!(
            "/{path}, which a hook has added, is not put back: it has no directory"
        ));
    }
    let options = UnpackOptions {
        existing: Existing::Replace,
        select: &|path| paths.contains(path),
        ..UnpackOptions::default()
    };
    jumparchive::unpack(&image, root.as_fd(), &options)
        .context("cannot put back what hooks have added")
        .map_err(|error| crate::steps::replace::explain_full(cx, error))?;
    Ok(())
}

type Paths = BTreeSet<Vec<u8>>;

/// Makes the directories that the added files lie in; which can be put back, and which have none.
fn make_room(image: &Image, root: &Root) -> Result<(Paths, Paths)> {
    let (mut paths, mut homeless) = (Paths::new(), Paths::new());
    for entry in image.entries()? {
        let path = entry?.path;
        let is_account = |account: &&str| account.as_bytes() == path;
        if path.is_empty() || ACCOUNTS.iter().chain(&SUBIDS).any(is_account) {
            continue;
        }
        let has_home = std::str::from_utf8(&path).is_ok_and(|path| {
            let directory = parent(path);
            root.create_dir_all(directory, Owner::root(0o755)).is_ok()
        });
        if has_home { &mut paths } else { &mut homeless }.insert(path);
    }
    Ok((paths, homeless))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn hooks_add_so_much_and_not_a_byte_more() {
        let scratch = tempfile::tempdir().unwrap();
        let below = scratch.path().join("etc/site");
        std::fs::create_dir_all(&below).unwrap();
        // Holes count: they are bytes of the archive that is made.
        let file = File::create(below.join("large")).unwrap();
        file.set_len(MOST_ADDED).unwrap();
        ensure_within_bounds(scratch.path()).unwrap();
        std::fs::write(below.join("small"), "x").unwrap();
        let error = ensure_within_bounds(scratch.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "hooks have added 32.0 MiB; 32.0 MiB are the most"
        );
    }
}
