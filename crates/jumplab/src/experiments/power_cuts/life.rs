//! One life of a node, from a checkpoint, with several power cuts.
//!
//! A guest that stands still has on its disk what a power cut would leave there, so all cuts but the last
//! are copies of the disk, and the life goes on. The last is a real SIGKILL.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::draw::{Course, Draw, Life};
use super::stage::Stage;
use super::walk::{Position, Then, Walk};
use crate::interrupt::Interrupt;
use crate::small::{SmallNode, SmallWorld};
use crate::vm::Network;

/// A node whose power was cut.
pub(super) struct Cut<'a> {
    pub(super) draw: Draw,
    pub(super) course: &'a Course,
    /// The index of the moment that it had come to, which may be a later one than was drawn.
    pub(super) moment: usize,
    /// How long ago that was.
    pub(super) after: Duration,
    /// The disk, as the cut left it.
    pub(super) node: SmallNode,
    /// By SIGKILL, not by a copy.
    pub(super) by_kill: bool,
}

impl Cut<'_> {
    /// The stage that it hit.
    pub(super) fn stage(&self) -> Stage {
        self.course.moments[self.moment].stage
    }

    /// When it was, in words.
    pub(super) fn when(&self) -> String {
        let words = self.course.moments[self.moment].words();
        format!("{words} +{} ms", self.after.as_millis())
    }
}

/// Where lives are lived.
pub(super) struct Ground<'a> {
    pub(super) world: &'a SmallWorld,
    pub(super) network: &'a Network,
    pub(super) interrupt: &'a Interrupt,
    /// What nodes are called here.
    pub(super) name: &'a str,
}

/// Lives one life and returns its cuts, the last of which was by SIGKILL.
pub(super) fn live<'a>(ground: &Ground<'_>, life: &Life<'a>) -> Result<Vec<Cut<'a>>> {
    let (course, name) = (life.course, ground.name);
    let node = ground.world.copy(name, course.checkpoint)?;
    let mut ahead = VecDeque::from(life.draws.clone());
    let mut cuts = Vec::new();
    let walk = Walk {
        node: &node,
        network: ground.network,
        checkpoint: course.checkpoint,
        moments: &course.moments,
        interrupt: ground.interrupt,
    };
    let cut = |draw: Draw, at: Position, now: Instant, node: SmallNode| Cut {
        draw,
        course,
        moment: at.moment.unwrap_or_default(),
        after: now.saturating_duration_since(at.begun),
        node,
        by_kill: false,
    };
    let copy = |draw: &Draw| node.copy(&format!("{name}-cut-{}", draw.number));
    let mut ended = Instant::now();
    let last = walk.live(|guest, position, again| {
        ended = Instant::now();
        if !ahead.front().is_some_and(|draw| is_due(draw, position)) {
            return Ok(Then::On);
        }
        if ahead.len() == 1 {
            return Ok(Then::Cut);
        }
        if let Some(draw) = ahead.pop_front() {
            let frozen = guest.freeze()?;
            let (now, copied) = (Instant::now(), copy(&draw)?);
            cuts.push(cut(draw, again()?, now, copied));
            frozen.thaw()?;
        }
        Ok(Then::On)
    })?;
    // Those that the life was too short for have the power cut between two systems.
    while ahead.len() > 1 {
        if let Some(draw) = ahead.pop_front() {
            let copied = copy(&draw)?;
            cuts.push(cut(draw, last, ended, copied));
        }
    }
    if let Some(draw) = ahead.pop_front() {
        cuts.push(Cut {
            by_kill: true,
            ..cut(draw, last, ended, node)
        });
    }
    Ok(cuts)
}

fn is_due(draw: &Draw, position: Position) -> bool {
    let Some(moment) = position.moment else {
        return false;
    };
    let after = || position.begun.elapsed() >= Duration::from_millis(draw.after);
    moment > draw.moment || moment == draw.moment && after()
}
