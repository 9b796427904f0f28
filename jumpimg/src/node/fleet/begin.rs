//! Begins a fleet: looks at all nodes, shows what would happen to how many, asks once, and conducts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use jumpspec::fleet::{Course, State, What};
use jumpspec::job::Pause;
use jumpspec::planner::Rehearsal;
use jumpspec::render::page::Page;
use jumpspec::words::run_id::RunId;
use serde_json::{Map, json};

use super::conduct::{Conduct, FEW};
use super::dir::{FleetDir, Journal, Record};
use super::end::Ending;
use super::groups::{self, Group};
use super::means::Means;
use super::member::{Hands, Held, Member, is_unreachable};
use crate::error::{Exit, Trouble};
use crate::node::phases::agree::Agreement;
use crate::node::phases::survey::{Planned, Surveyed};
use crate::node::random::random_bits;
use crate::node::several::found;
use crate::node::several::sum::Sum;
use crate::node::supplies::Supplies;
use crate::node::tell::Voice;
use crate::terminal::ask::can_ask;
use crate::terminal::print;
use crate::terminal::screen::Screen;

/// What an admin wishes of a fleet besides its job.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(crate) struct Wish<'a> {
    /// The job file.
    pub(crate) job: &'a Path,
    /// Whether it was agreed to on the command line.
    pub(crate) yes: bool,
    /// Nothing is changed.
    pub(crate) dry_run: bool,
    /// Nobody jumps yet.
    pub(crate) stage_only: bool,
    /// Each node is heard.
    pub(crate) verbose: bool,
    pub(crate) rehearsal: Option<Rehearsal>,
    /// Where Prometheus hears of it.
    pub(crate) metrics: Option<&'a Path>,
}

/// Pushes to several nodes.
pub(crate) fn push(
    wish: Wish<'_>,
    supplies: &Supplies<'_>,
    nodes: &[String],
) -> Result<(), Trouble> {
    let tools = supplies.tools;
    let policy = &supplies.job.job.fleet;
    if policy.pause == Pause::Ask && !can_ask() && !wish.dry_run {
        let why = "[fleet] pause = \"ask\", and there is no terminal to ask at";
        return Err(Trouble::new(Exit::Refused, "needs-terminal", why)
            .hint("give a time, or conduct the fleet at a terminal, in tmux for example"));
    }
    let screen = Screen::new();
    let looked = Looked::at(supplies, nodes, wish.rehearsal, &screen);
    let groups = groups::of(looked.planned.iter().map(|(node, it)| (*node, it)));
    looked.show(&groups, tools.json, &screen)?;
    let names: BTreeSet<&str> = looked.planned.iter().map(|(node, _)| *node).collect();
    let states = nodes.iter().map(|node| {
        if names.contains(node.as_str()) {
            State::Planned
        } else {
            State::Ko
        }
    });
    let course = Course::new(policy.clone(), nodes, states.collect());
    let agreed = looked.agree(wish, (&course, nodes), supplies, &screen);
    if wish.dry_run || looked.planned.is_empty() || agreed.is_err() {
        let mut sum = looked.sum(nodes);
        if wish.dry_run {
            for node in &names {
                sum.add(node, Ok(()));
            }
        }
        sum.tell(tools.json, &screen)?;
        return agreed.and_then(|()| sum.exit());
    }
    let images = [supplies.images.jump.digest, supplies.images.target.digest];
    let run = RunId::new(random_bits()?);
    let record = Record::now(run, wish.job, images, policy.clone(), nodes.to_vec())?;
    let record = record.tried(wish.rehearsal);
    let dir = FleetDir::begin(&tools.state, &record, &groups)?;
    let _lock = dir.lock()?;
    let journal = looked.write_down(&dir)?;
    screen.tell(&Page::of(format_args!("fleet {}", record.run)));
    let shapes: BTreeSet<_> = groups.iter().map(|group| group.shape).collect();
    let undisturbed = tools.undisturbed();
    let aloud = wish.verbose || names.len() < FEW;
    let sum = looked.sum(nodes);
    let mut planned: BTreeMap<&str, Planned<'_>> = looked.planned.into_iter().collect();
    let members = nodes.iter().map(|node| {
        let planned = planned.remove(node.as_str());
        let held = planned.map_or(Held::Nothing, |it| Held::Planned(Box::new(it)));
        Member::new(held, voice(node, tools.json, aloud, &screen))
    });
    let means = Means {
        nodes,
        hands: Hands {
            supplies,
            undisturbed: &undisturbed,
            rehearsal: wish.rehearsal,
            agreed: &shapes,
            halted: &AtomicBool::new(false),
        },
        dir: &dir,
        run: &record.run,
        metrics: wish.metrics,
        journal: &Mutex::new(journal),
        screen: &screen,
        interrupt: &tools.interrupt,
        json: tools.json,
        aloud,
    };
    let course = if wish.stage_only {
        course.stage_only()
    } else {
        course
    };
    let ended = Conduct::new(means, course, members.collect(), sum).run();
    let ending = Ending {
        record: &record,
        dir: &dir,
        json: tools.json,
        screen: &screen,
        fleet_done: supplies.job.fleet_done.as_deref(),
    };
    ending.tell(ended)
}

