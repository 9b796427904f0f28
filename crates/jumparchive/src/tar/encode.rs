//! Writes one entry's tar headers: ustar, with PAX records for what ustar cannot hold.
//!
//! The `tar` crate makes the ustar header; its own walking (`append_dir_all`) would lose
//! hard links and stop at sockets, its records have no keys that are not UTF-8.

use std::io::{self, Write};

use tar::{EntryType, Header};

use crate::tar::entry::{Entry, EntryKind, MAJOR_BITS, MINOR_BITS, fits};
use crate::tar::pax_attributes;
use crate::tar::records::Records;
use crate::tar::sparse;

/// Bytes of the name and link name fields (POSIX.1-2017, ustar).
const NAME: usize = 100;
/// The largest number that seven octal digits hold.
const OCTAL_ID: u32 = 0o7_777_777;
/// The largest number that eleven octal digits hold.
const OCTAL_SIZE: u64 = 0o77_777_777_777;
/// What GNU tar calls a sparse file in the header, where the name is that of the file
/// which an archiver makes that does not know the format.
const SPARSE_NAME: &[u8] = b"GNUSparseFile.0/";

/// Appends all that stands in front of the data of `entry`: headers and sparse map. The
/// data and its padding, of [`Entry::stored`] bytes, are the caller's to write
/// ([`super::block::padding`]).
pub(crate) fn append(out: &mut Vec<u8>, entry: &Entry) -> io::Result<()> {
    if !fits(&entry.path) {
        return Err(io::Error::other("its path is too long"));
    }
    let mut records = Records::default();
    let mut header = Header::new_ustar();
    let path = tar_path(entry);
    let mut map = Vec::new();
    if let Some(extents) = &entry.map {
        map = sparse::encode(extents, entry.size)?;
        put_sparse_name(&mut header, &path, entry.size, &mut records);
    } else {
        put_name(&mut header.as_old_mut().name, &path, b"path", &mut records);
    }
    if let EntryKind::Symlink(target) | EntryKind::HardLink(target) = &entry.kind {
        let field = &mut header.as_old_mut().linkname;
        put_name(field, target, b"linkpath", &mut records);
    }
    header.set_entry_type(entry_type(&entry.kind));
    header.set_mode(entry.mode);
    put_size(&mut header, map.len() as u64 + entry.stored(), &mut records);
    header.set_uid(u64::from(put_id(entry.uid, b"uid", &mut records)));
    header.set_gid(u64::from(put_id(entry.gid, b"gid", &mut records)));
    if let Some(text) = entry.mtime.to_pax() {
        records.push(b"mtime", text.as_bytes());
    }
    header.set_mtime(u64::try_from(entry.mtime.seconds.clamp(0, (1 << 33) - 1)).unwrap_or(0));
    put_device(&mut header, &entry.kind)?;
    header.set_cksum();
    pax_attributes::push(&mut records, &entry.xattrs)?;
    records.append(out)?;
    out.write_all(header.as_bytes())?;
    out.write_all(&map)
}

fn tar_path(entry: &Entry) -> Vec<u8> {
    let mut path = entry.path.clone();
    if path.is_empty() {
        path.push(b'.');
    }
    if entry.kind == EntryKind::Directory {
        path.push(b'/');
    }
    path
}

fn put_name(field: &mut [u8; NAME], value: &[u8], key: &[u8], records: &mut Records) {
    let length = value.len().min(NAME);
    field[..length].copy_from_slice(&value[..length]);
    if value.len() > NAME {
        records.push_name(key, value);
    }
}

fn put_sparse_name(header: &mut Header, path: &[u8], size: u64, records: &mut Records) {
    records.push(b"GNU.sparse.major", b"1");
    records.push(b"GNU.sparse.minor", b"0");
    records.push_name(b"GNU.sparse.name", path);
    records.push_number(b"GNU.sparse.realsize", size);
    let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let name = [SPARSE_NAME, base].concat();
    let length = name.len().min(NAME);
    header.as_old_mut().name[..length].copy_from_slice(&name[..length]);
}

fn put_size(header: &mut Header, size: u64, records: &mut Records) {
    if size > OCTAL_SIZE {
        records.push_number(b"size", size);
    }
    header.set_size(size.min(OCTAL_SIZE));
}

fn put_id(id: u32, key: &[u8], records: &mut Records) -> u32 {
    if id > OCTAL_ID {
        records.push_number(key, u64::from(id));
    }
    id.min(OCTAL_ID)
}

fn put_device(header: &mut Header, kind: &EntryKind) -> io::Result<()> {
    let (EntryKind::CharDevice(major, minor) | EntryKind::BlockDevice(major, minor)) = *kind else {
        return Ok(());
    };
    if major >> MAJOR_BITS != 0 || minor >> MINOR_BITS != 0 {
        return Err(io::Error::other("its device number is too large"));
    }
    header.set_device_major(major)?;
    header.set_device_minor(minor)
}

fn entry_type(kind: &EntryKind) -> EntryType {
    match kind {
        EntryKind::File => EntryType::Regular,
        EntryKind::Directory => EntryType::Directory,
        EntryKind::Symlink(_) => EntryType::Symlink,
        EntryKind::HardLink(_) => EntryType::Link,
        EntryKind::CharDevice(..) => EntryType::Char,
        EntryKind::BlockDevice(..) => EntryType::Block,
        EntryKind::Fifo => EntryType::Fifo,
    }
}
