//! The demo's machine, images and job, for tests.

mod image;
mod node;

pub(crate) use image::image;
#[cfg(test)]
pub(crate) use image::loader;
pub(crate) use node::facts;

use super::{ImageFile, Input, Rehearsal};
use crate::hook::Script;
use crate::image::kind::Kind;
use crate::job::{HookWish, HostTable, Job};
use crate::node::facts::Facts;
use crate::plan::Plan;
use crate::planner::refusal::Refusal;
use crate::words::digest::Digest;
use crate::words::run_id::RunId;

/// The demo's job.
pub(crate) fn job() -> Job {
    Job::parse(
        "[images]\njump = 'jump'\ntarget = 'target'\n\
         [[layout.partition]]\nnumber = 1\naction = 'format'\nmount = '/boot'\n\
         [[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n\
         [[layout.partition]]\nnumber = 4\naction = 'keep'\nmount = '/data'\n",
    )
    .expect("a job")
}

/// The demo's job, and one that makes all partitions but the swap anew.
#[cfg(fuzzing)]
pub(crate) fn jobs() -> [Job; 2] {
    let anew = "[images]\njump = 'jump'\ntarget = 'target'\n\
         [[layout.partition]]\nnumber = 1\naction = 'create'\nsize = '512MiB'\nmount = '/boot'\n\
         [[layout.partition]]\nnumber = 3\naction = 'create'\nsize = 'rest'\nmount = '/'\n\
         [[layout.partition]]\nnumber = 4\naction = 'delete'\n";
    [job(), Job::parse(anew).expect("a job")]
}

/// A script that is another for every hook.
fn script(hook: &HookWish) -> Script {
    let text = format!("#!/bin/sh\necho {} at {}\n", hook.run, hook.at);
    Script::new(text).expect("a script")
}

/// What a plan follows from: the demo's, for a test to change.
pub(crate) struct Sample {
    pub(crate) run: RunId,
    pub(crate) rehearsal: Option<Rehearsal>,
    pub(crate) jump: ImageFile,
    pub(crate) target: ImageFile,
    pub(crate) facts: Facts,
    pub(crate) job: Job,
    pub(crate) scripts: Vec<Script>,
    pub(crate) hostvars: Option<HostTable>,
    pub(crate) templates: Vec<String>,
    pub(crate) follows: bool,
}

impl Sample {
    /// The demo's images for this node and job.
    pub(crate) fn of(facts: &Facts, job: &Job) -> Self {
        Self {
            run: RunId::new(0x0011_2233_aabb_ccdd),
            rehearsal: None,
            jump: image(Kind::Jump),
            target: image(Kind::Target),
            facts: facts.clone(),
            job: job.clone(),
            scripts: job.all_hooks().iter().map(script).collect(),
            hostvars: None,
            templates: Vec::new(),
            follows: false,
        }
    }

    /// As the planner takes it.
    pub(crate) fn input(&self) -> Input<'_> {
        Input {
            run: &self.run,
            rehearsal: self.rehearsal,
            admin_mark: Digest::of(b"secret"),
            jump: &self.jump,
            target: &self.target,
            facts: &self.facts,
            job: &self.job,
            scripts: &self.scripts,
            host: "node07",
            hostvars: self.hostvars.as_ref(),
            templates: &self.templates,
            follows: self.follows,
        }
    }

    /// What the planner makes of it.
    pub(crate) fn planned(&self) -> Result<Plan, Vec<Refusal>> {
        super::plan(&self.input())
    }
}

/// What the planner makes of the demo's images for this node and job.
pub(crate) fn planned(facts: &Facts, job: &Job) -> Result<Plan, Vec<Refusal>> {
    Sample::of(facts, job).planned()
}

/// The demo's plan, as the run `run`.
#[cfg(test)]
pub(crate) fn plan(run: &str) -> Plan {
    let sample = Sample {
        run: run.parse().expect("a run's id"),
        ..Sample::of(&facts(), &job())
    };
    sample.planned().expect("a plan")
}
