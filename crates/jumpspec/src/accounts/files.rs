//! The four files of one system, as entries.

use super::record::{Group, Gshadow, Passwd, Record as _, Shadow, table};
use super::{AccountFiles, Clash, Side};

pub(super) struct Tables {
    pub(super) passwd: Vec<Passwd>,
    pub(super) shadow: Vec<Shadow>,
    pub(super) groups: Vec<Group>,
    pub(super) gshadow: Vec<Gshadow>,
}

impl Tables {
    pub(super) fn parse(files: &AccountFiles, side: Side, clashes: &mut Vec<Clash>) -> Self {
        Self {
            passwd: table(&files.passwd, side, clashes),
            shadow: table(&files.shadow, side, clashes),
            groups: table(&files.group, side, clashes),
            gshadow: table(&files.gshadow, side, clashes),
        }
    }

    pub(super) fn user(&self, name: &str) -> Option<&Passwd> {
        self.passwd.iter().find(|user| user.name == name)
    }

    pub(super) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The password entry of an account: that of shadow, where passwd says `x`, or else
    /// what passwd says.
    pub(super) fn secret(&self, name: &str) -> Option<Shadow> {
        let user = self.user(name)?;
        if user.password != "x" {
            return Some(Shadow::new(name, &user.password));
        }
        self.shadow
            .iter()
            .find(|entry| entry.name() == name)
            .cloned()
    }

    /// The same for a group; one without is locked.
    pub(super) fn group_secret(&self, group: &Group) -> Gshadow {
        let entry = self.gshadow.iter().find(|entry| entry.name == group.name);
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
