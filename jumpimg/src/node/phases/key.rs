//! The jump system's own host key, made for one run by the system's ssh-keygen. The
//! private part goes to the node and is kept nowhere else.

use std::fs;

use anyhow::{Context as _, Result};
use jumpspec::node::public_key::PublicKey;
use jumpspec::words::run_id::RunId;
use jumpsys::cmd::Program;

/// An OpenSSH key pair. Not printable: one part is secret.
pub(crate) struct KeyPair {
    pub(crate) private: String,
    pub(crate) public: PublicKey,
}

/// Makes a key pair for `run`.
pub(crate) fn make(run: &RunId) -> Result<KeyPair> {
    // Mode 0700, and gone with all in it at the end of this function.
    let directory = tempfile::Builder::new()
        .prefix("jump-key-")
        .tempdir()
        .context("cannot make a directory for the host key")?;
    let file = directory.path().join("key");
    let comment = format!("jump-{run}");
    Program::new("ssh-keygen")
        .inherit_env()
        .args(["-q", "-t", "ed25519", "-N", "", "-C", &comment, "-f"])
        .arg(&file)
        .run()
        .context("cannot make the jump system's host key")?;
    let read = |file| fs::read_to_string(file).context("cannot read the jump system's host key");
    Ok(KeyPair {
        private: read(file.clone())?,
        public: read(file.with_extension("pub"))?.parse()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_a_key_of_its_own() {
        let keys = [RunId::new(1), RunId::new(1)].map(|run| make(&run).unwrap());
        assert_ne!(keys[0].public, keys[1].public);
        assert!(keys[0].public.to_string().starts_with("ssh-ed25519 "));
        assert!(
            keys[0]
                .private
                .starts_with("-----BEGIN OPENSSH PRIVATE KEY-----")
        );
    }
}
