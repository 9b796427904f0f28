//! Merging group and gshadow, and moving accounts' primary groups along.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::files::Tables;
use super::names::first_by;
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
        let coming = Coming::new(coming(old, new, owners, clashes));
        let moves = Moves::decide(old, new, users, &coming, clashes);
        let mut groups = merged(new, users, &coming, &moves);
        let (passwd, carried) = (&mut users.passwd, &users.carried);
        for user in passwd
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

/// The old system's groups that come along.
struct Coming<'a> {
    groups: Vec<&'a Group>,
    names: HashMap<&'a str, usize>,
    gids: HashMap<u32, usize>,
}

impl<'a> Coming<'a> {
    fn new(groups: Vec<&'a Group>) -> Self {
        let mut coming = Self {
            groups,
            names: HashMap::new(),
            gids: HashMap::new(),
        };
        for (place, group) in coming.groups.iter().enumerate() {
            coming.names.entry(&group.name).or_insert(place);
            coming.gids.entry(group.gid).or_insert(place);
        }
        coming
    }

    fn named(&self, name: &str) -> Option<&'a Group> {
        self.groups.get(*self.names.get(name)?).copied()
    }

    fn with(&self, gid: u32) -> Option<&'a Group> {
        self.groups.get(*self.gids.get(&gid)?).copied()
    }
}

/// Those of people, and those whose files stay.
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
        coming: &Coming<'_>,
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
        coming: &Coming<'_>,
        group: &Group,
        clashes: &mut Vec<Clash>,
    ) {
        let gid = group.gid;
        if let Some(other) = coming.named(&group.name) {
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
        let Some(other) = coming.with(gid) else {
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
fn merged(new: &Tables, users: &Users, coming: &Coming<'_>, moves: &Moves) -> Vec<Group> {
    let placed = |group: &Group, map: &BTreeMap<u32, u32>| Group {
        gid: map.get(&group.gid).copied().unwrap_or(group.gid),
        password: "x".to_owned(),
        ..group.clone()
    };
    let mut groups = Vec::new();
    for group in new.groups.iter().filter(|group| !goes(group, new, users)) {
        if let Some(other) = coming.named(&group.name) {
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
    let mut there: HashSet<String> = groups.iter().map(|group| group.name.clone()).collect();
    for other in &coming.groups {
        if there.insert(other.name.clone()) {
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
    let mut gid_of: HashMap<String, u32> = HashMap::new();
    for group in groups.iter() {
        gid_of.entry(group.name.clone()).or_insert(group.gid);
    }
    let mut gids: HashSet<u32> = groups.iter().map(|group| group.gid).collect();
    let (passwd, carried) = (&mut users.passwd, &users.carried);
    for user in passwd
        .iter_mut()
        .filter(|user| carried.contains(&user.name))
    {
        let known = old.group_of(user.gid);
        if let Some(gid) = known.and_then(|known| gid_of.get(&known.name)) {
            user.gid = *gid;
            continue;
        }
        let free = is_human(user.uid) && !gids.contains(&user.uid);
        let named = gid_of.contains_key(&user.name);
        let to = if free && !named { user.uid } else { NOGROUP };
        if to != NOGROUP {
            gid_of.insert(user.name.clone(), to);
            gids.insert(to);
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
    let places = first_by(groups, |group| group.name.clone());
    for group in &old.groups {
        let mut people: Vec<&String> = group.members.iter().collect();
        people.retain(|name| users.is_carried(name));
        match places
            .get(&group.name)
            .and_then(|place| groups.get_mut(*place))
        {
            Some(other) => {
                let mut there: HashSet<String> = other.members.iter().cloned().collect();
                for name in people {
                    if there.insert(name.clone()) {
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

fn secret(
    old: &Tables,
    new: &Tables,
    users: &Users,
    coming: &Coming<'_>,
    group: &Group,
) -> Gshadow {
    let came = coming.named(&group.name);
    let mut entry = match (came, new.group(&group.name)) {
        (Some(other), _) => old.group_secret(other),
        (None, Some(other)) => new.group_secret(other),
        (None, None) => old.group_secret(group),
    };
    entry.administrators.retain(|name| users.has(name));
    entry.members.clone_from(&group.members);
    entry
}
