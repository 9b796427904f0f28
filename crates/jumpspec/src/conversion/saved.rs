//! `FILES2SAVE`: what was carried over, as the job says it.

use super::entry::{Fate, Verdict};
use crate::words::relpath::RelPath;

/// What is carried over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Saved {
    /// Files and directories, in the order of the script.
    pub(super) paths: Vec<RelPath>,
    /// Whether accounts are.
    pub(super) accounts: bool,
    /// What is to be said of single paths, besides those that are just saved.
    pub(super) notes: Vec<(String, Verdict)>,
}

/// Files of accounts, which are merged: an image has system accounts of its own.
const ACCOUNTS: [&str; 6] = [
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
];
/// Where network settings stand that are read on the node and written anew for the new system.
const NETWORK: [&str; 7] = [
    "/etc/network",
    "/etc/network/interfaces",
    "/etc/resolv.conf",
    "/etc/netplan",
    "/etc/systemd/network",
    "/etc/sysconfig/network-scripts",
    "/etc/NetworkManager/system-connections",
];

impl Saved {
    /// Takes the words of a value.
    pub(super) fn take(&mut self, value: &str) {
        for path in value.split_whitespace() {
            if let Some(verdict) = self.path(path.trim_end_matches('/')) {
                self.notes.push((path.to_owned(), verdict));
            }
        }
    }

    fn path(&mut self, path: &str) -> Option<Verdict> {
        if ACCOUNTS.contains(&path) {
            self.accounts = true;
            return Some(Verdict::new(
                Fate::Job("[save] accounts"),
                "human accounts and root's password are merged into the image's files; system accounts stay the image's",
            ));
        }
        if NETWORK.contains(&path) {
            return Some(Verdict::new(
                Fate::Job("[save] network"),
                "addresses, routes and name servers are read on the node and written as the new system's network software wants them, so the file is not copied",
            ));
        }
        if path == "/etc/fstab" {
            return Some(Verdict::new(
                Fate::Job("[layout]"),
                "the new system's fstab is written from the layout, the old file's options, and what it mounts from elsewhere, so the file is not copied",
            ));
        }
        if path.contains(['*', '?', '[', '$', '`', '~']) {
            return Some(Verdict::person(
                format!("{path} is a pattern or a variable, and [save] takes names"),
                "name the files, or a directory above them, in [save] paths",
            ));
        }
        match path.parse::<RelPath>() {
            Ok(path) if !self.paths.contains(&path) => self.paths.push(path),
            Ok(_) => {}
            Err(_) => {
                return Some(Verdict::person(
                    format!("{path} does not name a file below /"),
                    "name it by its whole path in [save] paths",
                ));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_saved_merged_rendered_or_handed_to_a_person() {
        let mut saved = Saved::default();
        saved.take("/etc/fstab /etc/hosts /root/ /etc/passwd /etc/resolv.conf /etc/ssl/*.pem /etc/../x /etc/hosts");
        let paths: Vec<_> = saved.paths.iter().map(RelPath::as_str).collect();
        assert_eq!(paths, ["etc/hosts", "root"]);
        assert!(saved.accounts);
        let fates: Vec<_> = saved
            .notes
            .iter()
            .map(|(path, verdict)| (path.as_str(), verdict.fate.clone()))
            .collect();
        assert_eq!(
            fates,
            [
                ("/etc/fstab", Fate::Job("[layout]")),
                ("/etc/passwd", Fate::Job("[save] accounts")),
                ("/etc/resolv.conf", Fate::Job("[save] network")),
                ("/etc/ssl/*.pem", Fate::Person),
                ("/etc/../x", Fate::Person),
            ]
        );
    }
}