/// What was found of nodes.
struct Looked<'a> {
    planned: Vec<(&'a str, Planned<'a>)>,
    left_out: Vec<(&'a str, Trouble)>,
}

impl<'a> Looked<'a> {
    fn at(
        supplies: &'a Supplies<'a>,
        nodes: &'a [String],
        rehearsal: Option<Rehearsal>,
        screen: &Screen,
    ) -> Self {
        let all = found(&supplies.tools.interrupt, screen, nodes, |node| {
            Surveyed::of(supplies, node, rehearsal)?.set_aside()
        });
        let (mut planned, mut left_out) = (Vec::new(), Vec::new());
        for (node, found) in nodes.iter().zip(all) {
            match found {
                Ok(found) => planned.push((node.as_str(), found)),
                // It was not looked at.
                Err(trouble) if trouble.exit == Exit::Interrupted => {}
                Err(trouble) => left_out.push((node.as_str(), trouble)),
            }
        }
        Self { planned, left_out }
    }

    fn show(&self, groups: &[Group], json: bool, screen: &Screen) -> Result<(), Trouble> {
        if json {
            for (node, planned) in &self.planned {
                let mut voice = Voice::new(node, true, screen).quiet();
                let plan = Map::from_iter([("plan".to_owned(), json!(planned.plan()))]);
                voice.object("plan", plan);
                voice.end()?;
            }
            for (node, trouble) in &self.left_out {
                Voice::new(node, true, screen).quiet().trouble(trouble);
            }
        }
        for group in groups {
            let page = groups::shown(group);
            if json {
                screen.tell(&page);
            } else {
                screen.print(|| print::page(&page))?;
            }
        }
        Ok(())
    }

    /// The admin's yes, if nothing is to be said against it beforehand.
    fn agree(
        &self,
        wish: Wish<'_>,
        (course, nodes): (&Course, &[String]),
        supplies: &Supplies<'_>,
        screen: &Screen,
    ) -> Result<(), Trouble> {
        let interrupt = &supplies.tools.interrupt;
        if interrupt.caught() {
            let why = "interrupted; nothing was changed";
            return Err(Trouble::new(Exit::Interrupted, "interrupted", why));
        }
        let silent = self.left_out.iter().filter(|(_, it)| is_unreachable(it));
        let (silent, all) = (silent.count(), course.all());
        let limit = supplies.job.job.fleet.unreachable.percent;
        if silent >= 2 && limit.is_reached(silent, all) {
            let why = format!(
                "nothing was done: {silent} of {all} nodes do not answer; [fleet] unreachable.percent is {limit}"
            );
            return Err(Trouble::new(Exit::Refused, "too-many-unreachable", why)
                .hint("see what they have in common, or leave them out with -x"));
        }
        if self.planned.is_empty() {
            return Ok(());
        }
        screen.tell(&course_of(course, nodes, wish.stage_only));
        if wish.yes || wish.dry_run {
            return Ok(());
        }
        let plans: Vec<_> = self.planned.iter().map(|(_, it)| it.plan()).collect();
        Agreement::ask(&plans, interrupt).map(drop)
    }

    fn sum<'n>(&self, nodes: &'n [String]) -> Sum<'n>
    where
        'a: 'n,
    {
        let mut sum = Sum::of(nodes);
        for (node, trouble) in &self.left_out {
            sum.add(node, Err(trouble.clone()));
        }
        sum
    }

    /// Begins the fleet's journal.
    fn write_down(&self, dir: &FleetDir) -> Result<Journal, Trouble> {
        let mut journal = dir.journal()?;
        for (node, _) in &self.planned {
            let node = (*node).to_owned();
            journal.note(What::Planned { node })?;
        }
        for (node, trouble) in &self.left_out {
            let cause = trouble.causes.first();
            let cause = cause.map(|cause| (cause.code.clone(), cause.message.clone()));
            let (code, message) = cause.unwrap_or_default();
            journal.note(What::LeftOut {
                node: (*node).to_owned(),
                code,
                message,
            })?;
        }
        Ok(journal)
    }
}

/// In which order they would go, in words.
fn course_of(course: &Course, nodes: &[String], stage_only: bool) -> Page {
    let mut page = Page::default();
    let staged = format!("all are staged, {} at once", course.most_transfers());
    if stage_only {
        page.line(format_args!("{staged}; nobody jumps before `jumpimg go`"));
        return page;
    }
    let names = course.canaries().iter().filter_map(|node| nodes.get(*node));
    let canaries = crate::node::nodes::fold::folded(names.map(String::as_str));
    let first = if canaries.is_empty() {
        "no canary".to_owned()
    } else {
        format!("canary {canaries}")
    };
    let (batches, size) = course.later_batches();
    page.line(format_args!(
        "{staged}; then {first}, and {batches} batches, the first of {size}; {} out of service at most",
        course.most_down()
    ));
    page
}

/// The voice of one node of a fleet.
pub(super) fn voice(node: &str, json: bool, aloud: bool, screen: &Screen) -> Voice {
    let voice = Voice::new(node, json, screen).among_others();
    if aloud { voice } else { voice.quiet() }
}
