//! What the kernel was asked for, by strace(1): once archive and root are open, no path
//! is taken from anywhere but the root's descriptor.

use std::ffi::OsString;
use std::fs;

use anyhow::{Result, ensure};

use crate::arena::Arena;
use crate::ustar::{Header, Tar};
use crate::{Case, Needs::Nothing, Needs::Strace};

/// What Rust's library and musl look at without being asked, to count processors; and
/// what `jumpinit` asks the kernel about itself: its umask, and how long it has been up.
const HARMLESS: &[&str] = &[
    "/proc/self/status",
    "/proc/uptime",
    "/proc/self/cgroup",
    "/proc/self/mountinfo",
    "/sys/fs/cgroup/",
];
/// Descriptors as paths, for what no `…at` call exists.
const DESCRIPTORS: &str = "/proc/self/fd/";

pub(crate) const CASES: &[Case] = &[
    (
        "a_call_from_outside_the_root_would_be_seen",
        Nothing,
        || {
            let strays = [
                r#"7 openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 9"#,
                r#"7 mkdir("made", 0755) = 0"#,
                r#"7 openat(3, "link/inner", O_WRONLY|O_CREAT) = 9"#,
                r#"7 newfstatat(3, "..", {st_mode=S_IFDIR|0755}, 0) = 0"#,
                r#"7 openat2(AT_FDCWD, "a", {flags=O_PATH, resolve=RESOLVE_IN_ROOT}, 24) = 4"#,
                r#"7 linkat(3, "a", AT_FDCWD, "b", 0) = 0"#,
                r#"7 symlinkat("text", AT_FDCWD, "b") = 0"#,
            ];
            let bound = [
                r#"7 openat2(3, "a/b", {flags=O_PATH, resolve=RESOLVE_IN_ROOT}, 24) = 4"#,
                r#"7 symlinkat("/etc/passwd", 3, "b") = 0"#,
                r#"7 linkat(3, "a", 4, "b", 0) = 0"#,
                r#"7 lsetxattr("/proc/self/fd/9/a", "user.a", "/b", 2, 0) = 0"#,
            ];
            let missed: Vec<_> = strays.iter().filter(|line| !is_stray(line)).collect();
            ensure!(missed.is_empty(), "not seen: {missed:#?}");
            let blamed: Vec<_> = bound.iter().filter(|line| is_stray(line)).collect();
            ensure!(blamed.is_empty(), "blamed: {blamed:#?}");
            Ok(())
        },
    ),
    ("an_ordinary_archive_opens_nothing_outside", Strace, || {
        let arena = Arena::new()?;
        let tar = Tar::new()
            .directory("a")
            .directory("a/b")
            .file("a/b/file", "1");
        let tar = tar
            .hard_link("a/twin", "a/b/file")
            .symlink("a/link", "b/file");
        let tar = tar.pax(&[("SCHILY.xattr.user.name", "value")]);
        let tar = tar.file("attribute", "1").header(Header::new(b'6', "fifo"));
        trace(&arena, &tar.end(), Some(0))
    }),
    ("a_planted_symlink_opens_nothing_outside", Strace, || {
        for target in ["../../../../../..", "../outside/directory"] {
            let arena = Arena::new()?;
            let tar = Tar::new().symlink("link", target);
            trace(&arena, &tar.file("link/inner", "evil").end(), None)?;
        }
        Ok(())
    }),
    ("an_absolute_symlink_opens_nothing_outside", Strace, || {
        for name in ["link/inner", "link", "link/made/deep"] {
            let arena = Arena::new()?;
            let tar = Tar::new().symlink("link", &arena.beyond("directory"));
            trace(&arena, &tar.file(name, "evil").end(), None)?;
        }
        Ok(())
    }),
    ("a_hard_link_out_opens_nothing_outside", Strace, || {
        for target in ["../outside/file", "/etc/passwd", "up/outside/file", "link"] {
            let arena = Arena::new()?;
            let tar = Tar::new().symlink("up", "..");
            let tar = tar.symlink("link", &arena.beyond("file"));
            trace(&arena, &tar.hard_link("victim", target).end(), None)?;
        }
        Ok(())
    }),
    (
        "a_directory_over_a_symlink_opens_nothing_outside",
        Strace,
        || {
            let arena = Arena::new()?;
            let tar = Tar::new().symlink("link", &arena.beyond("directory"));
            let tar = tar.directory("link").directory("link/.");
            trace(&arena, &tar.end(), Some(3))
        },
    ),
];

/// Extracts under strace: with this exit code, or any if there is none.
fn trace(arena: &Arena, archive: &[u8], code: Option<i32>) -> Result<()> {
    fs::write(arena.archive(), archive)?;
    let log = tempfile::NamedTempFile::new()?;
    let mut arguments: Vec<OsString> = ["-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o"]
        .map(OsString::from)
        .to_vec();
    arguments.extend([
        log.path().into(),
        jump_tests::bin("jumpinit").into(),
        "extract".into(),
        arena.archive().into(),
        arena.root().into(),
    ]);
    let outcome = arena.watched("/usr/bin/strace".as_ref(), &arguments)?;
    ensure!(code.is_none() || outcome.code == code, "{outcome:?}");
    let log = fs::read_to_string(log.path())?;
    let opened = [arena.archive(), arena.root()].map(|path| format!("\"{}\"", path.display()));
    check(&log, &opened)
}

/// Looks at each call after the last that opened one of `opened`.
fn check(log: &str, opened: &[String]) -> Result<()> {
    let lines: Vec<&str> = log.lines().collect();
    for path in opened {
        let is_there = lines.iter().any(|line| line.contains(path.as_str()));
        ensure!(is_there, "{path} was never opened:\n{log}");
    }
    let names = |line: &&str| opened.iter().any(|path| line.contains(path.as_str()));
    let last = lines.iter().rposition(names).unwrap_or_default();
    let after = &lines[last + 1..];
    ensure!(!after.is_empty(), "nothing was done:\n{log}");
    let strays: Vec<_> = after.iter().filter(|line| is_stray(line)).collect();
    ensure!(strays.is_empty(), "from outside the root: {strays:#?}");
    Ok(())
}

/// Whether a line of the log is a call that takes a path from outside the root.
fn is_stray(line: &str) -> bool {
    let call = line.split_once(' ').map_or(line, |(_, call)| call.trim());
    let Some((name, arguments)) = call.split_once('(') else {
        return false;
    };
    // The first of `symlinkat` is the link's text, which nobody follows; the second of
    // `readlinkat` is what came of it.
    let (passed_over, paths) = match name {
        "symlinkat" => (1, 1),
        "linkat" | "renameat" | "renameat2" => (0, 2),
        _ => (0, 1),
    };
    let is_bound = name == "openat2" && arguments.contains("RESOLVE_");
    let pieces: Vec<&str> = arguments.split('"').collect();
    let quoted = pieces.chunks_exact(2).skip(passed_over).take(paths);
    quoted.into_iter().any(|piece| {
        let (before, path) = (piece[0], piece[1]);
        let is_harmless = HARMLESS.iter().any(|start| path.starts_with(start));
        if is_harmless || path.starts_with(DESCRIPTORS) {
            return false;
        }
        // A path of more than one name is resolved by openat2 alone, within the root.
        let leads_on = path.contains('/') || path == "..";
        before.is_empty() || before.contains("AT_FDCWD") || (leads_on && !is_bound)
    })
}
