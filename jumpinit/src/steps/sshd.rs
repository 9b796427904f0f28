//! The new system's sshd is asked whether it takes the keys and the configuration that were put
//! back, before the new system gets its tries: one that does not start is found here, while there
//! is somebody to tell.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::node::sshd::{complaints, leave_out};
use jumpspec::places::{NEW_ROOT, SSHD};
use jumpspec::plan::PlannedSsh;
use jumpspec::words::relpath::RelPath;
use jumpsys::cmd::{CmdError, Program};
use jumpsys::files::root::{Owner, Root};

use crate::run::context::Context;
use crate::run::new_root;

/// How long sshd may take to read its files on a slow machine.
const LIMIT: Duration = Duration::from_mins(1);
/// More rounds than lines can be wrong in a configuration that worked.
const ROUNDS: usize = 64;
/// The privilege separation directory of Debian's builds: its unit makes it at boot, and sshd asks
/// for it (sshd(8), FILES).
const PRIVSEP: &str = "run/sshd";

/// Gives restored files the owners and modes that the plan says.
pub(crate) fn give_owners(planned: &PlannedSsh, root: &Root) -> Result<()> {
    for file in &planned.owners {
        let owner = Owner {
            uid: file.uid,
            gid: file.gid,
            mode: file.mode,
        };
        if root.exists(file.path.as_str()) {
            root.set_owner(file.path.as_str(), owner)?;
        }
    }
    Ok(())
}

/// Asks the new system's sshd. Lines of the restored configuration that it refuses are left out,
/// one after the other, and noted.
pub(crate) fn check(cx: &mut Context) -> Result<()> {
    let root = new_root::open(cx)?;
    let mounts = crate::run::new_root::enter(cx)?;
    root.create_dir_all(PRIVSEP, Owner::root(0o755))?;
    let top = cx.on_landing(NEW_ROOT);
    let settled = settle(&cx.plan.ssh, &root, || ask(&top));
    crate::run::new_root::leave(mounts)?;
    for note in settled.context("the new system's sshd would not start")? {
        cx.reporter.note(note);
    }
    Ok(())
}

/// sshd(8), `-t`: reads configuration and keys, and starts nothing.
fn ask(top: &Path) -> Result<(), CmdError> {
    Program::new(Path::new("/").join(SSHD))
        .arg("-t")
        .in_root(Some(top))
        .timeout(LIMIT)
        .run()
        .map(drop)
}

/// Leaves lines out until sshd takes the rest, and tells which.
fn settle(
    planned: &PlannedSsh,
    root: &Root,
    ask: impl Fn() -> Result<(), CmdError>,
) -> Result<Vec<String>> {
    let (mut notes, mut answer) = (Vec::new(), ask());
    for _ in 0..ROUNDS {
        let Err(CmdError::Failed { stderr, .. }) = &answer else {
            break;
        };
        let left_out = leave_lines_out(planned, root, stderr)?;
        if left_out.is_empty() {
            break;
        }
        notes.extend(left_out);
        answer = ask();
    }
    answer?;
    Ok(notes)
}

fn leave_lines_out(planned: &PlannedSsh, root: &Root, stderr: &str) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for complaint in complaints(stderr) {
        let restored = planned
            .config
            .iter()
            .find(|path| path.absolute() == complaint.file);
        let Some(path) = restored.map(RelPath::as_str) else {
            continue;
        };
        let text = root.read_text(path)?.unwrap_or_default();
        let Some(rest) = leave_out(&text, complaint.line) else {
            continue;
        };
        root.rewrite(path, rest.as_bytes(), Owner::root(0o644))?;
        notes.push(format!(
            "{} line {} was left out: the new system's sshd refuses it ({})",
            complaint.file, complaint.line, complaint.words
        ));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An sshd that refuses lines that begin with `Bad` or `Allow`.
    const REFUSES: &str = "n=$(grep -nE '^(Bad|Allow)' \"$0\" | head -n 1 | cut -d : -f 1); \
        [ -z \"$n\" ] || { echo \"/etc/ssh/sshd_config line $n: nonsense\" >&2; exit 255; }";

    fn settled(text: &str) -> (Result<Vec<String>>, String) {
        let scratch = tempfile::tempdir().unwrap();
        let root = Root::open(scratch.path()).unwrap();
        let path = "etc/ssh/sshd_config";
        root.write(path, text.as_bytes(), Owner::root(0o600))
            .unwrap();
        let planned = PlannedSsh {
            owners: Vec::new(),
            config: vec![path.parse().unwrap()],
        };
        let file = scratch.path().join(path);
        let ask = || {
            let shell = Program::new("/bin/sh").args(["-c", REFUSES]);
            shell.arg(&file).run().map(drop)
        };
        let notes = settle(&planned, &root, ask);
        (notes, root.read_text(path).unwrap().unwrap())
    }

    #[test]
    fn refused_lines_are_left_out_one_after_the_other_and_told() {
        let (notes, text) = settled("Port 22\nBad one\nUsePAM yes\nBad two\n");
        let notes = notes.unwrap();
        assert_eq!(notes.len(), 2);
        assert!(notes[1].contains("line 4 was left out") && notes[1].contains("nonsense"));
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["Port 22", "UsePAM yes"]);
    }

    #[test]
    fn what_sshd_takes_is_not_touched() {
        let (notes, text) = settled("Port 22\n");
        assert!(notes.unwrap().is_empty());
        assert_eq!(text, "Port 22\n");
    }

    #[test]
    fn a_line_that_says_who_may_log_in_keeps_the_node_in_jump() {
        let (notes, text) = settled("Bad one\nAllowUsers alice\n");
        let error = format!("{:#}", notes.unwrap_err());
        assert!(error.contains("line 2: nonsense"), "{error}");
        assert!(text.ends_with("\nAllowUsers alice\n"));
    }
}
