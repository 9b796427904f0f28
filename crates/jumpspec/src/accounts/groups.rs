//! Merging group and gshadow, and moving accounts' primary groups along.

use std::collections::{BTreeMap, BTreeSet};

use super::files::Tables;
use super::owners::{Owners, group_comes};
use super::record::{Group, Gshadow};
use super::users::Users;
use super::{Clash, FIRST_HUMAN, is_human};

/// `nogroup`, for who has lost their group and cannot have one of their own.
const NOGROUP: u32 = 65_534;

/// The merged groups.
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
    pub(super) gshadow: Vec<Gshadow>,
}

impl Groups {
    pub(super) fn merge(
        old: &Tables,
        new: &Tables,
        owners: &Owners,
        users: &mut Users,
        clashes: &mut Vec<Clash>,
    ) -> Self {
        let coming = coming(old, new, owners, clashes);
        let moves = Moves::decide(old, new, users, &coming, clashes);
        let mut groups = merged(new, users, &coming, &moves);
        let carried = users.carried.clone();
        for user in users
            .passwd
            .iter_mut()
            .filter(|user| !carried.contains(&user.name))
        {
            user.gid = moves.new.get(&user.gid).copied().unwrap_or(user.gid);
        }
        primary_groups(old, users, &mut groups, clashes);
        members(old, users, &mut groups, clashes);
        let secret = |group: &Group| secret(old, new, users, &coming, group);
        let gshadow = groups.iter().map(secret).collect();
        Self { groups, gshadow }
    }
}

/// The old system's groups that come along: those of people, and those whose files stay.
fn coming<'a>(
    old: &'a Tables,
    new: &Tables,
    owners: &Owners,
    clashes: &mut Vec<Clash>,
) -> Vec<&'a Group> {
    let mut coming = Vec::new();
    for group in &old.groups {
        if !is_human(group.gid) {
            coming.extend(group_comes(group, new, owners, clashes).then_some(group));
            continue;
        }
        match new.group(&group.name) {
            Some(other) if !is_human(other.gid) => {
                let (name, old, new) = (group.name.clone(), group.gid, other.gid);
                clashes.push(Clash::GroupOfSystem { name, old, new });
            }
            _ => coming.push(group),
        }
    }
    coming
}

/// New numbers for groups of either side, by their old ones.
struct Moves {
    old: BTreeMap<u32, u32>,
    new: BTreeMap<u32, u32>,
    taken: BTreeSet<u32>,
}

impl Moves {
    fn decide(
        old: &Tables,
        new: &Tables,
        users: &Users,
        coming: &[&Group],
        clashes: &mut Vec<Clash>,
    ) -> Self {
        let gids = |tables: &Tables| {
            let groups = tables.groups.iter().map(|group| group.gid);
            groups
                .chain(tables.passwd.iter().map(|user| user.gid))
                .collect::<Vec<_>>()
        };
        let taken = gids(old).into_iter().chain(gids(new)).collect();
        let mut moves = Self {
            old: BTreeMap::new(),
            new: BTreeMap::new(),
            taken,
        };
        for group in new.groups.iter().filter(|group| is_human(group.gid)) {
            moves.place(new, users, coming, group, clashes);
        }
        moves
    }

    /// Settles one of the image's groups of people with those that come.
    fn place(
        &mut self,
        new: &Tables,
        users: &Users,
        coming: &[&Group],
        group: &Group,
        clashes: &mut Vec<Clash>,
    ) {
        let gid = group.gid;
        if let Some(other) = coming.iter().find(|other| other.name == group.name) {
            if other.gid != gid {
                let (name, old) = (group.name.clone(), other.gid);
                clashes.push(Clash::GidDiffers {
                    name,
                    old,
                    new: gid,
                });
                self.new.insert(gid, other.gid);
            }
            return;
        }
        let Some(other) = coming.iter().find(|other| other.gid == gid) else {
            return;
        };
        if goes(group, new, users) {
            return;
        }
        let to = self.free();
        let system = new
            .passwd
            .iter()
            .any(|user| user.gid == gid && !is_human(user.uid));
        let (map, stays, moved) = if system {
            (&mut self.old, &group.name, &other.name)
        } else {
            (&mut self.new, &other.name, &group.name)
        };
        map.insert(gid, to);
        let (stays, moved) = (stays.clone(), moved.clone());
        clashes.push(Clash::GidTaken {
            gid,
            stays,
            moved,
            to,
        });
    }

