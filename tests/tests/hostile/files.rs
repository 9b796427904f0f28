//! Something else where an image should be: none of it may be taken, hold the program
//! up, or make it read without end.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::arena::Arena;
use crate::measured::{self, Outcome};
use crate::{Case, Needs::Root};

/// One of these says what is wrong.
const WHY: &[&str] = &[
    "not a jump image",
    "archive",
    "empty",
    "cut short",
    "directory",
    "regular",
    "file",
    "header",
];

pub(crate) const CASES: &[Case] = &[
    ("an_empty_file_is_refused", Root, || {
        let arena = Arena::new()?;
        fs::write(arena.archive(), "")?;
        both(&arena, &arena.archive())
    }),
    ("a_file_of_zeros_is_refused", Root, || {
        let arena = Arena::new()?;
        // As large as nothing that could be held in memory, and no block of it there.
        File::create(arena.archive())?.set_len(1 << 30)?;
        both(&arena, &arena.archive())
    }),
    ("a_directory_is_refused", Root, || {
        let arena = Arena::new()?;
        fs::create_dir(arena.archive())?;
        both(&arena, &arena.archive())
    }),
    ("a_fifo_is_no_image_and_not_waited_for", Root, || {
        let arena = Arena::new()?;
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, arena.archive(), FileType::Fifo, mode, 0)?;
        // `jumpinit extract` reads archives from pipes, and waits for them as `tar` does.
        verify(&arena.archive())
    }),
    ("a_device_is_refused", Root, || {
        let arena = Arena::new()?;
        for device in ["/dev/zero", "/dev/null", "/dev/random"] {
            both(&arena, Path::new(device)).context(device)?;
        }
        Ok(())
    }),
    ("a_root_that_is_no_directory_is_a_failure", Root, || {
        let arena = Arena::new()?;
        fs::remove_dir(arena.root())?;
        fs::write(arena.root(), "mine")?;
        let archive = crate::ustar::Tar::new().file("file", "1").end();
        let outcome = arena.extract(&archive)?;
        ensure!(outcome.code == Some(1), "{outcome:?}");
        ensure!(fs::read(arena.root())? == b"mine", "it was overwritten");
        Ok(())
    }),
];

/// Both programs refuse what is at this path, and the root stays empty.
fn both(arena: &Arena, path: &Path) -> Result<()> {
    let shown = path.display().to_string();
    let extracted = arena.extract_file(path)?;
    extracted.refused(&shown, WHY).context("extract")?;
    arena.holds(&[])?;
    verify(path)
}

fn verify(path: &Path) -> Result<()> {
    let shown = path.display().to_string();
    let arguments = [OsString::from("verify"), path.as_os_str().to_owned()];
    let verified: Outcome = measured::run(&jump_tests::bin("jumpimg"), &arguments)?;
    verified.refused(&shown, WHY).context("verify")
}
