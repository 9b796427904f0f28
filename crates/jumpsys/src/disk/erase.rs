//! Erases runs of a block device: zeros first, which are what is read from then on, then word to
//! the device that it may let go of the cells that held what was there before.
//!
//! Source: linux/fs.h, block/ioctl.c.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::Path;

use crate::disk::blockdev::open_exclusive;
use crate::error::{At as _, PathError};

/// As much is erased between two reports, in bytes.
const PIECE: u64 = 16 << 20;
/// What goes last, in bytes from the start: by it the device's content is known, so that erasing
/// that was cut off is seen and done again.
const HEAD: u64 = 64 << 10;

mod ioctl {
    nix::ioctl_write_ptr_bad!(blkdiscard, nix::request_code_none!(0x12, 119), [u64; 2]);
    nix::ioctl_write_ptr_bad!(blksecdiscard, nix::request_code_none!(0x12, 125), [u64; 2]);
    nix::ioctl_write_ptr_bad!(blkzeroout, nix::request_code_none!(0x12, 127), [u64; 2]);
}

/// Erases `runs` (bytes, ascending, in whole sectors) of `device`, from the last to the first.
/// `told` hears how many bytes are done and of how many; when it gives `false` erasing ends there,
/// which is no failure. Whether it came to its end.
///
/// # Errors
/// When the device is in use, or cannot be written.
pub fn erase(
    device: &Path,
    runs: &[Range<u64>],
    told: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<bool, PathError> {
    let file = open_exclusive(device)?;
    let total = runs.iter().map(|run| run.end - run.start).sum();
    let mut done = 0;
    for piece in pieces(runs) {
        if !told(done, total) {
            return Ok(false);
        }
        if piece.start == 0 {
            file.sync_all().at("sync", device)?;
        }
        zero(&file, &piece).at("erase", device)?;
        let_go(&file, &piece);
        done += piece.end - piece.start;
    }
    file.sync_all().at("sync", device)?;
    told(done, total);
    Ok(true)
}

/// In the order in which they are erased.
fn pieces(runs: &[Range<u64>]) -> impl Iterator<Item = Range<u64>> {
    runs.iter().rev().flat_map(|run| {
        let head = (run.start == 0).then(|| 0..HEAD.min(run.end));
        let start = head.as_ref().map_or(run.start, |head| head.end);
        let count = (run.end - start).div_ceil(PIECE);
        let body = (0..count).rev().map({
            let end = run.end;
            move |index| {
                let begin = start + index * PIECE;
                begin..(begin + PIECE).min(end)
            }
        });
        body.chain(head)
    })
}

/// The device writes the zeros itself where it can, and the kernel where not.
fn zero(file: &File, piece: &Range<u64>) -> io::Result<()> {
    if file.metadata()?.file_type().is_block_device() {
        let range = [piece.start, piece.end - piece.start];
        // SAFETY: BLKZEROOUT reads the two numbers behind the pointer.
        unsafe { ioctl::blkzeroout(file.as_raw_fd(), &raw const range) }?;
        return Ok(());
    }
    let length = usize::try_from(piece.end - piece.start).map_err(io::Error::other)?;
    file.write_all_at(&vec![0; length], piece.start)
}

/// Best effort: many devices cannot, and none has to.
fn let_go(file: &File, piece: &Range<u64>) {
    let range = [piece.start, piece.end - piece.start];
    // SAFETY: BLKSECDISCARD and BLKDISCARD read the two numbers behind the pointer.
    let secure = unsafe { ioctl::blksecdiscard(file.as_raw_fd(), &raw const range) };
    if secure.is_err() {
        // SAFETY: as above.
        unsafe { ioctl::blkdiscard(file.as_raw_fd(), &raw const range) }.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::{HEAD, PIECE, erase, pieces};
    use std::fs;

    #[test]
    fn what_the_content_is_known_by_goes_last() {
        let runs = [0..PIECE + HEAD + 512, 4 * PIECE..4 * PIECE + 1024];
        let order: Vec<_> = pieces(&runs).collect();
        let expected = [
            4 * PIECE..4 * PIECE + 1024,
            HEAD + PIECE..HEAD + PIECE + 512,
            HEAD..HEAD + PIECE,
            0..HEAD,
        ];
        assert_eq!(order, expected);
        let short = 0..512;
        let alone = std::slice::from_ref(&short);
        assert_eq!(pieces(alone).collect::<Vec<_>>(), alone);
    }

    #[test]
    fn only_the_runs_are_erased_and_an_end_in_between_leaves_the_head() {
        let image = tempfile::NamedTempFile::new().unwrap();
        fs::write(image.path(), vec![7; 1 << 20]).unwrap();
        let runs = [0..128 << 10, 512 << 10..1 << 20];
        let mut heard = 0;
        let mut first_only = |_, _| {
            heard += 1;
            heard < 2
        };
        assert!(!erase(image.path(), &runs, &mut first_only).unwrap());
        let bytes = fs::read(image.path()).unwrap();
        assert!(bytes[..512 << 10].iter().all(|byte| *byte == 7));
        assert!(bytes[512 << 10..].iter().all(|byte| *byte == 0));
        assert!(erase(image.path(), &runs, &mut |_, _| true).unwrap());
        let bytes = fs::read(image.path()).unwrap();
        assert!(bytes[..128 << 10].iter().all(|byte| *byte == 0));
        assert!(bytes[128 << 10..512 << 10].iter().all(|byte| *byte == 7));
    }
}
