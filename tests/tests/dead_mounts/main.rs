//! `jumpinit` on a system with mounts that hang who asks them, and with names that are no text: what
//! only looks, and what takes a run back, ends all the same.
//!
//! The mounts are of FUSE, with nobody behind them, in a view of the file system of this test's own.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jumpspec::node::facts::Facts;
use jumpsys::cmd::{CmdError, Program};
use jumpsys::files::mount::{self, MountSpec, MsFlags};
use libtest_mimic::{Arguments, Trial};

/// How long an answer may take on a busy machine; one that hangs takes for ever.
const LIMIT: Duration = Duration::from_mins(1);
const FUSE: &str = "/dev/fuse";
/// `who:`, uid and home of a human being.
const BOB: (&str, &str) = ("bob", "/home/bob");

fn main() {
    let arguments = Arguments::from_args();
    let lacks = lacks();
    if let Some(why) = lacks {
        println!("skipped: dead_mounts: {why}");
    }
    let test = || answers().map_err(|error| format!("{error:#}").into());
    let trial = Trial::test("dead_mounts_hold_up_nobody", test).with_ignored_flag(lacks.is_some());
    libtest_mimic::run(&arguments, vec![trial]).exit();
}

/// Why the tests cannot run here; where they can, this process has a view of its own afterwards.
fn lacks() -> Option<&'static str> {
    if !jump_tests::is_root() {
        return Some("not root");
    }
    if !Path::new(FUSE).exists() {
        return Some("no /dev/fuse");
    }
    mount::hide(&[]).is_err().then_some("no mount namespaces")
}

/// A mount that nobody answers for. Its kernel end stays open as long as this lives.
struct Dead {
    _fuse: File,
}

impl Dead {
    fn mount(at: &Path, source: &str) -> Result<Self> {
        fs::create_dir_all(at)?;
        let fuse = OpenOptions::new().read(true).write(true).open(FUSE)?;
        // The program that is to hang inherits no descriptor; the number is this process's.
        let data = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0,allow_other",
            fuse.as_raw_fd()
        );
        mount::mount(&MountSpec {
            source: Path::new(source),
            target: at,
            fstype: "fuse",
            flags: MsFlags::empty(),
            data: Some(&data),
        })?
        .keep();
        Ok(Self { _fuse: fuse })
    }
}

/// Replaces what stands at `path` by `text`, in this view alone.
fn replace(scratch: &Path, path: &str, text: &str) -> Result<()> {
    let other = scratch.join("replaced");
    fs::write(&other, text)?;
    mount::bind(&other, Path::new(path), false)?.keep();
    Ok(())
}

/// Lays an empty file system over a directory.
fn memory(folder: &str) -> Result<()> {
    mount::mount(&MountSpec {
        source: Path::new("tmpfs"),
        target: Path::new(folder),
        fstype: "tmpfs",
        flags: MsFlags::empty(),
        data: None,
    })?
    .keep();
    Ok(())
}

fn jumpinit(arguments: &[&str]) -> Result<String> {
    let program = Program::new(jump_tests::bin("jumpinit")).args(arguments);
    match program.timeout(LIMIT).run() {
        Ok(output) => Ok(output.stdout_text()),
        Err(error @ CmdError::TimedOut { .. }) => Err(error).context("it hangs"),
        Err(error) => Ok(error.to_string()),
    }
}

fn answers() -> Result<()> {
    // What is made below these is in this view alone.
    for folder in ["/home", "/root", "/tmp"] {
        memory(folder)?;
    }
    let scratch = tempfile::tempdir_in("/tmp")?;
    let top = scratch.path();
    let (who, home) = BOB;
    let people = format!("root:x:0:0::/root:/bin/sh\n{who}:x:1100:1100::{home}:/bin/sh\n");
    replace(top, "/etc/passwd", &people)?;
    let odd = PathBuf::from(OsStr::from_bytes(b"/home/M\xfcller"));
    let saved = Path::new("/root/dead-mount-of-a-test");
    let _dead = [
        Dead::mount(Path::new(home), "server:/export")?,
        Dead::mount(&odd, "server:/odd")?,
        // Looks like a run's directory, as anybody may make one.
        Dead::mount(Path::new("/tmp/jump-00112233aabbccdd"), "x")?,
        // Names a block device as its source.
        Dead::mount(&top.join("lies"), &root_device()?)?,
        Dead::mount(saved, "server:/below-what-is-saved")?,
    ];
    let asked = ["facts", "--save", "root", "--save", "home/bob/mail"];
    let facts: Facts = serde_json::from_str(&jumpinit(&asked)?)?;
    let elsewhere = |target: &str| {
        let mut mounts = facts.remote_mounts.iter();
        mounts.any(|mount| mount.target == target && mount.fs == "fuse")
    };
    ensure!(
        elsewhere(home) && elsewhere("/home/M\u{fffd}ller"),
        "{facts:#?}"
    );
    ensure!(facts.accounts.iter().any(|account| account.name == who));
    ensure!(facts.saved[0].size.is_some() && facts.saved[1].size.is_none());
    for order in [&["status"][..], &["kept"], &["events"], &["take-back"]] {
        jumpinit(order).with_context(|| format!("{order:?}"))?;
    }
    Ok(())
}

/// The source of whatever is mounted at `/`.
fn root_device() -> Result<String> {
    let mounts = jumpsys::files::mountinfo::read_mountinfo()?;
    let root = mounts
        .into_iter()
        .find(|at| at.mount_point == Path::new("/"));
    Ok(root.context("nothing is mounted at /")?.source)
}
