//! Doors for the fuzz targets of `tests/fuzz`: whatever comes in, what follows from it is worked
//! out and drawn to its end. Compiled with `--cfg fuzzing` only.

use std::time::Duration;

use crate::answers::{self, Tail};
use crate::node::facts::Facts;
use crate::planner::sample::{self, Sample};
use crate::planner::{Hangs, Rehearsal, succession};
use crate::render;
use crate::run::arm;
use crate::run::event::What;
use crate::run::report::{NodeReport, RehearsalReport};
use crate::run::status::{Kept, Status};
use crate::run::timeline::Timeline;
use crate::words::shown;
use crate::words::size::Size;

/// What a node may answer to any question, and what jumpimg goes on to do with it.
pub fn answers(said: &str) {
    if let Ok(facts) = answers::read::<Facts>(said) {
        of_facts(&facts);
    }
    if let Ok(status) = answers::read::<Status>(said) {
        of_status(&status);
    }
    if let Ok(kept) = answers::read::<Kept>(said) {
        of_kept(&kept);
    }
    if let Ok(report) = answers::read::<NodeReport>(said) {
        assert_eq!(answers::report(said, &report.run), Some(report));
    }
    of_log(said);
}

/// The planner over a node, for a job that keeps its data and for one that makes all anew, and the
/// drawing of what it plans or refuses.
fn of_facts(facts: &Facts) {
    for job in sample::jobs() {
        let mut sample = Sample::of(facts, &job);
        let in_memory = Rehearsal::InMemory(Hangs::Hand);
        for rehearsal in [None, Some(Rehearsal::Firmware), Some(in_memory)] {
            sample.rehearsal = rehearsal;
            match sample.planned() {
                Ok(plan) => drop(render::plan(&plan, facts)),
                Err(refusals) => {
                    assert!(!refusals.is_empty(), "a refusal has a reason");
                    drop(render::refusals(&facts.hostname, &refusals));
                }
            }
        }
    }
}

fn of_status(status: &Status) {
    let _ = (status.is_committed(), status.reason());
    if let Some(journal) = &status.journal {
        arm::is_ordered(journal);
    }
    drop((render::status(status), render::status_line("node", status)));
}

/// A run of another host's: it is drawn, and another job's plan may take its place.
fn of_kept(kept: &Kept) {
    let (plan, facts) = (&kept.plan, kept.facts.as_ref());
    if let Some(facts) = facts {
        drop(render::plan(plan, facts));
        of_facts(facts);
        let next = Sample::of(facts, &sample::job()).planned();
        if let Ok(next) = next {
            drop(succession::check(plan, &next));
            drop(succession::not_saved(plan, &next));
        }
    }
    let waits = &plan.wait;
    let all = [waits.boot, waits.prove, waits.replace, waits.health];
    // As whoever follows a run adds them up, to a moment on the clock.
    let sum: Duration = all.into_iter().map(|wait| wait.0 * 2).sum();
    assert!(sum < Duration::from_hours(24 * 365), "{sum:?}");
    drop(RehearsalReport::new(plan, &[]));
}

/// A log, at once and line by line.
fn of_log(said: &str) {
    let events = answers::events(said);
    let mut tail = Tail::new(0);
    let lines = said.as_bytes().split_inclusive(|byte| *byte == b'\n');
    let followed = lines.filter_map(|line| tail.line(line)).count();
    assert!(tail.offset() <= said.len() as u64 && followed <= events.len());
    let mut timeline = Timeline::default();
    for event in &events {
        let now = Duration::from_secs(60);
        let uptime = Duration::from_millis(event.uptime_ms);
        timeline.jump_uptime(now, uptime);
        timeline.event(event);
        timeline.new_uptime(now, uptime);
        drop((
            render::event(&event.what, "  "),
            render::seconds(event.uptime_ms),
        ));
        if let What::Progress { task, done, total } = &event.what {
            drop((
                shown::line(&task.to_string()).into_owned(),
                Size(*done).to_string(),
                Size(*total).to_string(),
            ));
        }
    }
    timeline.end(Duration::from_secs(90));
    drop(timeline.spans());
    if !events.is_empty() {
        let plan = sample::planned(&sample::facts(), &sample::job());
        drop(plan.map(|plan| RehearsalReport::new(&plan, &events)));
    }
}
