//! Who the node is: written down in jump once all of it is in place, and held against the new
//! system when that runs. Whatever changes it in between, at the first boot, has made another
//! node. Only looks, but for the record.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use jumpspec::node::identity::{HostKey, Identity, key_lines, parse_machine_id};
use jumpspec::places;
use jumpspec::run::failure::Code;
use jumpsys::files::root::{Owner, Root};
use jumpsys::kernel::system;

use crate::node::cause::Cause;
use crate::node::host_keys;
use crate::run::context::Context;

/// A daemon that is just started again, or a name that is just being set, may take this long to be
/// what it was.
const GRACE: Duration = Duration::from_secs(15);
/// Where sshd keeps its keys.
const KEYS: &str = "etc/ssh";
/// Who may log in as root.
const AUTHORIZED_KEYS: &str = "root/.ssh/authorized_keys";
const MACHINE_ID: &str = "etc/machine-id";

/// Writes down who the new system below `root` has to be.
pub(crate) fn record(cx: &Context, root: &Root) -> Result<()> {
    let promised = promised(root, &cx.plan.host_keys)?;
    root.write(
        places::NEW_IDENTITY,
        &serde_json::to_vec_pretty(&promised)?,
        Owner::root(0o600),
    )?;
    Ok(())
}

/// What the files below `root` say; `known` are the host keys that the node had.
fn promised(root: &Root, known: &[HostKey]) -> Result<Identity> {
    let hostname = root.read_text("etc/hostname")?.unwrap_or_default();
    let mut host_keys = known.to_vec();
    host_keys.extend(public_keys(root)?);
    host_keys.sort();
    host_keys.dedup();
    Ok(Identity {
        hostname: hostname.trim().to_owned(),
        host_keys,
        ..logins_and_machine(root)?
    })
}

/// The public parts that lie beside the host keys.
fn public_keys(root: &Root) -> Result<Vec<HostKey>> {
    let mut keys = Vec::new();
    for name in root.list(KEYS)? {
        if name.starts_with("ssh_host_") && name.ends_with("_key.pub") {
            let text = root.read_text(&format!("{KEYS}/{name}"))?;
            keys.extend(HostKey::parse(&text.unwrap_or_default()));
        }
    }
    Ok(keys)
}

fn logins_and_machine(root: &Root) -> Result<Identity> {
    let text = |path| -> Result<String> { Ok(root.read_text(path)?.unwrap_or_default()) };
    Ok(Identity {
        authorized_keys: key_lines(&text(AUTHORIZED_KEYS)?),
        machine_id: parse_machine_id(&text(MACHINE_ID)?),
        ..Identity::default()
    })
}

/// The running system is the node that was promised.
pub(crate) fn check(cx: &mut Context, limit: Duration) -> Result<()> {
    let root = Root::open(Path::new("/"))?;
    let promised = root
        .read(places::NEW_IDENTITY)?
        .context("there is no record of who the node has to be")?;
    let promised: Identity = serde_json::from_slice(&promised)
        .context("the record of who the node has to be cannot be read")?;
    let port = cx.plan.ssh_port;
    let differs_since = Cell::new(None);
    crate::steps::reachable::wait_until(Code::IdentityChanged, limit, || {
        let now = match now(&root, port) {
            Ok(now) => now,
            // On a busy node it may be slow to answer, which makes it no other one.
            Err(error) => return Ok(Some(format!("{error:#}"))),
        };
        let Some(difference) = promised.difference(&now) else {
            return Ok(None);
        };
        let since = differs_since.get().unwrap_or_else(Instant::now);
        differs_since.set(Some(since));
        let reason = format!("it is another node: {difference}");
        ensure!(
            since.elapsed() < GRACE,
            Cause::new(Code::IdentityChanged, reason)
        );
        Ok(Some(reason))
    })?;
    let gained = promised.gained_logins(&now(&root, port)?);
    if gained > 0 {
        cx.reporter.note(format!(
            "{gained} keys may log in as root that were not carried over"
        ));
    }
    Ok(())
}

/// Who the running system is.
fn now(root: &Root, port: u16) -> Result<Identity> {
    Ok(Identity {
        hostname: system::hostname()?,
        host_keys: host_keys::shown(port).context("sshd does not show its host keys")?,
        ..logins_and_machine(root)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promised_is_what_lies_in_the_new_root() {
        let scratch = tempfile::tempdir().unwrap();
        let root = Root::open(scratch.path()).unwrap();
        let put = |path: &str, text: &str| {
            root.write(path, text.as_bytes(), Owner::root(0o600))
                .unwrap();
        };
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAIJgZL2OHN7UN1CLuNgbYA9DgXtPZaCDOK4FcrTaWb/nh";
        put("etc/hostname", "node07\n");
        put("etc/ssh/ssh_host_ed25519_key", "secret");
        put(
            "etc/ssh/ssh_host_ed25519_key.pub",
            &format!("ssh-ed25519 {blob} x\n"),
        );
        put("etc/ssh/ssh_host_rsa_key.pub", "garbage\n");
        put("root/.ssh/authorized_keys", "# mine\nssh-ed25519 AAAA me\n");
        put("etc/machine-id", "");
        let known = HostKey {
            kind: "ssh-rsa".to_owned(),
            fingerprint: "SHA256:known".to_owned(),
        };
        let promised = promised(&root, std::slice::from_ref(&known)).unwrap();
        assert_eq!(promised.hostname, "node07");
        let kinds: Vec<&str> = promised
            .host_keys
            .iter()
            .map(|key| key.kind.as_str())
            .collect();
        assert_eq!(kinds, ["ssh-ed25519", "ssh-rsa"]);
        assert_eq!(promised.host_keys[1], known);
        assert_eq!(promised.authorized_keys.len(), 1);
        assert_eq!(promised.machine_id, None);
    }
}
