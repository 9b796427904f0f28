//! Copies trees between partitions, in the jump system: what a partition has that is to be formatted
//! comes to another first. Both file systems are mounted for it alone; the first is only read.

use std::cell::RefCell;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use jumparchive::{Copied, Destination, Tree};
use jumpspec::disk::Filesystem;
use jumpspec::places;
use jumpspec::run::task::Task;
use jumpspec::step::{Step, TreeCopy, TreePlace};
use jumpsys::disk::{blockdev, durable};
use jumpsys::files::mount::{self, MountGuard, MountSpec, MsFlags};
use jumpsys::files::root::{Owner, Root};

use crate::run::context::Context;
use crate::run::new_root;

/// Nothing of a tree is used while it is copied.
const PASSIVE: MsFlags = MsFlags::MS_NOSUID
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC)
    .union(MsFlags::MS_NOATIME);
const READ_ONLY: MsFlags = PASSIVE.union(MsFlags::MS_RDONLY);

/// Whether all that is to be copied is there, and what stays has an empty place for it. Not even a
/// journal is written: the old system may come back.
pub(crate) fn prove(cx: &Context, copies: &[TreeCopy]) -> Result<()> {
    for copy in copies {
        let from = Mounted::as_it_lies(cx, &copy.from, places::COPY_FROM)?;
        let there = from.tree(&copy.from).map(drop);
        from.unmount_after(there)?;
        if copy.kept {
            let to = Mounted::as_it_lies(cx, &copy.to, places::COPY_TO)?;
            let free = jumparchive::is_free(to.root.as_fd(), copy.to.directory.as_str());
            let free = to.unmount_after(free.with_context(|| place(&copy.to)))?;
            ensure!(free, "{} holds something", place(&copy.to));
        }
    }
    Ok(())
}

/// Copies a tree, reads the copy back from the disk, and counts it.
pub(crate) fn copy(cx: &mut Context, copy: &TreeCopy) -> Result<()> {
    new_root::unmount(cx)?;
    let from = Mounted::new(cx, &copy.from, places::COPY_FROM, READ_ONLY)?;
    let number = number(cx, copy)?;
    let name = format!("{}/{number}", cx.plan.run);
    let copied = make(cx, copy, &from, &name);
    let copied = from.unmount_after(copied)?;
    check(cx, copy, &copied, &name)?;
    if copied.sockets > 0 {
        cx.reporter.note(format!(
            "{} sockets of {} are not copied: who listens there makes them anew",
            copied.sockets, copy.path
        ));
    }
    keep_count(&cx.kept_root()?, number)
}

/// How many of the plan's copies are done for good.
pub(crate) fn counted(cx: &Context) -> Result<usize> {
    count_in(&cx.kept_root()?)
}

/// In its place and of always the same length once it is there: a FAT, which keeps no journal, has no
/// rename over a file that a power cut leaves whole.
fn keep_count(root: &Root, number: usize) -> Result<()> {
    let count = format!("{number:04}\n").into_bytes();
    if root.is_there(places::COPIED) {
        return Ok(durable::write_at(
            &root.path().join(places::COPIED),
            0,
            &count,
        )?);
    }
    Ok(root.write(places::COPIED, &count, Owner::root(0o600))?)
}

fn count_in(root: &Root) -> Result<usize> {
    match root.read_text(places::COPIED)? {
        Some(count) => count
            .trim_end()
            .parse()
            .with_context(|| format!("/{} is no number", places::COPIED)),
        None => Ok(0),
    }
}

/// Which of the plan's copies it is, from 1.
fn number(cx: &Context, copy: &TreeCopy) -> Result<usize> {
    let steps = cx.plan.steps.replace.iter();
    let mut copies = steps.filter(|step| matches!(step, Step::Copy(_)));
    let place = copies.position(|step| matches!(step, Step::Copy(other) if other == copy));
    let place = place.context("the plan has no such copy")?;
    Ok(place + 1)
}

/// Makes the copy, unless a whole one is there.
fn make(cx: &mut Context, copy: &TreeCopy, from: &Mounted, name: &str) -> Result<Copied> {
    let tree = from.tree(&copy.from)?;
    let to = Mounted::new(cx, &copy.to, places::COPY_TO, PASSIVE)?;
    let made = {
        let task = Task::from(&Step::Copy(copy.clone()));
        let reporter = RefCell::new(&mut cx.reporter);
        let progress = told(&reporter, &task, copy, 0);
        to.destination(&copy.to, name).and_then(|destination| {
            match destination.begin(&tree, &progress)? {
                Some(whole) => Ok(whole),
                None => jumparchive::copy(&tree, &destination, &progress),
            }
            .with_context(|| format!("{} to {}", copy.path, place(&copy.to)))
        })
    };
    to.unmount_after(made)
}

