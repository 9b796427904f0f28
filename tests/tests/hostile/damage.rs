//! Images that are not as they were written: cut, shuffled, repeated, with bits flipped
//! and bombs in them. `jumpimg verify` and `jumpinit extract` must refuse each of them.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};

use crate::arena::Arena;
use crate::frames::{self, Parts};
use crate::image;
use crate::measured::{self, Outcome};
use crate::{Case, Needs::Root};

/// One of these says what of an image is wrong.
const WHY: &[&str] = &[
    "cut short",
    "damaged",
    "follow",
    "digest",
    "not a jump image",
    "format",
    "header",
    "archive",
];

pub(crate) const CASES: &[Case] = &[
    ("the_image_itself_is_accepted", Root, || {
        let arena = Arena::new()?;
        arena.extract(image::bytes()?)?.accepted()?;
        verify(&arena)?.accepted()
    }),
    ("a_cut_image_is_refused", Root, cut),
    (
        "an_image_without_one_of_its_frames_is_refused",
        Root,
        || each_frame(|image, parts, frame| without(image, &parts.frames[frame])),
    ),
    ("an_image_with_a_frame_twice_is_refused", Root, || {
        each_frame(|image, parts, frame| {
            let range = parts.frames[frame].clone();
            with(image, range.end..range.end, &image[range])
        })
    }),
    ("an_image_with_two_frames_swapped_is_refused", Root, || {
        each_frame(|image, parts, frame| {
            let next = (frame + 1) % parts.frames.len();
            swapped(image, &parts.frames[frame], &parts.frames[next])
        })
    }),
    (
        "an_image_with_a_frame_instead_of_another_is_refused",
        Root,
        || {
            each_frame(|image, parts, frame| {
                let other = parts.frames[(frame + 1) % parts.frames.len()].clone();
                with(image, parts.frames[frame].clone(), &image[other])
            })
        },
    ),
    ("an_image_with_its_index_elsewhere_is_refused", Root, || {
        let image = image::bytes()?;
        let parts = frames::parts(image)?;
        let index = &image[parts.index.clone()];
        let rest = without(image, &parts.index);
        let first = parts.front.end..parts.front.end;
        refused(&with(&rest, first, index))?;
        refused(&[image, index].concat())?;
        let front = &image[parts.front.clone()];
        refused(&[front, image].concat())?;
        // Without its front it is but a tar.zst, which `extract` takes as one.
        let arena = Arena::new()?;
        let last = [&image[parts.front.end..], front].concat();
        std::fs::write(arena.archive(), last)?;
        verify(&arena)?.refused("archive", WHY)
    }),
    ("two_images_in_one_file_are_refused", Root, || {
        refused(&image::bytes()?.repeat(2))
    }),
    ("bytes_behind_an_image_are_refused", Root, || {
        let more = [
            vec![0],
            vec![0; 4096],
            frames::skippable(b"more"),
            frames::raw(17, &[0; 1024]),
        ];
        for more in more {
            refused(&[image::bytes()?, &more].concat())?;
        }
        Ok(())
    }),
    // Of the same length, so that nothing moves; the digest alone tells.
    ("a_bomb_in_a_frames_place_is_refused", Root, || {
        each_frame(|image, parts, frame| {
            let range = parts.frames[frame].clone();
            let bomb = frames::bomb(range.len());
            with(image, range, &bomb)
        })
    }),
    ("a_bomb_of_four_gibibytes_is_refused", Root, || {
        let image = image::bytes()?;
        let frame = frames::parts(image)?.frames[1].clone();
        refused(&with(image, frame, &frames::bomb(128 << 10)))
    }),
    ("a_bomb_in_the_index_is_refused", Root, bomb_in_index),
    ("a_flipped_bit_in_front_is_refused", Root, || {
        flipped(24, |parts| parts.front.clone())
    }),
    // Magic number, length and what makes it ours: with another of these it could pass
    // for a tar.zst with something to skip in front, of which nothing would be checked.
    (
        "no_flipped_bit_makes_an_image_a_foreign_archive",
        Root,
        || {
            let image = image::bytes()?;
            for at in 0..16 {
                let mut changed = image.to_vec();
                changed[at] ^= 1 << (at % 4);
                refused(&changed).with_context(|| format!("byte {at}"))?;
            }
            Ok(())
        },
    ),
    ("a_flipped_bit_in_a_frame_is_refused", Root, || {
        for frame in 0..frames::parts(image::bytes()?)?.frames.len() {
            flipped(4, |parts| parts.frames[frame].clone())?;
        }
        Ok(())
    }),
    ("a_flipped_bit_in_the_index_is_refused", Root, || {
        flipped(16, |parts| parts.index.clone())
    }),
];

