//! Merging passwd and shadow.

use std::collections::HashSet;

use super::files::Tables;
use super::names::{Names, first_by};
use super::owners::{Owners, comes};
use super::record::{Passwd, Record as _, Shadow};
use super::{Clash, ROOT, is_human};

/// The merged accounts; primary groups are still the numbers of either side.
pub(super) struct Users {
    pub(super) passwd: Vec<Passwd>,
    pub(super) shadow: Vec<Shadow>,
    /// Accounts that came from the old system.
    pub(super) carried: Names,
    /// Human accounts of the image that had to go.
    pub(super) dropped: Names,
    names: HashSet<String>,
}

impl Users {
    pub(super) fn merge(
        old: &Tables,
        new: &Tables,
        owners: &Owners,
        clashes: &mut Vec<Clash>,
    ) -> Self {
        let coming = coming(old, new, owners, clashes);
        let mut passwd = Vec::new();
        let mut dropped = Vec::new();
        let (by_name, by_uid) = (
            first_by(&coming, |user| user.name.as_str()),
            first_by(&coming, |user| user.uid),
        );
        for user in &new.passwd {
            let at = |place: Option<&usize>| place.and_then(|place| coming.get(*place));
            let same_name = at(by_name.get(user.name.as_str()));
            let same_uid = at(by_uid.get(&user.uid));
            match (same_name, same_uid) {
                (Some(other), _) => {
                    if other.uid != user.uid {
                        let (name, old, new) = (user.name.clone(), other.uid, user.uid);
                        clashes.push(Clash::UidDiffers { name, old, new });
                    }
                    passwd.push((*other).clone());
                }
                (None, Some(other)) => {
                    let (uid, name) = (user.uid, other.name.clone());
                    clashes.push(Clash::UidTaken {
                        uid,
                        name,
                        dropped: user.name.clone(),
                    });
                    dropped.push(user.name.clone());
                }
                (None, None) => passwd.push(user.clone()),
            }
        }
        let added = coming.iter().filter(|user| new.user(&user.name).is_none());
        passwd.extend(added.map(|user| (*user).clone()));
        let carried: Names = coming.iter().map(|user| user.name.clone()).collect();
        let secret = |user: &Passwd| secret(old, new, &user.name, &carried, clashes);
        let shadow = passwd.iter().map(secret).collect();
        for user in &mut passwd {
            "x".clone_into(&mut user.password);
        }
        let names = passwd.iter().map(|user| user.name.clone()).collect();
        Self {
            passwd,
            shadow,
            carried,
            dropped: dropped.into_iter().collect(),
            names,
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(super) fn is_carried(&self, name: &str) -> bool {
        self.carried.contains(name)
    }
}

/// The old system's accounts that come along.
fn coming<'a>(
    old: &'a Tables,
    new: &Tables,
    owners: &Owners,
    clashes: &mut Vec<Clash>,
) -> Vec<&'a Passwd> {
    let mut coming = Vec::new();
    for user in &old.passwd {
        let name = || user.name.clone();
        if comes(user, new, owners, clashes) {
            coming.push(user);
            continue;
        }
        match (is_human(user.uid), new.user(&user.name)) {
            (false, None) => clashes.push(Clash::SystemAccount { name: name() }),
            (false, Some(_)) => {}
            (true, Some(other)) if !is_human(other.uid) => {
                clashes.push(Clash::NameOfSystem { name: name() });
            }
            (true, _) => coming.push(user),
        }
    }
    coming
}

fn secret(
    old: &Tables,
    new: &Tables,
    name: &str,
    carried: &Names,
    clashes: &mut Vec<Clash>,
) -> Shadow {
    let side = if carried.contains(name) || name == ROOT {
        old
    } else {
        new
    };
    let mut found = side.secret(name);
    if found.is_none() && name == ROOT {
        clashes.push(Clash::RootUnknown);
        found = new.secret(name);
    }
    let locked = || {
        clashes.push(Clash::Locked {
            name: name.to_owned(),
        });
        Shadow::locked(name)
    };
    debug_assert!(found.as_ref().is_none_or(|entry| entry.name() == name));
    found.unwrap_or_else(locked)
}
