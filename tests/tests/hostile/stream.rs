//! Images that arrive as a stream, as the jump image does over SSH: the index comes
//! last, so frames are unpacked before anything says what they should be.
//!
//! No command line unpacks a stream by itself. The test program is called once more to
//! do it by the library, in a process whose memory can be measured.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::BufReader;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use jumparchive::{UnpackOptions, unpack_stream};

use crate::arena::Arena;
use crate::{Case, Needs::Root};
use crate::{frames, image};

/// First argument of a call that is to unpack a stream.
const CALL: &str = "--unpack-stream";
/// One of these says what of a stream is wrong.
const WHY: &[&str] = &["frame", "index", "cut short", "damaged", "follow", "length"];

pub(crate) const CASES: &[Case] = &[
    ("a_streamed_image_is_accepted", Root, || {
        unpacked(&Arena::new()?, image::bytes()?)?.accepted()
    }),
    ("a_bomb_in_a_stream_is_refused", Root, || {
        let image = image::bytes()?;
        for (number, frame) in frames::parts(image)?.frames.into_iter().enumerate() {
            for length in [frame.len(), 128 << 10] {
                let bomb = frames::bomb(length);
                let stream = [&image[..frame.start], &bomb, &image[frame.end..]].concat();
                let outcome = unpacked(&Arena::new()?, &stream)?;
                let named = format!("frame {number}");
                outcome.refused(&named, WHY).context("bomb")?;
            }
        }
        Ok(())
    }),
    (
        "a_frame_with_a_window_of_gibibytes_is_refused",
        Root,
        || {
            let image = image::bytes()?;
            let frame = frames::parts(image)?.frames[0].clone();
            for log in [31, 41] {
                let other = frames::raw(log, &[0; 1024]);
                let stream = [&image[..frame.start], &other, &image[frame.end..]].concat();
                let outcome = unpacked(&Arena::new()?, &stream)?;
                outcome.refused("frame 0", WHY).context("window")?;
            }
            Ok(())
        },
    ),
    ("a_stream_of_other_frames_is_refused", Root, || {
        let image = image::bytes()?;
        let parts = frames::parts(image)?;
        let (one, two) = (parts.frames[0].clone(), parts.frames[1].clone());
        let whole = one.start..two.end;
        let changes: [&[&[u8]]; 4] = [
            &[&image[two.clone()], &image[one.clone()]],
            &[&image[one.clone()], &image[one.clone()]],
            &[&image[one.clone()]],
            &[&image[whole.clone()], &image[two.clone()]],
        ];
        for change in changes {
            let front = &image[..whole.start];
            let stream = [&[front], change, &[&image[whole.end..]]].concat().concat();
            let outcome = unpacked(&Arena::new()?, &stream)?;
            // Entries may come twice before the index comes.
            let why = [WHY, crate::reason::EXISTS].concat();
            outcome.refused("", &why).context("other frames")?;
        }
        Ok(())
    }),
    ("a_stream_that_ends_early_is_refused", Root, || {
        let image = image::bytes()?;
        let parts = frames::parts(image)?;
        let frame = &parts.frames[2];
        for length in [
            frame.start,
            frame.start + 1,
            parts.index.start,
            image.len() - 1,
        ] {
            let outcome = unpacked(&Arena::new()?, &image[..length])?;
            outcome.refused("", WHY).context("early end")?;
        }
        Ok(())
    }),
    ("bytes_behind_a_stream_are_refused", Root, || {
        let stream = [image::bytes()?, b"more"].concat();
        unpacked(&Arena::new()?, &stream)?.refused("follow", WHY)
    }),
];

fn unpacked(arena: &Arena, stream: &[u8]) -> Result<crate::measured::Outcome> {
    fs::write(arena.archive(), stream)?;
    let arguments: [OsString; 3] = [
        CALL.into(),
        arena.archive().into_os_string(),
        arena.root().into_os_string(),
    ];
    arena.watched(&env::current_exe()?, &arguments)
}

/// Whether this is the call that unpacks a stream; if so, it has done its work, and
/// ends as `jumpinit` would.
pub(crate) fn called() -> Option<ExitCode> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let [call, stream, root] = arguments.as_slice() else {
        return None;
    };
    if call != OsStr::new(CALL) {
        return None;
    }
    Some(match unpack(Path::new(stream), Path::new(root)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    })
}

fn unpack(stream: &Path, root: &Path) -> Result<()> {
    let (stream, root) = (File::open(stream)?, File::open(root)?);
    let stream = BufReader::new(stream);
    unpack_stream(stream, root.as_fd(), &UnpackOptions::default())?;
    Ok(())
}
