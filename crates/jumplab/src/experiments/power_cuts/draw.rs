//! Where power is cut: drawn from a seed, spread over the stages. Pure.

use super::moment::Moment;
use super::stage::Stage;
use crate::random::SplitMix;
use crate::small::Checkpoint;

/// How many cuts one life gives at most: their disks wait in memory.
const MOST_IN_A_LIFE: usize = 6;

/// One cut that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draw {
    /// Counted from 1.
    pub(super) number: usize,
    /// With it and the stage alone the same cut is drawn again.
    pub(super) seed: u64,
    pub(super) stage: Stage,
    /// The moment's index.
    pub(super) moment: usize,
    /// Milliseconds since the moment came.
    pub(super) after: u64,
}

/// The moments of lives from one checkpoint, and how many milliseconds each lasts.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub(super) checkpoint: Checkpoint,
    pub(super) moments: Vec<Moment>,
    pub(super) lengths: Vec<u64>,
}

/// The cuts of one life, in their order.
#[derive(Debug, Clone)]
pub(super) struct Life<'a> {
    pub(super) course: &'a Course,
    pub(super) draws: Vec<Draw>,
}

/// Draws `count` cuts over `stages` and shares them out to lives.
pub(super) fn lives<'a>(
    courses: &'a [Course],
    stages: &[Stage],
    count: usize,
    seed: u64,
) -> Vec<Life<'a>> {
    let mut seeds = SplitMix::new(seed);
    let mut draws: Vec<Vec<Draw>> = vec![Vec::new(); courses.len()];
    for (index, stage) in stages.iter().cycle().take(count).enumerate() {
        // The first cut's seed is the seed itself, so that one cut can be named by it.
        let own = if index == 0 { seed } else { seeds.draw() };
        let found = (courses.iter().zip(&mut draws)).find_map(|(course, draws)| {
            draw(course, *stage, own).map(|(moment, after)| (draws, moment, after))
        });
        if let Some((draws, moment, after)) = found {
            draws.push(Draw {
                number: index + 1,
                seed: own,
                stage: *stage,
                moment,
                after,
            });
        }
    }
    let mut lives = Vec::new();
    for (course, draws) in courses.iter().zip(draws) {
        for some in draws.chunks(MOST_IN_A_LIFE) {
            let mut draws = some.to_vec();
            draws.sort_by_key(|draw| (draw.moment, draw.after));
            lives.push(Life { course, draws });
        }
    }
    lives
}

/// An instant of the stage: every other time some while after one of its moments, which gives short
/// steps their share; else at any time of it.
fn draw(course: &Course, stage: Stage, seed: u64) -> Option<(usize, u64)> {
    let mut random = SplitMix::new(seed);
    let moments: Vec<usize> = (0..course.moments.len())
        .filter(|index| course.moments[*index].stage == stage)
        .collect();
    if moments.is_empty() {
        return None;
    }
    if random.draw().is_multiple_of(2) {
        let picked = below(&mut random, moments.len() as u64)?;
        let moment = moments[usize::try_from(picked).ok()?];
        return Some((moment, below(&mut random, course.lengths[moment].max(1))?));
    }
    let whole: u64 = moments.iter().map(|index| course.lengths[*index]).sum();
    let mut at = below(&mut random, whole.max(1))?;
    for index in &moments {
        if at < course.lengths[*index] {
            return Some((*index, at));
        }
        at -= course.lengths[*index];
    }
    moments.last().map(|last| (*last, at))
}

/// A number below `end`.
fn below(random: &mut SplitMix, end: u64) -> Option<u64> {
    random.draw().checked_rem(end)
}

#[cfg(test)]
mod tests {
    use super::{Course, Life, lives};
    use crate::experiments::power_cuts::moment::{Moment, Sign};
    use crate::experiments::power_cuts::stage::Stage;
    use crate::small::Checkpoint;

    fn course(checkpoint: Checkpoint, stages: &[(Stage, u64)]) -> Course {
        let moment = |(index, (stage, _)): (usize, &(Stage, u64))| Moment {
            stage: *stage,
            sign: Sign::Line(index.to_string()),
        };
        Course {
            checkpoint,
            moments: stages.iter().enumerate().map(moment).collect(),
            lengths: stages.iter().map(|(_, length)| *length).collect(),
        }
    }

    fn courses() -> [Course; 2] {
        [
            course(Checkpoint::Fresh, &[(Stage::S0, 900), (Stage::S1, 10)]),
            course(
                Checkpoint::Armed,
                &[(Stage::S5, 5), (Stage::S5, 2000), (Stage::S6, 0)],
            ),
        ]
    }

    fn cuts(lives: &[Life<'_>]) -> Vec<super::Draw> {
        let mut cuts: Vec<_> = lives.iter().flat_map(|life| life.draws.clone()).collect();
        cuts.sort_by_key(|cut| cut.number);
        cuts
    }

    #[test]
    fn the_same_seed_cuts_at_the_same_instants() {
        let (courses, stages) = (courses(), [Stage::S0, Stage::S5, Stage::S6]);
        let drawn = |seed| cuts(&lives(&courses, &stages, 31, seed));
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn one_cut_s_seed_and_stage_draw_it_again() {
        let courses = courses();
        let many = cuts(&lives(&courses, &[Stage::S0, Stage::S5], 20, 7));
        for cut in many {
            let alone = cuts(&lives(&courses, &[cut.stage], 1, cut.seed));
            assert_eq!((alone[0].moment, alone[0].after), (cut.moment, cut.after));
        }
    }

    #[test]
    fn every_stage_has_its_share_and_every_cut_is_within_its_moment() {
        let courses = courses();
        let stages = [Stage::S0, Stage::S1, Stage::S5];
        let drawn = lives(&courses, &stages, 300, 1);
        for life in &drawn {
            for cut in &life.draws {
                assert_eq!(life.course.moments[cut.moment].stage, cut.stage);
                assert!(cut.after < life.course.lengths[cut.moment]);
            }
        }
        for stage in stages {
            assert_eq!(
                cuts(&drawn).iter().filter(|cut| cut.stage == stage).count(),
                100
            );
        }
    }

    #[test]
    fn a_life_gives_its_cuts_in_their_order() {
        let courses = courses();
        for life in lives(&courses, &[Stage::S5, Stage::S6], 50, 3) {
            assert!(life.draws.len() <= super::MOST_IN_A_LIFE);
            let sorted = life.draws.is_sorted_by_key(|cut| (cut.moment, cut.after));
            assert!(sorted, "{life:?}");
        }
    }
}
