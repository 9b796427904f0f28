//! Who the victim and its admin are to SSH: keys, known_hosts and an ssh_config.
//! The keys are made once and stay below `target/vm/identity/`.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{NODE, STATIC_ADDRESS};
use crate::{run, workspace};

/// The types of host keys, as Debian's openssh-server makes them.
const HOST_KEYS: &[&str] = &["ed25519", "ecdsa", "rsa"];

/// The keys of the victim and of its admin.
#[derive(Debug, Clone)]
pub struct Identity {
    folder: PathBuf,
}

impl Identity {
    /// Makes the keys where they are missing.
    pub fn prepare() -> Result<Self> {
        let identity = Self {
            folder: workspace::target("vm").join("identity"),
        };
        std::fs::create_dir_all(&identity.folder)?;
        // One at a time: machines of several kinds are made at once.
        let lock = File::create(identity.folder.join("lock"))?;
        lock.lock()?;
        make_key(&identity.admin_key(), "ed25519", "admin of the demo")?;
        for kind in HOST_KEYS {
            make_key(&identity.host_key(kind), kind, &format!("root@{NODE}"))?;
        }
        Ok(identity)
    }

    /// The admin's private key; root of the victim lets it in.
    fn admin_key(&self) -> PathBuf {
        self.folder.join("id_ed25519")
    }

    /// The admin's public key, a line.
    pub fn admin_public_key(&self) -> Result<String> {
        read(&self.admin_key().with_extension("pub"))
    }

    /// The victim's private host keys; a `.pub` is beside each.
    pub fn host_keys(&self) -> Vec<PathBuf> {
        HOST_KEYS.iter().map(|kind| self.host_key(kind)).collect()
    }

    /// The victim's line of known_hosts for each of its keys.
    pub fn known_hosts(&self) -> Result<String> {
        let mut text = String::new();
        for key in self.host_keys() {
            let public = read(&key.with_extension("pub"))?;
            let mut words = public.split_whitespace();
            let (kind, key) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            writeln!(text, "{NODE} {kind} {key}")?;
        }
        Ok(text)
    }

    /// Writes known_hosts and ssh_config to `folder` for a victim whose sshd is at `port` of
    /// `address`; returns the ssh_config. With it, `ssh -F FILE node07` trusts the victim's keys only.
    pub fn write_ssh_config(&self, folder: &Path, address: &str, port: u16) -> Result<PathBuf> {
        let way = format!("\tHostName {address}\n\tPort {port}\n");
        self.write_ways(folder, [(NODE, way)])
    }

    /// The same for victims with these names, all with the one's keys and each at its own network's address
    /// by its own `ProxyCommand`.
    pub fn write_ssh_config_of<'n>(
        &self,
        folder: &Path,
        hosts: impl IntoIterator<Item = (&'n str, String)>,
    ) -> Result<PathBuf> {
        let (address, _) = STATIC_ADDRESS
            .split_once('/')
            .unwrap_or((STATIC_ADDRESS, ""));
        let way = |(name, proxy)| {
            let way = format!("\tHostName {address}\n\tProxyCommand {proxy}\n");
            (name, way)
        };
        self.write_ways(folder, hosts.into_iter().map(way))
    }

    fn write_ways<'n>(
        &self,
        folder: &Path,
        ways: impl IntoIterator<Item = (&'n str, String)>,
    ) -> Result<PathBuf> {
        let known_hosts = folder.join("known_hosts");
        std::fs::write(&known_hosts, self.known_hosts()?)?;
        let config = folder.join("ssh_config");
        let mut text: String = ways
            .into_iter()
            .map(|(name, way)| format!("Host {name}\n{way}"))
            .collect();
        text += &format!(
            "Host *\n\
             \tUser root\n\
             \tHostKeyAlias {NODE}\n\
             \tIdentityFile {}\n\
             \tIdentitiesOnly yes\n\
             \tUserKnownHostsFile {}\n\
             \tGlobalKnownHostsFile /dev/null\n\
             \tStrictHostKeyChecking yes\n\
             \tBatchMode yes\n\
             \tConnectTimeout 15\n\
             \tServerAliveInterval 10\n\
             \tLogLevel ERROR\n",
            self.admin_key().display(),
            known_hosts.display(),
        );
        std::fs::write(&config, text)?;
        Ok(config)
    }

    fn host_key(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("ssh_host_{kind}_key"))
    }
}

fn make_key(path: &Path, kind: &str, comment: &str) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let options = ["-q", "-N", "", "-t", kind, "-C", comment, "-f"];
    run::quiet(run::command("ssh-keygen", options).arg(path))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
