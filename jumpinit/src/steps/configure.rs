//! Makes the unpacked jump system this node's: its name, network, keys, plan.

use anyhow::Result;
use jumpspec::node::network::NetworkFile;
use jumpspec::places;
use jumpspec::run::bundle::Bundle;
use jumpsys::files::root::{Owner, Root};

use crate::node::bundle;
use crate::run::context::Context;

const VIGIL: &str = "etc/systemd/system/jump-vigil.service";
const VIGIL_WANTS: &str = "etc/systemd/system/sysinit.target.wants/jump-vigil.service";
/// Needs nothing, and outlives what an emergency stops.
const VIGIL_UNIT: &str = "\
[Unit]
Description=Go back to the old system if the jump system never begins
DefaultDependencies=no
IgnoreOnIsolate=yes

[Service]
Type=exec
ExecStart=/etc/rc.local vigil
";

/// Everything the jump system needs to run on this node, unattended.
pub(crate) fn jump_system(cx: &mut Context) -> Result<()> {
    let bundle = bundle::read(cx.work()?)?;
    let root = cx.landing_root()?;
    let plan = &cx.plan;
    root.write(
        "etc/hostname",
        format!("{}\n", plan.hostname).as_bytes(),
        Owner::root(0o644),
    )?;
    let fstab = if plan.landing.is_in_memory() {
        String::new()
    } else {
        format!("UUID={} / ext4 defaults 0 1\n", plan.landing.fs_uuid)
    };
    root.write("etc/fstab", fstab.as_bytes(), Owner::root(0o644))?;
    if let Some(planned) = &plan.network {
        write_network(&root, &planned.jump_files)?;
    }
    root.write(
        "etc/ssh/ssh_host_ed25519_key",
        bundle.host_key.as_bytes(),
        Owner::root(0o600),
    )?;
    root.write(
        "etc/ssh/ssh_host_ed25519_key.pub",
        format!("{}\n", bundle.host_key_public).as_bytes(),
        Owner::root(0o644),
    )?;
    let port = format!(
        "Port {}\nPermitRootLogin prohibit-password\n",
        plan.ssh_port
    );
    root.write(
        "etc/ssh/sshd_config.d/jump.conf",
        port.as_bytes(),
        Owner::root(0o644),
    )?;
    let mut keys = crate::node::facts::authorized_keys(&Root::open(std::path::Path::new("/"))?)?;
    keys.extend(bundle.authorized_keys.iter().cloned());
    keys.dedup();
    root.create_dir_all("root/.ssh", Owner::root(0o700))?;
    root.write(
        "root/.ssh/authorized_keys",
        format!("{}\n", keys.join("\n")).as_bytes(),
        Owner::root(0o600),
    )?;
    root.create_dir_all(places::HOOKS, Owner::root(0o700))?;
    write_hooks(&root, &bundle)?;
    write_origin(&root, &bundle)?;
    let motd = format!(
        "Jump system of {} (run {}). Log: /{}\n",
        plan.hostname,
        plan.run,
        places::EVENTS
    );
    root.write("etc/motd", motd.as_bytes(), Owner::root(0o644))?;
    crate::steps::first_boot::switch_off(&root, &plan.switches.jump)?;
    install_vigil(&root)
}

/// Has the jump system watched over from early on.
fn install_vigil(root: &Root) -> Result<()> {
    root.write(VIGIL, VIGIL_UNIT.as_bytes(), Owner::root(0o644))?;
    root.symlink(VIGIL_WANTS, &format!("/{VIGIL}"))?;
    Ok(())
}

/// Writes the admin's hooks to the landing file system.
pub(crate) fn write_hooks(root: &Root, bundle: &Bundle) -> Result<()> {
    for hook in bundle.plan.steps.hooks() {
        let script = bundle.hooks.get(&hook.number).map(String::as_bytes);
        root.write(
            &format!("{}/{}", places::HOOKS, hook.file_name()),
            script.unwrap_or_default(),
            Owner::root(0o700),
        )?;
    }
    Ok(())
}

/// Writes who began the run and what its plan follows from, for admin hosts that come later.
pub(crate) fn write_origin(root: &Root, bundle: &Bundle) -> Result<()> {
    root.write(
        places::ORIGIN,
        format!("{}\n", bundle.origin).as_bytes(),
        Owner::root(0o600),
    )?;
    root.write(
        places::FACTS,
        &serde_json::to_vec(&bundle.facts)?,
        Owner::root(0o600),
    )?;
    Ok(())
}

/// Writes planned network settings.
pub(crate) fn write_network(root: &Root, files: &[NetworkFile]) -> Result<()> {
    for file in files {
        let path = file.path.as_str();
        let existing = root.read_text(path)?.unwrap_or_default();
        let text = file.merged(&existing);
        root.write(path, text.as_bytes(), Owner::root(file.mode))?;
    }
    Ok(())
}
