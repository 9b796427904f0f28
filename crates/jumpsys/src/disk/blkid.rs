//! Asks the running system's own blkid what a device holds: it knows more than
//! [`crate::disk::superblock`] does. Only reads.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use crate::cmd::{CmdError, Program};

/// Where it is (util-linux; before the merge of `/usr` in the second).
const PROGRAMS: [&str; 2] = ["/usr/sbin/blkid", "/sbin/blkid"];
/// How long it may read in a device.
const LIMIT: Duration = Duration::from_secs(20);
/// blkid(8), EXIT STATUS: nothing was identified.
const NOTHING: i32 = 2;

/// What blkid says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It holds this.
    Holds {
        /// `TYPE`, or what kind of partition table it is.
        kind: String,
        /// `UUID`.
        uuid: Option<String>,
        /// `LABEL`.
        label: Option<String>,
    },
    /// Nothing that blkid knows.
    Nothing,
    /// There is no blkid, it is another's (BusyBox), or it is not sure.
    Unsure,
}

/// Asks.
pub fn ask(device: &Path) -> Answer {
    let Some(program) = PROGRAMS.iter().find(|path| Path::new(path).is_file()) else {
        return Answer::Unsure;
    };
    let asked = Program::new(program)
        .args(["-p", "-o", "export", "--"])
        .arg(device)
        .timeout(LIMIT)
        .run();
    match asked {
        Ok(output) => parse(&output.stdout_text()),
        Err(CmdError::Failed { status, .. }) if status == exited(NOTHING) => Answer::Nothing,
        Err(_) => Answer::Unsure,
    }
}

/// wait(2): the status of a program that ended with `code`.
fn exited(code: i32) -> ExitStatus {
    ExitStatus::from_raw(code << 8)
}

/// `KEY=value` lines (blkid(8), `-o export`), where what a shell would read has a backslash.
fn parse(text: &str) -> Answer {
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let (_, value) = lines.find(|(name, _)| *name == key)?;
        Some(value.replace('\\', "")).filter(|value| !value.is_empty())
    };
    let table = || Some(format!("{} partition table", value("PTTYPE")?));
    value("TYPE")
        .or_else(table)
        .map_or(Answer::Unsure, |kind| Answer::Holds {
            kind,
            uuid: value("UUID"),
            label: value("LABEL"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_blkid_exports() {
        let text = "DEVNAME=/dev/sda5\nLABEL=my\\ pool\nUUID=123\nTYPE=zfs_member\n";
        let answer = Answer::Holds {
            kind: "zfs_member".to_owned(),
            uuid: Some("123".to_owned()),
            label: Some("my pool".to_owned()),
        };
        assert_eq!(parse(text), answer);
        let Answer::Holds { kind, .. } = parse("DEVNAME=/dev/sda5\nPTTYPE=dos\n") else {
            panic!("no table");
        };
        assert_eq!(kind, "dos partition table");
        assert_eq!(parse("BusyBox v1.30\n"), Answer::Unsure);
    }

    #[test]
    fn this_systems_blkid_knows_nothing_of_noise() {
        if !PROGRAMS.iter().any(|path| Path::new(path).is_file()) {
            println!("skipped: this_systems_blkid_knows_nothing_of_noise: no blkid");
            return;
        }
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("noise");
        std::fs::write(&path, vec![0x5a; 1 << 16]).unwrap();
        assert_eq!(ask(&path), Answer::Nothing);
        assert_eq!(ask(&scratch.path().join("none")), Answer::Nothing);
    }
}