/// Reads the copy back from the device, and takes its mark away.
fn check(cx: &mut Context, copy: &TreeCopy, copied: &Copied, name: &str) -> Result<()> {
    let device = cx.partition(copy.to.number);
    let file = File::open(&device).with_context(|| format!("cannot open {}", device.display()))?;
    blockdev::flush(&file, &device)?;
    let to = Mounted::new(cx, &copy.to, places::COPY_TO, PASSIVE)?;
    let checked = {
        let task = Task::from(&Step::Copy(copy.clone()));
        let reporter = RefCell::new(&mut cx.reporter);
        let progress = told(&reporter, &task, copy, copied.bytes);
        to.destination(&copy.to, name).and_then(|destination| {
            copied
                .check(&destination.tree()?, &progress)
                .and_then(|()| destination.end(copied))
                .with_context(|| format!("{} in {}", copy.path, place(&copy.to)))
        })
    };
    to.unmount_after(checked)
}

/// Tells how far a copy has come, which is read twice; `before` are bytes of the first time.
fn told<'a>(
    reporter: &'a RefCell<&'a mut crate::run::reporter::Reporter>,
    task: &'a Task,
    copy: &'a TreeCopy,
    before: u64,
) -> impl Fn(u64) + 'a {
    move |done| {
        let done = before + done;
        let total = (2 * copy.size.bytes()).max(done);
        reporter.borrow_mut().progress(task, done, total);
    }
}

fn place(place: &TreePlace) -> String {
    format!("{} of partition {}", place.directory, place.number)
}

/// A partition's file system, mounted.
struct Mounted {
    guard: MountGuard,
    root: Root,
}

impl Mounted {
    fn new(cx: &Context, place: &TreePlace, at: &str, flags: MsFlags) -> Result<Self> {
        let target = cx.on_landing(at);
        Self::mount(&cx.partition(place.number), &target, place.fs, flags, None)
    }

    fn as_it_lies(cx: &Context, place: &TreePlace, at: &str) -> Result<Self> {
        let target = cx.on_landing(at);
        let data = Some(place.fs.as_it_lies());
        Self::mount(
            &cx.partition(place.number),
            &target,
            place.fs,
            READ_ONLY,
            data,
        )
    }

    fn mount(
        source: &Path,
        target: &PathBuf,
        fs: Filesystem,
        flags: MsFlags,
        data: Option<&str>,
    ) -> Result<Self> {
        std::fs::create_dir_all(target)
            .with_context(|| format!("cannot make {}", target.display()))?;
        let spec = MountSpec {
            source,
            target,
            fstype: fs.name(),
            flags,
            data,
        };
        let guard =
            mount::mount(&spec).with_context(|| format!("{} ({})", source.display(), fs.name()))?;
        let root = Root::open(target)?;
        Ok(Self { guard, root })
    }

    fn tree(&self, place: &TreePlace) -> Result<Tree> {
        let below = Tree::below(self.root.as_fd(), place.directory.as_str());
        below.with_context(|| format!("cannot open {}", self::place(place)))
    }

    fn destination(&self, place: &TreePlace, name: &str) -> Result<Destination> {
        let opened = Destination::open(self.root.as_fd(), place.directory.as_str(), name);
        opened.with_context(|| self::place(place))
    }

    /// What was done there counts more than whether it can be unmounted.
    fn unmount_after<T>(self, done: Result<T>) -> Result<T> {
        drop(self.root);
        let unmounted = self.guard.unmount();
        let done = done?;
        unmounted?;
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn copies_are_counted_in_the_place_of_the_first_count() {
        let scratch = tempfile::tempdir().unwrap();
        let root = Root::open(scratch.path()).unwrap();
        let inode = || {
            std::fs::metadata(root.path().join(places::COPIED))
                .unwrap()
                .ino()
        };
        assert_eq!(count_in(&root).unwrap(), 0);
        keep_count(&root, 9).unwrap();
        let first = inode();
        for number in [10, 11] {
            keep_count(&root, number).unwrap();
            assert_eq!(count_in(&root).unwrap(), number);
        }
        assert_eq!(inode(), first);
        root.write(places::COPIED, b"7", Owner::root(0o600))
            .unwrap();
        assert_eq!(count_in(&root).unwrap(), 7);
    }
}
