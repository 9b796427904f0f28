//! Writes one entry's tar headers: ustar, with PAX records for what ustar cannot hold.
//!
//! The `tar` crate makes headers and records; its own walking (`append_dir_all`)
//! would lose hard links and stop at sockets, so entries come from `walk.rs`.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

use crate::entry::{Entry, EntryKind};

/// Bytes of the name and link name fields (POSIX.1-2017, ustar).
const NAME: usize = 100;
/// The largest number that seven octal digits hold.
const OCTAL_ID: u32 = 0o7_777_777;

/// Writes the headers of `entry`; its content is the caller's to write.
pub(crate) fn write<W: Write>(builder: &mut Builder<W>, entry: &Entry) -> io::Result<()> {
    let mut records: Vec<(String, Vec<u8>)> = Vec::new();
    let mut header = Header::new_ustar();
    let path = tar_path(entry);
    put_name(&mut header.as_old_mut().name, &path, "path", &mut records);
    if let EntryKind::Symlink(target) | EntryKind::HardLink(target) = &entry.kind {
        put_name(
            &mut header.as_old_mut().linkname,
            target,
            "linkpath",
            &mut records,
        );
    }
    header.set_entry_type(entry_type(&entry.kind));
    header.set_mode(entry.mode);
    header.set_size(entry.size);
    header.set_uid(u64::from(put_id(entry.uid, "uid", &mut records)));
    header.set_gid(u64::from(put_id(entry.gid, "gid", &mut records)));
    if let Some(text) = entry.mtime.to_pax() {
        records.push(("mtime".to_owned(), text.into_bytes()));
    }
    header.set_mtime(u64::try_from(entry.mtime.seconds.clamp(0, (1 << 33) - 1)).unwrap_or(0));
    if let EntryKind::CharDevice(major, minor) | EntryKind::BlockDevice(major, minor) = entry.kind {
        header.set_device_major(major)?;
        header.set_device_minor(minor)?;
    }
    header.set_cksum();
    for (name, value) in &entry.xattrs {
        records.push((xattr_key(name)?, value.clone()));
    }
    builder.append_pax_extensions(
        records
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_slice())),
    )?;
    builder.get_mut().write_all(header.as_bytes())
}

/// Zeros from the end of `size` bytes of content to the next block.
pub(crate) fn padding(size: u64) -> &'static [u8] {
    const BLOCK: usize = 512;
    let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    &[0; BLOCK][..(BLOCK - over) % BLOCK]
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

fn put_name(field: &mut [u8; NAME], value: &[u8], key: &str, records: &mut Vec<(String, Vec<u8>)>) {
    let length = value.len().min(NAME);
    field[..length].copy_from_slice(&value[..length]);
    if value.len() > NAME {
        records.push((key.to_owned(), value.to_vec()));
    }
}

fn put_id(id: u32, key: &str, records: &mut Vec<(String, Vec<u8>)>) -> u32 {
    if id > OCTAL_ID {
        records.push((key.to_owned(), id.to_string().into_bytes()));
    }
    id.min(OCTAL_ID)
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

/// The PAX key of an extended attribute; `=` ends a key, so GNU tar (xattrs.c,
/// `xattr_encode_keyword`) writes it and `%` as `%3D` and `%25`.
fn xattr_key(name: &[u8]) -> io::Result<String> {
    let name = std::str::from_utf8(name)
        .map_err(|_| io::Error::other("the name of an extended attribute is not UTF-8"))?;
    let encoded = name.replace('%', "%25").replace('=', "%3D");
    Ok(format!("SCHILY.xattr.{encoded}"))
}

/// The attribute's name from the rest of its PAX key.
pub(crate) fn xattr_name(key: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(key) {
        Ok(key) if key.contains('%') => key.replace("%3D", "=").replace("%25", "%").into_bytes(),
        _ => key.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_to_the_next_block() {
        assert_eq!(padding(0).len(), 0);
        assert_eq!(padding(1).len(), 511);
        assert_eq!(padding(512).len(), 0);
    }

    #[test]
    fn attribute_names_with_signs_survive() {
        let key = xattr_key(b"user.a=b%3D").unwrap();
        assert_eq!(key, "SCHILY.xattr.user.a%3Db%253D");
        let name = key.strip_prefix("SCHILY.xattr.").unwrap();
        assert_eq!(xattr_name(name.as_bytes()), b"user.a=b%3D");
    }
}
