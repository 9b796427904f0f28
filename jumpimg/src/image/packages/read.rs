//! Fetches package databases, from an image or from the tree that becomes one.

use std::io;

use jumparchive::{Fetched, Image, IndexEntry, Tree, fetch};

use super::ledger::Ledger;
use super::places::{CAP, DPKG_INFO, DPKG_STATUS, LINK_DEPTH, RPM, Role, SQLITE, UNREADABLE, role};
use super::sqlite;
use jumpspec::words::shown;

/// Reads an image's databases. What cannot be read of them is noted; an error is only
/// what is wrong with the image.
pub(crate) fn from_image(image: &Image) -> jumparchive::Result<Ledger> {
    let mut reading = Reading::default();
    note_the_unread(image, &mut reading)?;
    let wanted = |entry: &IndexEntry| match entry.kind {
        b'2' => depth(&entry.path) <= LINK_DEPTH,
        _ => entry.size <= CAP && role(&entry.path).is_some_and(Role::is_read),
    };
    fetch(image, &wanted, &mut |entry, found| match found {
        Fetched::File(bytes) => reading.file(&entry.path, bytes),
        Fetched::Symlink(target) => reading.ledger.link(&entry.path, &target),
    })?;
    Ok(reading.finish())
}

fn note_the_unread(image: &Image, reading: &mut Reading) -> jumparchive::Result<()> {
    for entry in image.entries()? {
        let entry = entry?;
        let Some(role) = role(&entry.path).filter(|_| entry.kind == b'0') else {
            continue;
        };
        reading.note(&entry.path, role, entry.size);
    }
    Ok(())
}

/// Reads the databases below a directory.
pub(crate) fn from_tree(tree: &Tree) -> io::Result<Ledger> {
    let mut reading = Reading::default();
    for path in paths(tree)? {
        let (Some(stat), Some(role)) = (tree.lstat(&path)?, role(path.as_bytes())) else {
            continue;
        };
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        reading.note(path.as_bytes(), role, size);
        if role.is_read()
            && size <= CAP
            && let Some(bytes) = tree.read(&path, CAP)?
        {
            reading.file(path.as_bytes(), bytes);
        }
    }
    for path in shallow(tree)? {
        if let Some(target) = tree.read_link(&path)? {
            reading.ledger.link(path.as_bytes(), &target);
        }
    }
    Ok(reading.finish())
}

/// Where databases may be in a tree.
fn paths(tree: &Tree) -> io::Result<Vec<String>> {
    let mut paths: Vec<String> = tree
        .list(DPKG_INFO)?
        .into_iter()
        .map(|name| format!("{DPKG_INFO}/{name}"))
        .collect();
    paths.push(DPKG_STATUS.to_owned());
    for directory in RPM {
        // Often a symlink to the other place.
        if tree.read_link(directory)?.is_some() {
            continue;
        }
        let names = SQLITE.iter().chain(UNREADABLE.iter().map(|(name, _)| name));
        paths.extend(names.map(|name| format!("{directory}/{name}")));
    }
    Ok(paths)
}

/// All paths of one or two components.
fn shallow(tree: &Tree) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    for first in tree.list("")? {
        if tree.read_link(&first)?.is_none() {
            let below = tree.list(&first)?;
            paths.extend(below.iter().map(|second| format!("{first}/{second}")));
        }
        paths.push(first);
    }
    Ok(paths)
}

fn depth(path: &[u8]) -> usize {
    path.split(|byte| *byte == b'/').count()
}

/// Databases as they are met. dpkg's status waits for the lists, rpm's database for its
/// other half.
#[derive(Default)]
struct Reading {
    ledger: Ledger,
    status: Option<Vec<u8>>,
    rpm: [sqlite::Files; RPM.len()],
}

impl Reading {
    fn note(&mut self, path: &[u8], role: Role<'_>, size: u64) {
        let path = shown::path(path);
        if let Role::Unreadable(what) = role {
            self.ledger.note(format!(
                "{path} is {what}, which is not read: its packages are not known"
            ));
        } else if size > CAP {
            self.ledger.note(format!(
                "{path} is not read: it has more than {} MiB",
                CAP >> 20
            ));
        }
    }

    fn file(&mut self, path: &[u8], bytes: Vec<u8>) {
        match role(path) {
            Some(Role::Status) => self.status = Some(bytes),
            Some(Role::List(package)) => self.ledger.dpkg_list(package, &bytes),
            Some(Role::Sqlite(place, part)) => self.rpm[place][part] = Some(bytes),
            Some(Role::Unreadable(_)) | None => {}
        }
    }

    fn finish(mut self) -> Ledger {
        if let Some(status) = self.status {
            self.ledger.dpkg_status(&status);
        }
        for (files, directory) in self.rpm.into_iter().zip(RPM) {
            if files[0].is_some() {
                let path = format!("/{directory}/{}", SQLITE[0]);
                take_rpm(&mut self.ledger, files, &path);
            }
        }
        self.ledger
    }
}

fn take_rpm(ledger: &mut Ledger, files: sqlite::Files, path: &str) {
    let mut damaged = 0_u64;
    let read = sqlite::headers(files, &mut |blob| {
        damaged += u64::from(!ledger.rpm_header(blob));
    });
    if let Err(error) = read {
        ledger.note(format!("{path} cannot be read: {error:#}"));
    }
    if damaged > 0 {
        ledger.note(format!(
            "{damaged} of the packages in {path} are missing here: their headers are damaged"
        ));
    }
}
