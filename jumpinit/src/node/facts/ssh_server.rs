//! The SSH server's configuration, and who owns its keys and root's.

use std::path::Path;

use anyhow::Result;
use jumpspec::node::sshd::{
    ConfigFile, DIRECTORY, FileOwner, SshServer, is_private_key, named_host_keys,
};
use jumpspec::words::relpath::RelPath;
use jumpsys::files::root::Root;

/// Longer configuration files than this (bytes) and more of them are not told of: no real sshd
/// has such.
const CONFIG_CAP: u64 = 64 << 10;
const FILES_CAP: usize = 32;
/// More host keys than these are not told of.
const KEYS_CAP: usize = 32;

/// What root's login by key depends on.
const LOGIN: [&str; 3] = ["root", "root/.ssh", "root/.ssh/authorized_keys"];

/// Reads them.
pub(super) fn read(root: &Root) -> Result<SshServer> {
    let config = config(root)?;
    let mut keys = usual_keys(root)?;
    keys.extend(named_host_keys(&config));
    keys.sort();
    keys.dedup();
    keys.truncate(KEYS_CAP);
    Ok(SshServer {
        host_keys: owners(root, keys.iter().map(String::as_str))?,
        login: owners(root, LOGIN)?,
        config,
    })
}

fn config(root: &Root) -> Result<Vec<ConfigFile>> {
    let parts = format!("{DIRECTORY}/sshd_config.d");
    let names = root.list(&parts)?;
    let parts = names
        .iter()
        .filter(|name| Path::new(name).extension() == Some("conf".as_ref()))
        .map(|name| format!("{parts}/{name}"));
    let mut files = Vec::new();
    for path in std::iter::once(format!("{DIRECTORY}/sshd_config"))
        .chain(parts)
        .take(FILES_CAP)
    {
        let Some(bytes) = root.read_end(&path, CONFIG_CAP + 1)? else {
            continue;
        };
        if bytes.len() as u64 <= CONFIG_CAP {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            files.push(ConfigFile {
                path: path.parse()?,
                text,
            });
        }
    }
    Ok(files)
}

fn usual_keys(root: &Root) -> Result<Vec<String>> {
    let names = root.list(DIRECTORY)?;
    let keys = names.iter().filter(|name| is_private_key(name));
    Ok(keys.map(|name| format!("/{DIRECTORY}/{name}")).collect())
}

/// Those that are there.
fn owners<'a>(root: &Root, paths: impl IntoIterator<Item = &'a str>) -> Result<Vec<FileOwner>> {
    let mut owners = Vec::new();
    for path in paths {
        let Ok(path) = path.parse::<RelPath>() else {
            continue;
        };
        if let Some(owner) = root.owner(path.as_str())? {
            owners.push(FileOwner {
                path,
                uid: owner.uid,
                gid: owner.gid,
                mode: owner.mode,
            });
        }
    }
    Ok(owners)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn keys_are_found_by_their_names_and_by_the_configuration() {
        let scratch = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str, mode: u32| {
            let path = scratch.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        };
        put(
            "etc/ssh/sshd_config",
            "Include x\nHostKey /etc/pki/key\n",
            0o600,
        );
        put(
            "etc/ssh/sshd_config.d/50-x.conf",
            "HostKey /missing\n",
            0o600,
        );
        put("etc/ssh/ssh_host_rsa_key", "", 0o640);
        put("etc/ssh/ssh_host_rsa_key.pub", "", 0o644);
        put("etc/pki/key", "", 0o400);
        let found = read(&Root::open(scratch.path()).unwrap()).unwrap();
        let keys: Vec<_> = found
            .host_keys
            .iter()
            .map(|key| (key.path.as_str(), key.mode))
            .collect();
        assert_eq!(
            keys,
            [("etc/pki/key", 0o400), ("etc/ssh/ssh_host_rsa_key", 0o640)]
        );
        assert_eq!(found.config.len(), 2);
        assert!(found.login.is_empty());
    }

    #[test]
    fn a_system_without_a_server_has_nothing_to_tell() {
        let scratch = tempfile::tempdir().unwrap();
        let found = read(&Root::open(scratch.path()).unwrap()).unwrap();
        assert_eq!(found, SshServer::default());
    }
}
