//! SELinux's labels in the new root, by the image's own policy and program: what was restored,
//! rendered or renamed there has none, or another system's.

use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::node::selinux::file_contexts;
use jumpspec::places;
use jumpsys::cmd::Program;

use crate::run::context::Context;
use crate::run::new_root;

/// How long setfiles may take: it looks at every file, some 10,000 in a second.
const LIMIT: Duration = Duration::from_mins(30);
/// A program whose label is that of programs: our own lies where libraries are, and systemd would
/// not start it there.
const PROGRAM: &str = "usr/bin/env";

/// Labels the whole of it. setfiles(8): it leaves no file system by itself, so that each is named;
/// with `-m` it does not ask which of them the running kernel labels, for the jump system's labels
/// none. It needs `/proc`, by which it sets attributes of open files (tried: version 3.4).
pub(crate) fn label_root(cx: &mut Context, policy: &str) -> Result<()> {
    let root = new_root::open(cx)?;
    let made = cx.plan.filesystems.iter().filter(|made| !made.kept);
    let paths: Vec<&str> = made.map(|made| made.mount.as_str()).collect();
    let mounts = crate::run::new_root::enter(cx)?;
    Program::new("/usr/sbin/setfiles")
        .arg("-m")
        .arg(format!("/{}", file_contexts(policy)))
        .args(paths)
        .in_root(Some(&cx.on_landing(places::NEW_ROOT)))
        .timeout(cx.at_most(LIMIT))
        .run()
        .context("the new system's files cannot be labelled")?;
    crate::run::new_root::leave(mounts)?;
    let label = root.label(PROGRAM)?;
    let label = label.with_context(|| format!("setfiles has given /{PROGRAM} no label"))?;
    root.set_label(places::NEW_PROGRAM, &label)?;
    Ok(())
}
