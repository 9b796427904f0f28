//! What the jump system and the new one of an acted node tell of their work: a log that only grows,
//! worked out from the node's moments. Pure.

use jumpspec::run::event::{Destination, Event, Next, What};
use jumpspec::run::failure::Failure;
use jumpspec::run::task::StepId;
use jumpspec::step::Stage;

use super::node::Node;
use super::settings::Times;

/// Bytes that the replacement unpacks, as it tells.
const UNPACKED: u64 = 1 << 30;

/// What it has told until `now`, an event a line. `failure` is why it stays in its jump system, if it
/// does.
pub(super) fn told(node: &Node, times: &Times, failure: Option<Failure>, now: u64) -> String {
    let mut story = Story::default();
    story.tell(node, times, failure);
    let mut text = String::new();
    for (_, event) in story.0.iter().filter(|(at, _)| *at <= now) {
        // An event has nothing that JSON cannot have.
        text += &serde_json::to_string(event).unwrap_or_default();
        text.push('\n');
    }
    text
}

/// Events with their moments.
#[derive(Default)]
struct Story(Vec<(u64, Event)>);

impl Story {
    fn tell(&mut self, node: &Node, times: &Times, failure: Option<Failure>) {
        let moments = &node.moments;
        let Some(booted) = moments.jump else { return };
        let at = Boot { booted };
        let part = times.prove / 3;
        for (index, step) in [StepId::ProveDisks, StepId::ProveNetwork, StepId::ProveSshd]
            .into_iter()
            .enumerate()
        {
            let begun = booted + part * index as u64;
            self.step(at, Stage::Prove, step, begun, begun + part);
        }
        let Some(replace) = moments.replace else {
            return;
        };
        self.step(at, Stage::Prove, StepId::Commit, replace, replace);
        let after = |percent: u64| replace + times.replace * percent / 100;
        self.step(at, Stage::Replace, StepId::Mkfs, replace, after(5));
        let extract = StepId::Extract.into();
        self.add(after(5), at, Stage::Replace, What::Begin { task: extract });
        for percent in [20, 40, 60, 80] {
            let progress = What::Progress {
                task: StepId::Extract.into(),
                done: UNPACKED * percent / 100,
                total: UNPACKED,
            };
            if moments.stuck.is_none_or(|stuck| after(percent) < stuck) {
                self.add(after(percent), at, Stage::Replace, progress);
            }
        }
        if let (Some(stuck), Some(failure)) = (moments.stuck, failure) {
            let next = Next::JumpStays;
            self.add(stuck, at, Stage::Stuck, What::Failed { failure, next });
            return;
        }
        let Some(left) = moments.left else { return };
        let done = What::Done {
            task: StepId::Extract.into(),
            millis: times.replace * 85 / 100,
        };
        self.add(after(90), at, Stage::Replace, done);
        self.step(at, Stage::Replace, StepId::InstallGrub, after(90), left);
        let into = Destination::New;
        self.add(left, at, Stage::Try, What::Reboot { into });
        let Some(new) = moments.new else { return };
        let at = Boot { booted: new };
        let Some(finished) = moments.finished else {
            return;
        };
        self.step(at, Stage::Try, StepId::CheckHealth, new, finished);
        self.add(finished, at, Stage::Finish, What::Complete);
    }

    fn step(&mut self, boot: Boot, stage: Stage, step: StepId, begun: u64, done: u64) {
        self.add(begun, boot, stage, What::Begin { task: step.into() });
        let end = What::Done {
            task: step.into(),
            millis: done - begun,
        };
        self.add(done, boot, stage, end);
    }

    fn add(&mut self, at: u64, boot: Boot, stage: Stage, what: What) {
        let event = Event {
            uptime_ms: at.saturating_sub(boot.booted),
            stage,
            what,
        };
        self.0.push((at, event));
    }
}

/// Since when a system runs.
#[derive(Clone, Copy)]
struct Boot {
    booted: u64,
}
