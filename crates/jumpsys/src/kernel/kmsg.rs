//! The kernel's log of this boot, as `/dev/kmsg` gives it. Only reads.
//!
//! Source: the kernel's Documentation/ABI/testing/dev-kmsg.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use nix::libc;

use crate::error::{At as _, PathError};

/// No record is longer: `PRINTK_MESSAGE_MAX`, kernel/printk/internal.h, with room to spare.
const RECORD: usize = 8192;

/// The newest lines of the log, at most `most` bytes of them, each as `[  seconds] text`.
pub fn read_newest(most: usize) -> Result<String, PathError> {
    let path = Path::new("/dev/kmsg");
    let mut log = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .at("open", path)?;
    let (mut lines, mut bytes) = (VecDeque::new(), 0);
    let mut record = [0; RECORD];
    loop {
        let length = match log.read(&mut record) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            // EPIPE: what was to come next is overwritten; the next read goes on behind it.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => continue,
            Err(error) => return Err(error).at("read", path),
        };
        let Some(line) = parse(&String::from_utf8_lossy(&record[..length])) else {
            continue;
        };
        bytes += line.len();
        lines.push_back(line);
        while bytes > most {
            bytes -= lines.pop_front().map_or(bytes, |line: String| line.len());
        }
    }
    Ok(lines.into_iter().collect())
}

/// A record: `priority,sequence,microseconds,flags[,…];text`, then lines of a dictionary.
fn parse(record: &str) -> Option<String> {
    let (head, text) = record.split_once(';')?;
    let micros: u64 = head.split(',').nth(2)?.parse().ok()?;
    let text = text.lines().next().unwrap_or_default();
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    Some(format!("[{seconds:5}.{rest:06}] {text}\n"))
}

#[cfg(test)]
mod tests {
    use super::{parse, read_newest};

    #[test]
    fn a_record_becomes_a_line() {
        let record = "6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=x\n";
        assert_eq!(
            parse(record).unwrap(),
            "[    5.140900] NET: Registered protocol family 10\n"
        );
        assert_eq!(parse("garbage"), None);
    }

    #[test]
    fn no_more_than_asked_for_is_kept() {
        match read_newest(500) {
            Ok(text) => assert!(text.len() <= 500),
            Err(error) => println!("skipped: this machine's kernel log: {error}"),
        }
    }
}
