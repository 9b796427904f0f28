//! What is wrong with a system at its next boot: changes below its root directory, from outside.

use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;
use jumpspec::places;
use jumpspec::plan::Plan;

/// Changes the plan of the jump system below `landing`.
pub fn plan(landing: &Path, edit: impl FnOnce(&mut Plan)) -> Result<()> {
    let path = landing.join(places::PLAN);
    let mut plan: Plan = serde_json::from_slice(&std::fs::read(&path)?)?;
    edit(&mut plan);
    Ok(std::fs::write(&path, serde_json::to_vec_pretty(&plan)?)?)
}

/// Gives the system below `root` a unit that runs `script` early in each boot, besides all else.
pub fn unit(root: &Path, script: &str) -> Result<()> {
    std::fs::write(root.join("etc/saboteur"), format!("#!/bin/sh\n{script}\n"))?;
    let name = "saboteur.service";
    let text = "[Unit]\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\n\
        [Service]\nType=exec\nExecStart=/bin/sh /etc/saboteur\n";
    std::fs::write(root.join("etc/systemd/system").join(name), text)?;
    let wants = root.join("etc/systemd/system/sysinit.target.wants");
    std::fs::create_dir_all(&wants)?;
    Ok(symlink(format!("../{name}"), wants.join(name))?)
}

/// Shell that sends a signal to the jump system's jumpinit. It starts no process: that would take so
/// long that jumpinit could be done.
pub fn signal(name: &str) -> String {
    format!(
        "for p in /proc/[0-9]*; do \
         read c 2>&- <$p/comm && [ \"$c\" = rc.local ] && kill -{name} ${{p#/proc/}}; done"
    )
}
