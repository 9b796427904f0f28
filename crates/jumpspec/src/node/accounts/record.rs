//! Entries of the four files.

use std::collections::BTreeSet;

use super::{Clash, Side};

/// One entry.
pub(super) trait Record: Sized {
    /// The file's name.
    const FILE: &'static str;
    /// From a line's fields; `None` if they are not such an entry.
    fn parse(fields: &[&str]) -> Option<Self>;
    /// What it is found by.
    fn name(&self) -> &str;
    /// The line, without its end.
    fn line(&self) -> String;
}

/// The entries of a file, each name once; the rest is told.
pub(super) fn table<R: Record>(text: &str, side: Side, clashes: &mut Vec<Clash>) -> Vec<R> {
    let mut records: Vec<R> = Vec::new();
    let mut names = BTreeSet::new();
    let file = R::FILE;
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        if line.starts_with(['+', '-']) {
            let line = index + 1;
            clashes.push(Clash::Nis { side, file, line });
            continue;
        }
        let fields: Vec<&str> = line.split(':').collect();
        let sound = is_name(fields[0]) && !line.chars().any(char::is_control);
        match R::parse(&fields).filter(|_| sound) {
            None => clashes.push(Clash::Broken {
                side,
                file,
                line: index + 1,
            }),
            Some(record) if names.insert(record.name().to_owned()) => records.push(record),
            Some(record) => {
                let name = record.name().to_owned();
                clashes.push(Clash::Repeated { side, file, name });
            }
        }
    }
    records
}

/// `+` and `-` begin lines of NIS (nsswitch.conf(5), compat).
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(['+', '-', '#']) && !text.contains([' ', ',', '/'])
}

/// passwd(5).
#[derive(Clone)]
pub(super) struct Passwd {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    gecos: String,
    pub(super) home: String,
    pub(super) shell: String,
}

impl Record for Passwd {
    const FILE: &'static str = "passwd";

    fn parse(fields: &[&str]) -> Option<Self> {
        let &[name, password, uid, gid, gecos, home, shell] = fields else {
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            password: password.to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            gecos: gecos.to_owned(),
            home: home.to_owned(),
            shell: shell.to_owned(),
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn line(&self) -> String {
        let Self {
            name,
            password,
            uid,
            gid,
            gecos,
            home,
            shell,
        } = self;
        format!("{name}:{password}:{uid}:{gid}:{gecos}:{home}:{shell}")
    }
}

/// shadow(5): the password and seven fields of ageing and reserve.
#[derive(Clone)]
pub(super) struct Shadow {
    name: String,
    password: String,
    ageing: Vec<String>,
}

impl Shadow {
    /// Fields after the password.
    const AGEING: usize = 7;

    pub(super) fn new(name: &str, password: &str) -> Self {
        let ageing = vec![String::new(); Self::AGEING];
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            ageing,
        }
    }

    /// No password will do, and nothing is disabled besides.
    pub(super) fn locked(name: &str) -> Self {
        Self::new(name, "!*")
    }
}

impl Record for Shadow {
    const FILE: &'static str = "shadow";

    fn parse(fields: &[&str]) -> Option<Self> {
        let [name, password, ageing @ ..] = fields else {
            return None;
        };
        let number = |field: &&str| field.is_empty() || field.parse::<i64>().is_ok();
        if ageing.len() != Self::AGEING || !ageing.iter().all(number) {
            return None;
        }
        let ageing = ageing.iter().map(|&field| field.to_owned()).collect();
        Some(Self {
            ageing,
            ..Self::new(name, password)
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn line(&self) -> String {
        format!("{}:{}:{}", self.name, self.password, self.ageing.join(":"))
    }
}

/// group(5).
#[derive(Clone)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) gid: u32,
    pub(super) members: Vec<String>,
}

impl Record for Group {
    const FILE: &'static str = "group";

    fn parse(fields: &[&str]) -> Option<Self> {
        let &[name, password, gid, members] = fields else {
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            password: password.to_owned(),
            gid: gid.parse().ok()?,
            members: list(members),
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn line(&self) -> String {
        format!(
            "{}:{}:{}:{}",
            self.name,
            self.password,
            self.gid,
            self.members.join(",")
        )
    }
}

/// gshadow(5).
#[derive(Clone)]
pub(super) struct Gshadow {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) administrators: Vec<String>,
    pub(super) members: Vec<String>,
}

impl Record for Gshadow {
    const FILE: &'static str = "gshadow";

    fn parse(fields: &[&str]) -> Option<Self> {
        let &[name, password, administrators, members] = fields else {
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            password: password.to_owned(),
            administrators: list(administrators),
            members: list(members),
        })
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn line(&self) -> String {
        let (administrators, members) = (self.administrators.join(","), self.members.join(","));
        format!("{}:{}:{administrators}:{members}", self.name, self.password)
    }
}

fn list(field: &str) -> Vec<String> {
    field
        .split(',')
        .map(str::trim)
        .filter(|name| is_name(name))
        .map(str::to_owned)
        .collect()
}
