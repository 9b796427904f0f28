//! System accounts and groups that own files on kept file systems: left behind, their files would
//! be those of whoever has their ids in the new system.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::files::Tables;
use super::record::{Group, Passwd};
use super::{AccountFiles, Clash, ROOT, Side, is_human};

/// Names of the system accounts and groups that own files which stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owners {
    /// Accounts.
    pub users: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
}

/// The system accounts and groups of `old` among these ids, with the accounts' primary groups.
pub fn owners(old: &AccountFiles, uids: &[u32], gids: &[u32]) -> Owners {
    let old = Tables::parse(old, Side::Old, &mut Vec::new());
    let [uids, gids] = [uids, gids].map(|ids| ids.iter().copied().collect::<HashSet<u32>>());
    let users = old.passwd.iter().filter(|user| {
        user.name != ROOT && user.uid != 0 && !is_human(user.uid) && uids.contains(&user.uid)
    });
    let users: Vec<&Passwd> = users.collect();
    let primary: HashSet<u32> = users.iter().map(|user| user.gid).collect();
    let needed = |group: &&Group| gids.contains(&group.gid) || primary.contains(&group.gid);
    let system = old
        .groups
        .iter()
        .filter(|group| group.gid != 0 && !is_human(group.gid));
    Owners {
        groups: system
            .filter(needed)
            .map(|group| group.name.clone())
            .collect(),
        users: users.iter().map(|user| user.name.clone()).collect(),
    }
}

/// The ids among `uids` that are nobody's in `old` and somebody's in `new`, with the new owner: the
/// files will be that one's.
pub fn heirs(old: &AccountFiles, new: &AccountFiles, uids: &[u32]) -> Vec<(u32, String)> {
    let [old, new] = [(old, Side::Old), (new, Side::New)]
        .map(|(files, side)| Tables::parse(files, side, &mut Vec::new()));
    let uids: HashSet<u32> = uids.iter().copied().collect();
    let inherits = |user: &&Passwd| {
        user.uid != 0 && uids.contains(&user.uid) && old.user_of(user.uid).is_none()
    };
    let heirs = new.passwd.iter().filter(inherits);
    heirs.map(|user| (user.uid, user.name.clone())).collect()
}

/// The accounts of `old`, people's too, that own files among `uids`.
pub fn all_owners(old: &AccountFiles, uids: &[u32]) -> Vec<String> {
    let old = Tables::parse(old, Side::Old, &mut Vec::new());
    let uids: HashSet<u32> = uids.iter().copied().collect();
    let owns = |user: &&Passwd| user.uid != 0 && uids.contains(&user.uid);
    let names = old.passwd.iter().filter(owns);
    names.map(|user| user.name.clone()).collect()
}

/// Whether a system account of the old system comes along for the sake of its files; else what
/// becomes of them is told.
pub(super) fn comes(
    user: &Passwd,
    new: &Tables,
    owners: &Owners,
    clashes: &mut Vec<Clash>,
) -> bool {
    if !owners.users.contains(&user.name) {
        return false;
    }
    let (name, uid) = (user.name.clone(), user.uid);
    match (new.user(&name), new.user_of(uid)) {
        (Some(other), _) if other.uid == uid => {}
        (Some(other), _) => clashes.push(Clash::OwnerDiffers {
            name,
            old: uid,
            new: other.uid,
        }),
        (None, Some(other)) => clashes.push(Clash::OwnerTaken {
            name,
            uid,
            by: other.name.clone(),
        }),
        (None, None) => return true,
    }
    false
}

/// The same for a group.
pub(super) fn group_comes(
    group: &Group,
    new: &Tables,
    owners: &Owners,
    clashes: &mut Vec<Clash>,
) -> bool {
    if !owners.groups.contains(&group.name) {
        return false;
    }
    let (name, gid) = (group.name.clone(), group.gid);
    match (new.group(&name), new.group_of(gid)) {
        (Some(other), _) if other.gid == gid => {}
        (Some(other), _) => clashes.push(Clash::GroupOwnerDiffers {
            name,
            old: gid,
            new: other.gid,
        }),
        (None, Some(other)) => clashes.push(Clash::GroupOwnerTaken {
            name,
            gid,
            by: other.name.clone(),
        }),
        (None, None) => return true,
    }
    false
}
