//! A whole tree as an initramfs: a cpio archive in the format "newc", compressed, that a kernel unpacks
//! into memory as its root (kernel documentation, driver-api/early-userspace/buffer-format).

use std::io::{self, Write};

use cpio::newc;
use rustix::fs::{FileType, major, minor};

use crate::Progress;
use crate::error::{Result, io_error};
use crate::tree::root::Tree;
use crate::tree::walk::{Decision, Node, look_through};

/// What the kernel starts in an initramfs, and where a distribution's root has it.
const INIT: (&str, &str) = ("init", "sbin/init");
/// A link's permission bits.
const LINK_MODE: u32 = 0o120_777;

/// Packs the tree without what is below the directories `empty`, which come along themselves.
/// Extended attributes are left out, for the format has none; names of one file become files.
///
/// # Errors
/// When something cannot be read, has a name that is no text, or is of 4 GiB or more.
pub fn pack_initramfs(
    tree: &Tree,
    empty: &[&str],
    to: &mut dyn Write,
    level: i32,
    progress: Progress<'_>,
) -> Result<()> {
    let mut nodes = Vec::new();
    look_through(tree, &mut |node| {
        let name = String::from_utf8_lossy(&node.path);
        nodes.push(node.clone());
        if empty.contains(&name.as_ref()) {
            Decision::Hollow
        } else {
            Decision::Store
        }
    })?;
    let mut out = zstd::Encoder::new(to, level).map_err(io_error(b"", "cannot compress"))?;
    let mut done = 0;
    for (number, node) in (1..).zip(&nodes) {
        if node.path.is_empty() {
            continue;
        }
        put(tree, node, number, &mut out).map_err(io_error(&node.path, "cannot pack it"))?;
        done += node.content();
        progress(done);
    }
    let (name, target) = INIT;
    let init = newc::Builder::new(name).mode(LINK_MODE).nlink(1);
    let ended = finish(init, target.as_bytes(), &mut out)
        .and_then(|()| newc::trailer(&mut out).map(drop))
        .and_then(|()| out.finish().map(drop));
    ended.map_err(io_error(b"", "cannot write the archive"))
}

fn put(tree: &Tree, node: &Node, number: u32, out: &mut impl Write) -> io::Result<()> {
    let path = std::str::from_utf8(&node.path).map_err(io::Error::other)?;
    let stat = &node.stat;
    let seconds = u32::try_from(stat.st_mtime.max(0)).unwrap_or(u32::MAX);
    let header = newc::Builder::new(path)
        .ino(number)
        .mode(stat.st_mode)
        .uid(stat.st_uid)
        .gid(stat.st_gid)
        .nlink(1)
        .mtime(seconds);
    match node.file_type() {
        FileType::RegularFile => file(tree, path, header, out),
        FileType::Symlink => {
            let target = tree.read_link(path)?.ok_or(io::ErrorKind::NotFound)?;
            finish(header, &target, out)
        }
        FileType::CharacterDevice | FileType::BlockDevice => {
            let header = header.rdev_major(major(stat.st_rdev));
            finish(header.rdev_minor(minor(stat.st_rdev)), &[], out)
        }
        FileType::Socket => Ok(()),
        _ => finish(header, &[], out),
    }
}

/// The length is what the file has when it is opened: one that shrinks meanwhile is an error.
fn file(tree: &Tree, path: &str, header: newc::Builder, out: &mut impl Write) -> io::Result<()> {
    let mut file = tree.file(path)?.ok_or(io::ErrorKind::NotFound)?;
    let length = file.metadata()?.len();
    let mut entry = header.write(out, u32::try_from(length).map_err(io::Error::other)?);
    io::copy(&mut io::Read::take(&mut file, length), &mut entry)?;
    entry.finish().map(drop)
}

fn finish(header: newc::Builder, content: &[u8], out: &mut impl Write) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    let mut entry = header.write(out, length);
    entry.write_all(content)?;
    entry.finish().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    fn packed(tree: &Tree) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack_initramfs(tree, &["jump/image"], &mut bytes, 3, &|_| ()).unwrap();
        zstd::decode_all(bytes.as_slice()).unwrap()
    }

    fn tree() -> (tempfile::TempDir, Tree) {
        let scratch = tempfile::tempdir().unwrap();
        let at = |path: &str| scratch.path().join(path);
        for directory in ["sbin", "jump/image", "empty"] {
            std::fs::create_dir_all(at(directory)).unwrap();
        }
        std::fs::write(at("sbin/init"), "the first").unwrap();
        std::fs::set_permissions(at("sbin/init"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::write(at("jump/image/target"), "large").unwrap();
        symlink("sbin/init", at("link")).unwrap();
        let tree = Tree::open(scratch.path()).unwrap();
        (scratch, tree)
    }

    #[test]
    fn a_kernel_finds_every_file_and_its_init() {
        let (_scratch, tree) = tree();
        let bytes = packed(&tree);
        let mut rest = io::Cursor::new(bytes.as_slice());
        let mut found = BTreeMap::new();
        loop {
            let mut reader = newc::Reader::new(&mut rest).unwrap();
            if reader.entry().is_trailer() {
                break;
            }
            let (name, mode) = (reader.entry().name().to_owned(), reader.entry().mode());
            let mut content = String::new();
            io::Read::read_to_string(&mut reader, &mut content).unwrap();
            reader.finish().unwrap();
            found.insert(name, (mode, content));
        }
        let has = |name: &str, mode: u32, content: &str| {
            assert_eq!(found[name], (mode, content.to_owned()), "{name}");
        };
        has("sbin/init", 0o100_755, "the first");
        has("init", LINK_MODE, "sbin/init");
        has("link", LINK_MODE, "sbin/init");
        assert!(found.contains_key("empty") && found.contains_key("jump/image"));
        assert!(!found.contains_key("jump/image/target"));
    }

    #[test]
    fn cpio_lists_the_same() {
        let (_scratch, tree) = tree();
        let cpio = Command::new("/usr/bin/cpio")
            .args(["-t", "--quiet"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut cpio) = cpio else {
            println!("skipped: cpio_lists_the_same: no cpio");
            return;
        };
        let mut input = cpio.stdin.take().unwrap();
        input.write_all(&packed(&tree)).unwrap();
        drop(input);
        let listed = cpio.wait_with_output().unwrap();
        assert!(listed.status.success());
        let listed = String::from_utf8(listed.stdout).unwrap();
        let listed: Vec<&str> = listed.lines().collect();
        assert!(
            ["sbin/init", "init", "empty"]
                .iter()
                .all(|it| listed.contains(it)),
            "{listed:?}"
        );
    }
}
