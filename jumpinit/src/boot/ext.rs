//! An ext2, ext3 or ext4 that a power cut may have left half written.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use jumpspec::places::E2FSCK;
use jumpsys::cmd::{CmdError, Program};

/// How long it may take: a /boot is small.
const LIMIT: Duration = Duration::from_mins(2);
/// What e2fsck(8) ends with where it has mended something, and where it could not begin ("EXIT CODE").
const MENDED: i32 = 1;
const BUSY: i32 = 8;
/// Whoever asks for the status has it mounted to read, for a moment.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// Mends the file system on `device`, which is mounted nowhere, and says what was to be said. Where that
/// fails the kernel may still write there, and says so if not.
pub(super) fn mend(device: &Path) -> Option<String> {
    let mut told = None;
    for _ in 0..TRIES {
        let e2fsck = Program::new(Path::new("/").join(E2FSCK)).arg("-p");
        let error = e2fsck.arg(device).timeout(LIMIT).run().err()?;
        let code = match &error {
            CmdError::Failed { status, .. } => status.code(),
            _ => None,
        };
        if code == Some(MENDED) {
            return Some(format!("{} was not whole, and is mended", device.display()));
        }
        told = Some(format!("{} could not be mended: {error}", device.display()));
        if code != Some(BUSY) {
            break;
        }
        sleep(PAUSE);
    }
    told
}
