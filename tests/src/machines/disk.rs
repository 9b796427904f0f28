//! A node's disk, looked at from outside.

use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumplab::vm::{LoopDevice, Mount, Node, Role, with_own_mounts};
use jumpspec::words::digest::{Digest, Hasher};

/// Bytes read at once.
const PIECE: usize = 1 << 20;

/// Where the partition with that role is, in bytes.
pub fn place(node: &Node, role: Role) -> Result<Range<u64>> {
    let place = node.table.place(role);
    place.with_context(|| format!("the disk has no {role:?} partition"))
}

/// The digest of a part of the disk.
pub fn digest(node: &Node, part: Range<u64>) -> Result<Digest> {
    let mut file = File::open(&node.disk)?;
    file.seek(SeekFrom::Start(part.start))?;
    hash(file.take(part.end - part.start))
}

fn hash(mut from: impl std::io::Read) -> Result<Digest> {
    let (mut hasher, mut piece) = (Hasher::default(), vec![0; PIECE]);
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// Some sectors of the disk.
pub fn sectors(node: &Node, first: u64, count: u64) -> Result<Vec<u8>> {
    let mut file = File::open(&node.disk)?;
    file.seek(SeekFrom::Start(first * 512))?;
    let mut bytes = vec![0; usize::try_from(count * 512)?];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Looks at the file system on the partition with that role. It is mounted writable: power was cut or
/// the kernel went down without unmounting, and only then its journal is replayed.
pub fn with_mounted<T: Send>(
    node: &Node,
    role: Role,
    look: impl FnOnce(&Path) -> Result<T> + Send,
) -> Result<T> {
    let partition = node.table.partition(role).context("no such partition")?;
    with_mounted_number(node, partition.number, look)
}

/// The same for the partition with that number, whoever made it.
pub fn with_mounted_number<T: Send>(
    node: &Node,
    number: u32,
    look: impl FnOnce(&Path) -> Result<T> + Send,
) -> Result<T> {
    with_own_mounts(|| {
        let disk = LoopDevice::attach(&node.disk, node.table.sector_bytes())?;
        let at = node.folder.join(format!("at-{number}"));
        let mount = Mount::new(&disk.partition(number), &at, &["-t", "ext4"])?;
        let found = look(mount.path());
        mount.unmount()?;
        disk.detach()?;
        found
    })
}

/// The digest of all below `root` but for the `without`: paths, modes, owners, times, content.
pub fn tree_digest(root: &Path, without: &[&str]) -> Result<Digest> {
    let mut hasher = Hasher::default();
    visit(root, root, without, &mut hasher)?;
    Ok(hasher.finish())
}

fn visit(root: &Path, folder: &Path, without: &[&str], hasher: &mut Hasher) -> Result<()> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    for path in paths {
        let below = path.strip_prefix(root)?;
        if without.iter().any(|other| Path::new(other) == below) {
            continue;
        }
        let is = path.symlink_metadata()?;
        let (mode, times) = (is.mode(), (is.mtime(), is.mtime_nsec()));
        hasher.update(below.as_os_str().as_bytes());
        hasher.update(format!("\0{mode:o} {}:{} {times:?} ", is.uid(), is.gid()).as_bytes());
        if is.is_dir() {
            visit(root, &path, without, hasher)?;
        } else if is.is_symlink() {
            hasher.update(std::fs::read_link(&path)?.as_os_str().as_bytes());
        } else if is.is_file() {
            hasher.update(hash(BufReader::new(File::open(&path)?))?.as_bytes());
        }
    }
    Ok(())
}
