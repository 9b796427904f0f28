//! What a merge has to say.

use std::fmt;

/// Which of the two systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The old system.
    Old,
    /// The new system's image.
    New,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "the old system's",
            Self::New => "the image's",
        })
    }
}

/// Something that could not be carried over as it was. Never holds a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Clash {
    /// A line that asks NIS for more (nsswitch.conf(5), `compat`): `+::::::`, `+@netgroup`, `-name`.
    #[error(
        "line {line} of {side} {file} is one of NIS and was left out: the accounts that it brings \
         are known only where the new system asks NIS itself"
    )]
    Nis {
        /// Whose.
        side: Side,
        /// Which file.
        file: &'static str,
        /// Its number, from 1.
        line: usize,
    },
    /// A line that is none.
    #[error("line {line} of {side} {file} is not an entry and was left out")]
    Broken {
        /// Whose.
        side: Side,
        /// Which file.
        file: &'static str,
        /// Its number, from 1.
        line: usize,
    },
    /// A name that stands twice; the first counts.
    #[error("{name} stands more than once in {side} {file}; the first entry counts")]
    Repeated {
        /// Whose.
        side: Side,
        /// Which file.
        file: &'static str,
        /// The name.
        name: String,
    },
    /// A system account that the image does not have.
    #[error("system account {name} is not in the image and was left behind")]
    SystemAccount {
        /// The name.
        name: String,
    },
    /// A system account that owns files on kept file systems, and whose id is another's.
    #[error(
        "files of {name} on kept file systems belong to {by} now: uid {uid} is {by}'s in the image"
    )]
    OwnerTaken {
        /// The name.
        name: String,
        /// Its uid in the old system.
        uid: u32,
        /// Who has that in the image.
        by: String,
    },
    /// The same for an account that the image knows by another id.
    #[error(
        "files of {name} on kept file systems have its old uid {old}; in the image it has {new}"
    )]
    OwnerDiffers {
        /// The name.
        name: String,
        /// Uid in the old system.
        old: u32,
        /// Uid in the image.
        new: u32,
    },
    /// A system group, as [`Clash::OwnerTaken`].
    #[error(
        "files of group {name} on kept file systems belong to group {by} now: gid {gid} is {by}'s in the image"
    )]
    GroupOwnerTaken {
        /// The name.
        name: String,
        /// Its gid in the old system.
        gid: u32,
        /// Who has that in the image.
        by: String,
    },
    /// A system group, as [`Clash::OwnerDiffers`].
    #[error(
        "files of group {name} on kept file systems have its old gid {old}; in the image it has {new}"
    )]
    GroupOwnerDiffers {
        /// The name.
        name: String,
        /// Gid in the old system.
        old: u32,
        /// Gid in the image.
        new: u32,
    },
    /// A login shell that the image does not have.
    #[error("account {name} has the shell {fallback} now: the image has no {shell}")]
    Shell {
        /// The account.
        name: String,
        /// The shell it had.
        shell: String,
        /// The shell it has.
        fallback: &'static str,
    },
    /// A person has the name of one of the image's system accounts, whose files need it.
    #[error("account {name} was left behind: the image has a system account of that name")]
    NameOfSystem {
        /// The name.
        name: String,
    },
    /// The same person with two ids; the old one counts.
    #[error("account {name} keeps uid {old}; in the image it had {new}")]
    UidDiffers {
        /// The name.
        name: String,
        /// Uid in the old system.
        old: u32,
        /// Uid in the image.
        new: u32,
    },
    /// Two people with one id; the image's goes, for it would own the other's files.
    #[error("account {dropped} of the image was removed: uid {uid} belongs to {name}")]
    UidTaken {
        /// The uid.
        uid: u32,
        /// Who keeps it.
        name: String,
        /// Who goes.
        dropped: String,
    },
    /// No password could be found; the account is locked.
    #[error("account {name} had no password entry and is locked")]
    Locked {
        /// The name.
        name: String,
    },
    /// The old system's root has no password entry.
    #[error("the old system has no password entry for root; the image's stays")]
    RootUnknown,
    /// A group of people has the name of one of the image's system groups.
    #[error("group {name} has gid {new} now instead of {old}: it is a system group of the image")]
    GroupOfSystem {
        /// The name.
        name: String,
        /// Gid in the old system.
        old: u32,
        /// Gid in the image.
        new: u32,
    },
    /// The same group of people with two ids; the old one counts.
    #[error("group {name} keeps gid {old}; in the image it had {new}")]
    GidDiffers {
        /// The name.
        name: String,
        /// Gid in the old system.
        old: u32,
        /// Gid in the image.
        new: u32,
    },
    /// Two groups with one id. The image's is moved, unless a system account has it as
    /// its primary group: then the old system's is.
    #[error("group {moved} has gid {to} now: {gid} belongs to group {stays}")]
    GidTaken {
        /// The gid.
        gid: u32,
        /// Who keeps it.
        stays: String,
        /// Who is moved.
        moved: String,
        /// Where to.
        to: u32,
    },
    /// An account's primary group is a system group that the image does not have.
    #[error("account {name} has the primary gid {to} now: the new system lacks its group {gid}")]
    PrimaryGroup {
        /// The account.
        name: String,
        /// The old gid.
        gid: u32,
        /// The new gid.
        to: u32,
    },
    /// A group that the new system does not have.
    #[error("account {name} is no longer in group {group}: the new system has no such group")]
    Membership {
        /// The account.
        name: String,
        /// The group.
        group: String,
    },
}