    /// The lowest number that neither side uses.
    fn free(&mut self) -> u32 {
        let free = (FIRST_HUMAN..NOGROUP).find(|gid| !self.taken.contains(gid));
        let free = free.unwrap_or(NOGROUP);
        self.taken.insert(free);
        free
    }
}

/// Whether one of the image's groups was private to an account that had to go.
fn goes(group: &Group, new: &Tables, users: &Users) -> bool {
    let needed = |name: &str, gid| gid == group.gid && users.has(name) && !users.is_carried(name);
    users.dropped.contains(&group.name)
        && !new.passwd.iter().any(|user| needed(&user.name, user.gid))
}

/// The image's groups in their order, then those that were added; members come later.
fn merged(new: &Tables, users: &Users, coming: &[&Group], moves: &Moves) -> Vec<Group> {
    let placed = |group: &Group, map: &BTreeMap<u32, u32>| Group {
        gid: map.get(&group.gid).copied().unwrap_or(group.gid),
        password: "x".to_owned(),
        ..group.clone()
    };
    let mut groups = Vec::new();
    for group in new.groups.iter().filter(|group| !goes(group, new, users)) {
        if let Some(other) = coming.iter().find(|other| other.name == group.name) {
            groups.push(placed(other, &moves.old));
            continue;
        }
        let mut group = placed(group, &moves.new);
        // People's memberships are the old system's, not the image's.
        group
            .members
            .retain(|name| users.has(name) && !users.is_carried(name));
        groups.push(group);
    }
    for other in coming {
        if !groups.iter().any(|group| group.name == other.name) {
            groups.push(placed(other, &moves.old));
        }
    }
    groups
}

/// Points the carried accounts to their primary groups by name, and gives those whose
/// group is gone one of their own.
fn primary_groups(
    old: &Tables,
    users: &mut Users,
    groups: &mut Vec<Group>,
    clashes: &mut Vec<Clash>,
) {
    let carried = users.carried.clone();
    for user in users
        .passwd
        .iter_mut()
        .filter(|user| carried.contains(&user.name))
    {
        let known = old.groups.iter().find(|group| group.gid == user.gid);
        let survivor = known.and_then(|known| groups.iter().find(|group| group.name == known.name));
        if let Some(group) = survivor {
            user.gid = group.gid;
            continue;
        }
        let free = is_human(user.uid) && !groups.iter().any(|group| group.gid == user.uid);
        let named = groups.iter().any(|group| group.name == user.name);
        let to = if free && !named { user.uid } else { NOGROUP };
        if to != NOGROUP {
            let (name, password, members) = (user.name.clone(), "x".to_owned(), Vec::new());
            groups.push(Group {
                name,
                password,
                gid: to,
                members,
            });
        }
        let (name, gid) = (user.name.clone(), user.gid);
        clashes.push(Clash::PrimaryGroup { name, gid, to });
        user.gid = to;
    }
}

/// Carries memberships over by name.
fn members(old: &Tables, users: &Users, groups: &mut [Group], clashes: &mut Vec<Clash>) {
    for group in groups.iter_mut() {
        group.members.retain(|name| users.has(name));
    }
    for group in &old.groups {
        let mut people: Vec<&String> = group.members.iter().collect();
        people.retain(|name| users.is_carried(name));
        match groups.iter_mut().find(|other| other.name == group.name) {
            Some(other) => {
                for name in people {
                    if !other.members.contains(name) {
                        other.members.push(name.clone());
                    }
                }
            }
            None => clashes.extend(people.into_iter().map(|name| Clash::Membership {
                name: name.clone(),
                group: group.name.clone(),
            })),
        }
    }
}

fn secret(old: &Tables, new: &Tables, users: &Users, coming: &[&Group], group: &Group) -> Gshadow {
    let came = coming.iter().find(|other| other.name == group.name);
    let mut entry = match (came, new.group(&group.name)) {
        (Some(other), _) => old.group_secret(other),
        (None, Some(other)) => new.group_secret(other),
        (None, None) => old.group_secret(group),
    };
    entry.administrators.retain(|name| users.has(name));
    entry.members.clone_from(&group.members);
    entry
}
