//! The new system's SSH host keys: the node's own, as they were saved. A system without any
//! would run no sshd, and is never made.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use jumparchive::Image;
use jumpspec::node::sshd::{DIRECTORY, is_private_key};
use jumpspec::places::{NEW_ROOT, SSH_KEYGEN};
use jumpsys::cmd::Program;
use jumpsys::files::root::Root;

use crate::run::context::Context;

/// How long ssh-keygen may take: a slow machine looks for primes.
const LIMIT: Duration = Duration::from_mins(5);
/// What makes them at boot, in distributions that do (openssh-server of Fedora).
const AT_BOOT: [&str; 2] = [
    "usr/lib/systemd/system/sshd-keygen.target",
    "usr/lib/systemd/system/sshdgenkeys.service",
];

/// Makes sure of a host key once the saved files are back: where none was saved and the image
/// brings none, the new system's own ssh-keygen makes them. Clients will notice, so it is noted.
pub(crate) fn ensure(cx: &mut Context, saved: &Image, root: &Root) -> Result<()> {
    if saves_a_key(saved)? {
        ensure!(has_key(root)?, "the saved host keys were not put back");
        return Ok(());
    }
    if has_key(root)? {
        cx.reporter
            .note("no SSH host key was saved: the new system has those of its image");
        return Ok(());
    }
    if AT_BOOT.iter().any(|unit| root.exists(unit)) {
        cx.reporter
            .note("no SSH host key was saved: the new system makes its own when it boots");
        return Ok(());
    }
    make(cx)?;
    ensure!(
        has_key(root)?,
        "there is no SSH host key, and ssh-keygen -A made none"
    );
    cx.reporter
        .note("no SSH host key was saved: the new system has new ones");
    Ok(())
}

/// ssh-keygen(1), `-A`: every kind of host key that is missing.
fn make(cx: &Context) -> Result<()> {
    let mounts = crate::run::new_root::enter(cx)?;
    Program::new(Path::new("/").join(SSH_KEYGEN))
        .arg("-A")
        .in_root(Some(&cx.on_landing(NEW_ROOT)))
        .timeout(cx.at_most(LIMIT))
        .run()?;
    crate::run::new_root::leave(mounts)
}

fn saves_a_key(saved: &Image) -> Result<bool> {
    for entry in saved.entries()? {
        let path = entry?.path;
        let path = String::from_utf8_lossy(&path);
        let name = path
            .strip_prefix(DIRECTORY)
            .and_then(|name| name.strip_prefix('/'));
        if name.is_some_and(is_private_key) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_key(root: &Root) -> Result<bool> {
    let names = root.list(DIRECTORY)?;
    Ok(names.iter().any(|name| is_private_key(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_with_public_keys_only_has_none() {
        let scratch = tempfile::tempdir().unwrap();
        let root = Root::open(scratch.path()).unwrap();
        assert!(!has_key(&root).unwrap());
        std::fs::create_dir_all(scratch.path().join(DIRECTORY)).unwrap();
        let put = |name: &str| std::fs::write(scratch.path().join(DIRECTORY).join(name), "");
        put("ssh_host_ed25519_key.pub").unwrap();
        assert!(!has_key(&root).unwrap());
        put("ssh_host_ed25519_key").unwrap();
        assert!(has_key(&root).unwrap());
    }
}
