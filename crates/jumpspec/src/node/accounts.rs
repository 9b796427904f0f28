//! Accounts of the new system: those of its image, with the old system's people.
//! passwd(5), shadow(5), group(5), gshadow(5).
//!
//! - System accounts and groups (ids below 1000, and `nobody`) are the image's, since
//!   its files belong to their ids; those that only the old system has stay behind, but for
//!   those that own files on kept file systems and whose ids are free.
//! - A login shell that the image does not have is replaced, by `/bin/bash` or `/bin/sh`; one that
//!   lets nobody in by another such.
//! - Human accounts of the old system come with ids, home, shell, password and ageing;
//!   under the same name or id they displace a human account of the image.
//! - Human accounts that only the image has stay.
//! - `root` is the image's, with the old system's password and ageing.
//! - Groups of 1000 and above come along; membership in the image's groups is carried
//!   by name. What an account could do it can do afterwards, and no more.
//!
//! Password hashes go from text to text and are in no message and no `Debug` output.

mod clash;
mod files;
mod groups;
mod names;
mod owners;
mod record;
mod shells;
mod subids;
mod users;

use std::fmt;

pub use clash::{Clash, Side};
pub use owners::{Owners, all_owners, heirs, owners};
pub use subids::merge_subids;

use files::Tables;
use groups::Groups;
use record::{Passwd, Record as _, table};
use users::Users;

/// The four files, as texts. A file that is not there is an empty text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AccountFiles {
    /// `/etc/passwd`.
    pub passwd: String,
    /// `/etc/shadow`.
    pub shadow: String,
    /// `/etc/group`.
    pub group: String,
    /// `/etc/gshadow`.
    pub gshadow: String,
}

impl fmt::Debug for AccountFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountFiles { .. }")
    }
}

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The new system's files.
    pub files: AccountFiles,
    /// Names of the human accounts that were carried over, in the old file's order.
    pub carried: Vec<String>,
    /// What could not be carried over as it was.
    pub clashes: Vec<Clash>,
}

/// Accounts and groups without their secrets, so that a plan can tell what a merge will do.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PublicAccounts {
    /// `/etc/passwd`, with `x` for every password.
    pub passwd: String,
    /// `/etc/group`, the same.
    pub group: String,
}

impl PublicAccounts {
    /// Takes the secrets out of the two files' texts.
    pub fn of(passwd: &str, group: &str) -> Self {
        Self {
            passwd: without_secrets(passwd),
            group: without_secrets(group),
        }
    }

    /// The files, with no shadow.
    pub fn files(&self) -> AccountFiles {
        AccountFiles {
            passwd: self.passwd.clone(),
            group: self.group.clone(),
            ..AccountFiles::default()
        }
    }
}

/// Every line with `x` for its second field.
fn without_secrets(table: &str) -> String {
    let public = |line: &str| {
        let mut fields: Vec<&str> = line.split(':').collect();
        if let Some(password) = fields.get_mut(1) {
            *password = "x";
        }
        fields.join(":")
    };
    text(table.lines().map(public))
}

/// Why accounts cannot be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// Nobody could administer such a system.
    #[error("the image's passwd has no root with uid 0")]
    NoRoot,
}

/// A human account.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Account {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Id of the primary group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Login shell; empty is `/bin/sh`. Nothing says that the new system has it.
    pub shell: String,
}

/// The human accounts of `files`, in their order; broken lines are passed over.
pub fn humans(files: &AccountFiles) -> Vec<Account> {
    let records: Vec<Passwd> = table(&files.passwd, Side::New, &mut Vec::new());
    let account = |record: Passwd| Account {
        name: record.name,
        uid: record.uid,
        gid: record.gid,
        home: record.home,
        shell: record.shell,
    };
    records
        .into_iter()
        .filter(|record| is_human(record.uid))
        .map(account)
        .collect()
}

/// What a merge depends on besides the files.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Whose files stay.
    pub owners: &'a Owners,
    /// Whether the new system has a program, by its absolute path.
    pub has_program: &'a dyn Fn(&str) -> bool,
}

impl fmt::Debug for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting")
            .field("owners", self.owners)
            .finish_non_exhaustive()
    }
}

/// Merges the old system's accounts into those of the new system's image.
pub fn merge(
    old: &AccountFiles,
    new: &AccountFiles,
    setting: Setting<'_>,
) -> Result<Merged, AccountsError> {
    let mut clashes = Vec::new();
    let old = Tables::parse(old, Side::Old, &mut clashes);
    let new = Tables::parse(new, Side::New, &mut clashes);
    if !new
        .passwd
        .iter()
        .any(|user| user.name == ROOT && user.uid == 0)
    {
        return Err(AccountsError::NoRoot);
    }
    let owners = setting.owners;
    let mut users = Users::merge(&old, &new, owners, &mut clashes);
    let groups = Groups::merge(&old, &new, owners, &mut users, &mut clashes);
    let (passwd, carried) = (&mut users.passwd, &users.carried);
    shells::settle(passwd, carried, setting.has_program, &mut clashes);
    let files = AccountFiles {
        passwd: text(users.passwd.iter().map(Passwd::line)),
        shadow: text(users.shadow.iter().map(record::Shadow::line)),
        group: text(groups.groups.iter().map(record::Group::line)),
        gshadow: text(groups.gshadow.iter().map(record::Gshadow::line)),
    };
    let carried = users.carried.into_vec();
    Ok(Merged {
        files,
        carried,
        clashes,
    })
}

const ROOT: &str = "root";

/// First id of a person or a person's group (`UID_MIN` in Debian's and Fedora's login.defs).
const FIRST_HUMAN: u32 = 1000;

/// Whether an id belongs to a person. 65534 is `nobody`; 65535 and 4294967295 are the
/// kernel's "no id" (systemd's docs/UIDS-GIDS.md).
fn is_human(id: u32) -> bool {
    id >= FIRST_HUMAN && !matches!(id, 65_534 | 65_535 | u32::MAX)
}

fn text(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests;
