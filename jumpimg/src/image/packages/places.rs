//! Where package managers keep their databases.

/// dpkg's list of packages, dpkg-query(1).
pub(super) const DPKG_STATUS: &str = "var/lib/dpkg/status";
/// Where dpkg keeps each package's list of files.
pub(super) const DPKG_INFO: &str = "var/lib/dpkg/info";
/// Where rpm keeps its database: newer distributions, then older ones.
pub(super) const RPM: [&str; 2] = ["usr/lib/sysimage/rpm", "var/lib/rpm"];
/// rpm's database since rpm 4.16, as SQLite, and what was not yet merged into it.
pub(super) const SQLITE: [&str; 2] = ["rpmdb.sqlite", "rpmdb.sqlite-wal"];
/// rpm's older databases: Berkeley DB, and SUSE's own.
pub(super) const UNREADABLE: [(&str, &str); 2] = [
    ("Packages", "a Berkeley DB"),
    ("Packages.db", "an ndb database"),
];

/// The largest file of a database that is read: the lists of a Debian with everything
/// take 60 MB, rpm's database takes about 40 KB a package.
pub(super) const CAP: u64 = 512 << 20;
/// Symlinks that can stand for directories of the system (`bin`, `usr/sbin`, `var/run`)
/// have at most this many components.
pub(super) const LINK_DEPTH: usize = 2;

/// What a path is to this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role<'a> {
    /// dpkg's list of packages.
    Status,
    /// A package's list of files, by the package's name and perhaps its architecture.
    List(&'a str),
    /// A part of rpm's database: the directory's number in [`RPM`], its number in
    /// [`SQLITE`].
    Sqlite(usize, usize),
    /// An rpm database that is not read, and what it is.
    Unreadable(&'static str),
}

impl Role<'_> {
    /// Whether this program reads such files.
    pub(super) fn is_read(self) -> bool {
        !matches!(self, Self::Unreadable(_))
    }
}

/// What the file at `path` is; `None` for all that is no database.
pub(super) fn role(path: &[u8]) -> Option<Role<'_>> {
    let path = str::from_utf8(path).ok()?;
    if path == DPKG_STATUS {
        return Some(Role::Status);
    }
    let (directory, name) = path.rsplit_once('/')?;
    if directory == DPKG_INFO {
        return name.strip_suffix(".list").map(Role::List);
    }
    let place = RPM.iter().position(|place| *place == directory)?;
    if let Some(part) = SQLITE.iter().position(|part| *part == name) {
        return Some(Role::Sqlite(place, part));
    }
    let unreadable = UNREADABLE.iter().find(|(other, _)| *other == name);
    unreadable.map(|(_, what)| Role::Unreadable(what))
}

#[cfg(test)]
mod tests {
    use super::{Role, role};

    #[test]
    fn databases_are_known_by_their_paths() {
        assert_eq!(role(b"var/lib/dpkg/status"), Some(Role::Status));
        let list = role(b"var/lib/dpkg/info/libc6:amd64.list");
        assert_eq!(list, Some(Role::List("libc6:amd64")));
        assert_eq!(role(b"var/lib/dpkg/info/libc6:amd64.md5sums"), None);
        let wal = role(b"var/lib/rpm/rpmdb.sqlite-wal");
        assert_eq!(wal, Some(Role::Sqlite(1, 1)));
        let old = role(b"var/lib/rpm/Packages");
        assert_eq!(old, Some(Role::Unreadable("a Berkeley DB")));
        assert_eq!(role(b"home/Packages"), None);
    }
}
