//! The four files of one system, as entries.

use std::collections::HashMap;

use super::names::first_by;
use super::record::{Group, Gshadow, Passwd, Record as _, Shadow, table};
use super::{AccountFiles, Clash, Side};

pub(super) struct Tables {
    pub(super) passwd: Vec<Passwd>,
    pub(super) groups: Vec<Group>,
    shadow: Vec<Shadow>,
    gshadow: Vec<Gshadow>,
    at: Places,
}

/// Where in the tables an entry is, by its name; for users by uid as well, for groups by gid.
struct Places {
    users: HashMap<String, usize>,
    uids: HashMap<u32, usize>,
    shadow: HashMap<String, usize>,
    groups: HashMap<String, usize>,
    gids: HashMap<u32, usize>,
    gshadow: HashMap<String, usize>,
}

impl Tables {
    pub(super) fn parse(files: &AccountFiles, side: Side, clashes: &mut Vec<Clash>) -> Self {
        let passwd: Vec<Passwd> = table(&files.passwd, side, clashes);
        let shadow: Vec<Shadow> = table(&files.shadow, side, clashes);
        let groups: Vec<Group> = table(&files.group, side, clashes);
        let gshadow: Vec<Gshadow> = table(&files.gshadow, side, clashes);
        let at = Places {
            users: first_by(&passwd, |user| user.name.clone()),
            uids: first_by(&passwd, |user| user.uid),
            shadow: first_by(&shadow, |entry| entry.name().to_owned()),
            groups: first_by(&groups, |group| group.name.clone()),
            gids: first_by(&groups, |group| group.gid),
            gshadow: first_by(&gshadow, |entry| entry.name.clone()),
        };
        Self {
            passwd,
            groups,
            shadow,
            gshadow,
            at,
        }
    }

    pub(super) fn user(&self, name: &str) -> Option<&Passwd> {
        self.passwd.get(*self.at.users.get(name)?)
    }

    /// The first account with that id.
    pub(super) fn user_of(&self, uid: u32) -> Option<&Passwd> {
        self.passwd.get(*self.at.uids.get(&uid)?)
    }

    pub(super) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.get(*self.at.groups.get(name)?)
    }

    /// The first group with that id.
    pub(super) fn group_of(&self, gid: u32) -> Option<&Group> {
        self.groups.get(*self.at.gids.get(&gid)?)
    }

    /// The password entry of an account: that of shadow, where passwd says `x`, or else
    /// what passwd says.
    pub(super) fn secret(&self, name: &str) -> Option<Shadow> {
        let user = self.user(name)?;
        if user.password != "x" {
            return Some(Shadow::new(name, &user.password));
        }
        self.shadow.get(*self.at.shadow.get(name)?).cloned()
    }

    /// The same for a group; one without is locked.
    pub(super) fn group_secret(&self, group: &Group) -> Gshadow {
        let place = self.at.gshadow.get(&group.name);
        let entry = place.and_then(|place| self.gshadow.get(*place));
        let password = if matches!(group.password.as_str(), "" | "x") {
            "!"
        } else {
            &group.password
        };
        entry.cloned().unwrap_or_else(|| Gshadow {
            name: group.name.clone(),
            password: password.to_owned(),
            administrators: Vec::new(),
            members: Vec::new(),
        })
    }
}
