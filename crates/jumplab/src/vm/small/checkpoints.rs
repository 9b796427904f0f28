//! Makes the small world's checkpoints: an installer's disk, and the same after a push has armed it.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::roots::Roots;
use super::{Checkpoint, SmallWorld};
use crate::vm::{Identity, Network, Role, Table, Uml, install};
use crate::{cache, run, workspace};

/// From a start to SSH, and from the push to the guest's end.
const LIMIT: Duration = Duration::from_mins(5);

/// What the checkpoints are made from.
pub(super) fn digest(roots: &Roots, identity: &Identity) -> Result<String> {
    let mut digest = cache::Digest::new("small world 1");
    digest.text(include_str!("../install.rs"));
    digest.text(include_str!("../files.rs"));
    digest.text(include_str!("../content.rs"));
    digest.text(include_str!("../../journey/small-job.toml"));
    for part in &roots.digests {
        digest.text(part);
    }
    digest.text(&identity.known_hosts()?);
    digest.text(&identity.admin_public_key()?);
    digest.text(&Table::Small.sfdisk());
    for program in [crate::dist::built().jumpimg, crate::dist::built().jumpinit] {
        digest.file(&program)?;
    }
    Ok(digest.finish())
}

/// Makes both, unless they are there.
pub(super) fn make(world: &SmallWorld, roots: &Roots) -> Result<()> {
    let stamp = world.beside("stamp");
    if cache::is_current(&stamp, &world.digest) {
        return Ok(());
    }
    let started = Instant::now();
    eprintln!("vm: making the small world");
    cache::forget(&stamp)?;
    for checkpoint in [Checkpoint::Fresh, Checkpoint::Armed] {
        let folder = world.beside(checkpoint.name());
        super::scratch::remove(&folder)?;
        std::fs::create_dir_all(&folder)?;
    }
    let fresh = world.beside(Checkpoint::Fresh.name()).join("disk.img");
    install::install(&roots.old, Table::Small, &world.identity, &fresh)?;
    arm(world)?;
    cache::remember(&stamp, &world.digest)?;
    let (folder, seconds) = (workspace::shown(&world.folder), started.elapsed().as_secs());
    eprintln!("vm: {folder} in {seconds} s");
    Ok(())
}

/// A push to the fresh node, up to its reboot.
fn arm(world: &SmallWorld) -> Result<()> {
    let name = format!("arm-{}", std::process::id());
    let node = world.copy(&name, Checkpoint::Fresh)?;
    let network = Network::make(&name)?;
    let mut old = Uml::start(&node.node, &network, Role::Root)?;
    old.wait_for_ssh(LIMIT)?;
    let log = node.node.folder.join("push.log");
    let push = network.inside(&node.job.push(old.ssh_config(), &["--yes"]));
    let push = Push::start(push, &log)?;
    let ended = old.wait_for_end(LIMIT);
    push.end()?;
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    ended.with_context(|| format!("the push said:\n{}\n", said()))?;
    network.remove()?;
    node.plan().with_context(said)?;
    node.keep(&world.beside(Checkpoint::Armed.name()))
}

/// `jumpimg push` at work; it ends with this value.
#[derive(Debug)]
pub struct Push(Child);

impl Push {
    /// Starts `command` with its output in `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let started = command.spawn();
        Ok(Self(started.with_context(|| {
            format!("cannot start {}", run::line(&command))
        })?))
    }

    /// The admin's host goes away.
    pub fn end(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }
}
