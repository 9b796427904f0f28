//! A whole tree as an initramfs: a cpio archive in the format "newc", compressed, that a kernel unpacks
//! into memory as its root (kernel documentation, driver-api/early-userspace/buffer-format).

mod newc;

use std::collections::HashMap;
use std::io::{self, Write};

use rustix::fs::FileType;

use crate::Progress;
use crate::error::{Result, io_error};
use crate::tree::root::Tree;
use crate::tree::walk::{Decision, Node, look_through};
use newc::Header;

/// What the kernel starts in an initramfs, and where a distribution's root has it.
const INIT: (&str, &str) = ("init", "sbin/init");
/// A link's permission bits.
const LINK_MODE: u32 = 0o120_777;

/// Packs the tree without what is below the directories `empty`, which come along themselves.
/// Extended attributes are left out, for the format has none; holes of sparse files become zeros.
///
/// # Errors
/// When something cannot be read, or is of 4 GiB or more.
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
    let names = Names::of(&nodes);
    let mut out = zstd::Encoder::new(to, level).map_err(io_error(b"", "cannot compress"))?;
    let mut done = 0;
    for (at, node) in nodes.iter().enumerate() {
        if node.path.is_empty() {
            continue;
        }
        put(tree, node, names.header(at, node), &mut out)
            .map_err(io_error(&node.path, "cannot pack it"))?;
        done += node.content();
        progress(done);
    }
    let (name, target) = INIT;
    let ended = newc::put(
        &mut out,
        name.as_bytes(),
        &Header::of(LINK_MODE),
        target.as_bytes(),
    )
    .and_then(|()| newc::end(&mut out))
    .and_then(|()| out.finish().map(drop));
    ended.map_err(io_error(b"", "cannot write the archive"))
}

/// Which nodes are names of one file: a kernel links those of one number, and takes the content of the last.
struct Names(HashMap<(u64, u64), Links>);

struct Links {
    /// How many names there are in the tree.
    count: u32,
    /// The node that comes first, whose place is their number.
    first: usize,
    /// The one that comes last.
    last: usize,
}

impl Names {
    fn of(nodes: &[Node]) -> Self {
        let mut names = HashMap::new();
        for (at, node) in nodes.iter().enumerate() {
            if !node.is_file() || node.stat.st_nlink < 2 {
                continue;
            }
            let links = names.entry(inode(node)).or_insert(Links {
                count: 0,
                first: at,
                last: at,
            });
            links.count += 1;
            links.last = at;
        }
        Self(names)
    }

    /// The header of the node at that place.
    fn header(&self, at: usize, node: &Node) -> Header {
        let links = self.0.get(&inode(node)).filter(|_| node.is_file());
        let first = links.map_or(at, |links| links.first);
        Header {
            number: u32::try_from(first + 1).unwrap_or(u32::MAX),
            links: links.map_or(1, |links| links.count),
            is_last: links.is_none_or(|links| links.last == at),
            ..Header::of_node(node)
        }
    }
}

fn inode(node: &Node) -> (u64, u64) {
    (node.stat.st_dev, node.stat.st_ino)
}

fn put(tree: &Tree, node: &Node, header: Header, out: &mut impl Write) -> io::Result<()> {
    match node.file_type() {
        FileType::RegularFile if header.is_last => file(tree, node, &header, out),
        FileType::Symlink => {
            let target = tree.read_link(&node.path)?.ok_or(io::ErrorKind::NotFound)?;
            newc::put(out, &node.path, &header, &target)
        }
        FileType::Socket => Ok(()),
        _ => newc::put(out, &node.path, &header, &[]),
    }
}

/// The length is what the file has when it is opened: one that shrinks meanwhile is an error.
fn file(tree: &Tree, node: &Node, header: &Header, out: &mut impl Write) -> io::Result<()> {
    let mut file = tree.file(&node.path)?.ok_or(io::ErrorKind::NotFound)?;
    let length = file.metadata()?.len();
    newc::begin(out, &node.path, header, length)?;
    let copied = io::copy(&mut io::Read::take(&mut file, length), out)?;
    if copied != length {
        return Err(io::Error::other("it became shorter"));
    }
    newc::pad(out, length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Command, Stdio};

    use cpio::newc as read;

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
            let mut reader = read::Reader::new(&mut rest).unwrap();
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
    fn names_of_one_file_are_one_file_whose_content_comes_with_the_last() {
        let (scratch, tree) = tree();
        let at = |path: &str| scratch.path().join(path);
        for name in ["sbin/reboot", "zz"] {
            std::fs::hard_link(at("sbin/init"), at(name)).unwrap();
        }
        // Its other name is not packed.
        std::fs::hard_link(at("jump/image/target"), at("half")).unwrap();
        let bytes = packed(&tree);
        let mut rest = io::Cursor::new(bytes.as_slice());
        let mut found = Vec::new();
        loop {
            let reader = read::Reader::new(&mut rest).unwrap();
            let entry = reader.entry();
            if entry.is_trailer() {
                break;
            }
            if entry.mode() & 0o170_000 == 0o100_000 {
                found.push((
                    entry.name().to_owned(),
                    entry.ino(),
                    entry.nlink(),
                    entry.file_size(),
                ));
            }
            reader.finish().unwrap();
        }
        found.sort();
        let number = |name: &str| found.iter().find(|it| it.0 == name).unwrap().1;
        let shared = number("zz");
        let of = |name: &str, links, size| (name.to_owned(), shared, links, size);
        let alone = ("half".to_owned(), number("half"), 1, 5);
        assert_eq!(
            found,
            [
                alone,
                of("sbin/init", 3, 0),
                of("sbin/reboot", 3, 9),
                of("zz", 3, 0)
            ]
        );
        assert_ne!(number("half"), shared);
    }

    #[test]
    fn a_name_need_not_be_text() {
        use std::os::unix::ffi::OsStrExt as _;
        let (scratch, tree) = tree();
        let name = b"caf\xe9";
        let path = scratch.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::write(&path, "latin").unwrap();
        symlink(
            std::ffi::OsStr::from_bytes(b"\xff"),
            scratch.path().join(std::ffi::OsStr::from_bytes(b"\xfe")),
        )
        .unwrap();
        let bytes = packed(&tree);
        let has = |wanted: &[u8]| bytes.windows(wanted.len()).any(|found| found == wanted);
        assert!(has(b"caf\xe9\0") && has(b"latin"));
        assert!(has(b"\xfe\0") && has(b"\xff"));
    }

    #[test]
    fn holes_become_zeros_and_what_the_format_cannot_say_is_an_error() {
        let (scratch, tree) = tree();
        let file = std::fs::File::create(scratch.path().join("sparse")).unwrap();
        file.set_len(3 << 20).unwrap();
        assert!(packed(&tree).len() > 3 << 20);
        file.set_len(4 << 30).unwrap();
        let error = pack_initramfs(&tree, &[], &mut io::sink(), 3, &|_| ()).unwrap_err();
        let error = format!("{error:?}");
        assert!(error.contains("4 GiB"), "{error}");
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