fn verify(arena: &Arena) -> Result<Outcome> {
    let arguments = ["verify".into(), arena.archive().into_os_string()];
    measured::run(&jump_tests::bin("jumpimg"), &arguments)
}

/// Both programs refuse these bytes.
fn refused(image: &[u8]) -> Result<()> {
    let arena = Arena::new()?;
    let extracted = arena.extract(image)?;
    extracted.refused("archive", WHY).context("extract")?;
    verify(&arena)?.refused("archive", WHY).context("verify")
}

fn each_frame(change: impl Fn(&[u8], &Parts, usize) -> Vec<u8>) -> Result<()> {
    let image = image::bytes()?;
    let parts = frames::parts(image)?;
    for frame in 0..parts.frames.len() {
        let changed = change(image, &parts, frame);
        ensure!(changed != image, "frame {frame}: nothing was changed");
        refused(&changed).with_context(|| format!("frame {frame}"))?;
    }
    Ok(())
}

fn with(image: &[u8], place: Range<usize>, bytes: &[u8]) -> Vec<u8> {
    [&image[..place.start], bytes, &image[place.end..]].concat()
}

fn without(image: &[u8], place: &Range<usize>) -> Vec<u8> {
    with(image, place.clone(), &[])
}

fn swapped(image: &[u8], one: &Range<usize>, two: &Range<usize>) -> Vec<u8> {
    let (first, second) = if one.start < two.start {
        (one, two)
    } else {
        (two, one)
    };
    let rest = with(image, second.clone(), &image[first.clone()]);
    with(&rest, first.clone(), &image[second.clone()])
}

fn cut() -> Result<()> {
    let image = image::bytes()?;
    let parts = frames::parts(image)?;
    let mut cuts: Vec<usize> = parts
        .frames
        .iter()
        .flat_map(|frame| [frame.start - 1, frame.start, frame.start + 1])
        .collect();
    cuts.extend([1, 4, 11, 12, 100, parts.front.end / 2]);
    cuts.extend([parts.index.start, parts.index.start + 1]);
    cuts.extend([image.len() - 1, image.len() - 2]);
    cuts.extend(Samples(7).take(10).map(|n| n % image.len()));
    for length in cuts {
        refused(&image[..length]).with_context(|| format!("cut at {length}"))?;
    }
    Ok(())
}

/// Each zstd frame within the index becomes a bomb of its length.
fn bomb_in_index() -> Result<()> {
    let image = image::bytes()?;
    let index = frames::parts(image)?.index;
    let bytes = &image[index.clone()];
    let mut at = 0;
    let mut bombs = 0;
    while let Some(found) = bytes[at..]
        .windows(4)
        .position(|four| four == frames::MAGIC)
    {
        let begin = at + found;
        at = begin + 4;
        let Ok(length) = zstd::zstd_safe::find_frame_compressed_size(&bytes[begin..]) else {
            continue;
        };
        let place = index.start + begin..index.start + begin + length;
        refused(&with(image, place, &frames::bomb(length.max(16))))?;
        bombs += 1;
        at = begin + length;
    }
    ensure!(bombs > 0, "no zstd frame is in the index");
    Ok(())
}

/// Flips `count` bits, one at a time: the first and the last, and samples between them.
fn flipped(count: usize, part: impl Fn(&Parts) -> Range<usize>) -> Result<()> {
    let image = image::bytes()?;
    let range = part(&frames::parts(image)?);
    let samples = Samples(range.start as u64 + 1).take(count - 2);
    let places = samples.map(|n| range.start + n % range.len());
    for at in places.chain([range.start, range.end - 1]) {
        let mut changed = image.to_vec();
        changed[at] ^= 1 << (at % 8);
        refused(&changed).with_context(|| format!("bit {} of byte {at}", at % 8))?;
    }
    Ok(())
}

/// Numbers that look random and are the same each time: Knuth's MMIX generator.
struct Samples(u64);

impl Iterator for Samples {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).ok()
    }
}
