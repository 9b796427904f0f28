//! How long the moments of a life last when nobody cuts the power: measured once, and remembered.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::draw::Course;
use super::moment;
use super::walk::{Then, Walk};
use crate::cache;
use crate::interrupt::Interrupt;
use crate::small::{Checkpoint, SmallWorld};
use crate::vm::Network;

/// The two courses that lives take.
const CHECKPOINTS: [Checkpoint; 2] = [Checkpoint::Fresh, Checkpoint::Armed];

/// The courses, with the lengths of their moments.
pub(super) fn courses(
    world: &SmallWorld,
    network: &Network,
    interrupt: &Interrupt,
) -> Result<Vec<Course>> {
    let plan = world.plan()?;
    let moments = CHECKPOINTS.map(|checkpoint| moment::of(&plan, checkpoint));
    let mut courses: Vec<Course> = CHECKPOINTS
        .into_iter()
        .zip(moments)
        .map(|(checkpoint, moments)| Course {
            checkpoint,
            lengths: Vec::new(),
            moments,
        })
        .collect();
    let (file, stamp) = (world.beside("lengths.json"), world.beside("lengths.stamp"));
    let mut digest = cache::Digest::new("lengths 1");
    digest.text(world.digest());
    digest.text(&format!("{courses:?}"));
    let digest = digest.finish();
    if !cache::is_current(&stamp, &digest) {
        cache::forget(&stamp)?;
        eprintln!("power cuts: a rehearsal without a cut");
        let measured = courses
            .iter()
            .map(|course| measure(world, course, network, interrupt));
        let measured: Vec<Vec<u64>> = measured.collect::<Result<_>>()?;
        std::fs::write(&file, serde_json::to_vec(&measured)?)?;
        cache::remember(&stamp, &digest)?;
    }
    let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    // The milliseconds of each moment, by checkpoint.
    let lengths: Vec<Vec<u64>> = serde_json::from_slice(&text)?;
    for (course, lengths) in courses.iter_mut().zip(lengths) {
        ensure!(lengths.len() == course.moments.len(), "stale lengths");
        course.lengths = lengths;
    }
    Ok(courses)
}

/// Lives without a cut.
fn measure(
    world: &SmallWorld,
    course: &Course,
    network: &Network,
    interrupt: &Interrupt,
) -> Result<Vec<u64>> {
    let name = format!("rehearsal-{}", std::process::id());
    let node = world.copy(&name, course.checkpoint)?;
    let walk = Walk {
        node: &node,
        network,
        checkpoint: course.checkpoint,
        moments: &course.moments,
        interrupt,
    };
    let mut begun: Vec<Option<Instant>> = vec![None; course.moments.len()];
    let last = walk.live(|_, position, _| {
        if let Some(moment) = position.moment {
            begun[moment] = Some(position.begun);
        }
        Ok(Then::On)
    })?;
    let reached = last.moment.unwrap_or_default();
    ensure!(
        reached + 1 == course.moments.len(),
        "a life without a cut ended after: {}",
        course.moments[reached].words()
    );
    begun[reached] = Some(last.begun);
    Ok(lengths(&begun, Instant::now()))
}

/// A moment that was over before it was seen has no length.
fn lengths(begun: &[Option<Instant>], ended: Instant) -> Vec<u64> {
    let mut next = ended;
    let mut lengths: Vec<u64> = (begun.iter().rev())
        .map(|begun| {
            let length = begun.map_or(0, |begun| next.duration_since(begun).as_millis());
            next = begun.unwrap_or(next);
            u64::try_from(length).unwrap_or(u64::MAX)
        })
        .collect();
    lengths.reverse();
    lengths
}

#[cfg(test)]
mod tests {
    use super::{Instant, lengths};
    use std::time::Duration;

    #[test]
    fn a_moment_lasts_until_the_next_that_was_seen() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let begun = [Some(at(0)), None, Some(at(30)), Some(at(50))];
        assert_eq!(lengths(&begun, at(90)), [30, 0, 20, 40]);
    }
}
