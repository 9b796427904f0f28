//! `jumpimg push --dry-run` shows the plan and changes nothing on the node's disk.

use std::fs::File;
use std::path::Path;

use anyhow::{Result, ensure};
use jumplab::journey::Job;
use jumplab::run;
use jumplab::vm::{Guest as _, Machine, Mount, Node, Role};
use jumpspec::words::digest::Digest;

use jump_tests::machines::disk;

/// Below the root, what a running Debian writes whoever logs in.
const LOGS: &[&str] = &["var/log", "var/lib/systemd", "var/lib/logrotate"];

/// Compares the disk before and after.
pub(crate) fn changes_nothing(node: &Node, machine: &Machine, job: &Job) -> Result<()> {
    let before = State::take(node, machine)?;
    let said = run::capture(&mut job.push(machine.ssh_config(), &["--dry-run"]))?;
    print!("{said}");
    let after = State::take(node, machine)?;
    for (name, before, after) in [
        ("boot sector and gap", before.head, after.head),
        ("/boot", before.boot, after.boot),
        ("swap", before.swap, after.swap),
        ("/data", before.data, after.data),
        ("files of /", before.files, after.files),
    ] {
        ensure!(
            before == after,
            "a dry run has changed the node's disk: {name}"
        );
    }
    let left = machine.ssh(
        "ls -d /dev/shm/jump* /run/jump* /tmp/jump* /jump-* /var/lib/jump-* 2>/dev/null; true",
    )?;
    ensure!(left.is_empty(), "a dry run has left {left}");
    Ok(())
}

/// The disk, as the node would find it after a power cut now.
struct State {
    head: Digest,
    boot: Digest,
    swap: Digest,
    data: Digest,
    files: Digest,
}

impl State {
    fn take(node: &Node, machine: &Machine) -> Result<Self> {
        machine.ssh("sync; echo 3 >/proc/sys/vm/drop_caches")?;
        let part = |role| disk::digest(node, disk::place(node, role)?);
        let first = node.table.partitions()[0].role;
        let head = 0..disk::place(node, first)?.start;
        Ok(Self {
            head: disk::digest(node, head)?,
            boot: part(Role::Boot)?,
            swap: part(Role::Swap)?,
            data: part(Role::Data)?,
            files: files(node)?,
        })
    }
}

/// The files of the root, by a copy of it: its own journal is the running node's.
fn files(node: &Node) -> Result<Digest> {
    let copy = node.folder.join("root.img");
    let place = disk::place(node, Role::Root)?;
    let mut from = File::open(&node.disk)?;
    copy_sparse(&mut from, place, &copy)?;
    let mount = Mount::new(
        &copy,
        &node.folder.join("root"),
        &["-t", "ext4", "-o", "loop"],
    )?;
    let digest = disk::tree_digest(mount.path(), LOGS);
    mount.unmount()?;
    std::fs::remove_file(&copy)?;
    digest
}

fn copy_sparse(from: &mut File, place: std::ops::Range<u64>, to: &Path) -> Result<()> {
    use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
    from.seek(SeekFrom::Start(place.start))?;
    let mut copy = File::create(to)?;
    copy.set_len(place.end - place.start)?;
    let (mut piece, hole) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    for _ in 0..(place.end - place.start) >> 20 {
        from.read_exact(&mut piece)?;
        if piece == hole {
            copy.seek(SeekFrom::Current(1 << 20))?;
        } else {
            copy.write_all(&piece)?;
        }
    }
    Ok(())
}
