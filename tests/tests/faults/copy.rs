//! Faults while a tree is copied from one partition to another: it is whole where it was, or where it
//! comes to.

use std::fs::File;
use std::os::unix::fs::{FileExt as _, chown, symlink};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jump_tests::machines::disk;
use jumplab::experiments::faults::End;
use jumplab::run;
use jumplab::small::Checkpoint;
use jumplab::vm::Role;
use jumplab::vm::loader::Choice;
use jumpspec::disk::Filesystem;
use jumpspec::step::{Step, TreeCopy, TreePlace};
use jumpspec::words::digest::Digest;
use jumpspec::words::size::Size;

use crate::bench::Bench;
use crate::edit;
use crate::lab::{BOOT, Lab};
use crate::loader::UNPACKING;
use crate::old;

/// The tree, in the old root.
const FROM: &str = "srv/old";
/// Where it comes to.
const TO: &str = "from-old";
/// What the jump system says as it begins.
const COPYING: &str = "jump: copy /srv/old to partition 4";

/// Cut in the copy, and when what was copied is gone already: it is not copied again then.
pub(crate) fn power_cut(bench: &mut Bench) -> Result<()> {
    let lab = bench.node(Checkpoint::Fresh, "power cuts in a copy and behind it")?;
    let before = edit::root(&lab, |root| {
        fill(&root.join(FROM))?;
        disk::tree_digest(&root.join(FROM), &[])
    })?;
    let copy = format!("[[copy]]\nfrom = '/{FROM}'\nto = '4:/{TO}'\n");
    lab.node.job.append(&copy)?;
    let (old, push) = old::push(&lab)?;
    let down = old.wait_for_end(BOOT);
    down.with_context(|| push.said().unwrap_or_default())?;
    push.end()?;
    lab.cut(Choice::Jump, COPYING, Duration::from_millis(100))?;
    lab.cut(Choice::Jump, UNPACKING, Duration::ZERO)?;
    let seen = bench.ends(&lab, End::New)?;
    ensure!(
        seen.booted == [Choice::Jump, Choice::New],
        "{:?}",
        seen.booted
    );
    let after = scratch(&lab, |scratch| disk::tree_digest(&scratch.join(TO), &[]))?;
    ensure!(
        before == after,
        "the copy is not the tree that it was made of"
    );
    Ok(())
}

/// Something of everything that `tree_digest` tells apart.
fn fill(tree: &Path) -> Result<()> {
    std::fs::create_dir_all(tree.join("ada"))?;
    let noise: Vec<u8> = (0..4_u32 << 20)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(tree.join("large"), noise)?;
    for number in 0..100 {
        std::fs::write(tree.join(format!("ada/{number}")), number.to_string())?;
    }
    std::fs::hard_link(tree.join("large"), tree.join("ada/linked"))?;
    let sparse = File::create(tree.join("sparse"))?;
    sparse.write_all_at(b"island", 10 << 20)?;
    sparse.set_len(64 << 20)?;
    symlink("/etc/passwd", tree.join("link"))?;
    Ok(chown(tree.join("ada"), Some(1007), Some(1007))?)
}

/// Looks at the partition that the job makes anew.
fn scratch<T: Send>(lab: &Lab, look: impl FnOnce(&Path) -> Result<T> + Send) -> Result<T> {
    disk::with_mounted_number(&lab.node.node, 4, look)
}

/// Where an ext4's first superblock ends, in bytes (kernel documentation, filesystems/ext4).
const SUPERBLOCK_END: u64 = 2048;

/// Neither destroys anything.
pub(crate) fn fails(bench: &mut Bench) -> Result<()> {
    let lab = bench.armed("what is copied does not fit")?;
    plan_copy(&lab, "/usr")?;
    stays(bench, &lab, "No space left")?;
    let lab = bench.armed("what is copied cannot be read")?;
    edit::root(&lab, |root| fill(&root.join(FROM)))?;
    plan_copy(&lab, &format!("/{FROM}"))?;
    let start = disk::place(&lab.node.node, Role::Root)?.start;
    let device = format!("{}?offset={start}", lab.node.node.disk.display());
    // The list of its blocks is none: the file is there, and reading it is an error.
    let set = format!("set_inode_field /{FROM}/large block[0] 0");
    run::quiet(&mut run::command("debugfs", ["-w", "-R", &set, &device]))?;
    stays(bench, &lab, "large")
}

/// The node stays in jump, and the old root is as it was, but for its superblock: there the kernel keeps
/// what errors it has met, also on what is mounted read-only.
fn stays(bench: &mut Bench, lab: &Lab, word: &str) -> Result<()> {
    let root = |lab: &Lab| -> Result<Digest> {
        let place = disk::place(&lab.node.node, Role::Root)?;
        disk::digest(&lab.node.node, place.start + SUPERBLOCK_END..place.end)
    };
    // Replays its journal, which nobody has to do then.
    edit::root(lab, |_| Ok(()))?;
    let before = root(lab)?;
    bench.ends_telling(lab, End::Jump, word)?;
    ensure!(root(lab)? == before, "what was to be copied has changed");
    Ok(())
}

/// Lets the jump system copy a directory of the old root, without the checks of a planner.
fn plan_copy(lab: &Lab, directory: &str) -> Result<()> {
    let place = |number, directory: &str| -> Result<TreePlace> {
        Ok(TreePlace {
            number,
            fs: Filesystem::Ext4,
            directory: directory.parse()?,
        })
    };
    let copy = TreeCopy {
        path: directory.parse()?,
        from: place(2, directory)?,
        to: place(3, &format!("/{TO}"))?,
        kept: true,
        size: Size::mib(16),
    };
    edit::plan(lab, |plan| plan.steps.replace.insert(0, Step::Copy(copy)))
}
