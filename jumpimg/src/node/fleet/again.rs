//! Takes a fleet up again that was stopped or left, on this host or one that has its directories.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use jumpspec::fleet::entry::Known;
use jumpspec::fleet::{Course, State, What};
use jumpspec::render::page::Page;
use jumpspec::words::run_id::RunId;

use super::begin::voice;
use super::conduct::{Conduct, FEW};
use super::dir::{FleetDir, Record, states};
use super::end::Ending;
use super::means::Means;
use super::member::{Hands, Held, Member};
use crate::error::{Exit, Trouble};
use crate::node::nodes::fold::folded;
use crate::node::phases::set_aside::SetAside;
use crate::node::several::sum::Sum;
use crate::node::supplies::Supplies;
use crate::node::tools::Tools;
use crate::terminal::ask::{Yes, ask};
use crate::terminal::screen::Screen;

/// Which nodes of a fleet go on.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    /// All that have not come to an end.
    All,
    /// Those that are staged; of them these, if they are named.
    Staged(Option<Vec<String>>),
}

/// How a fleet is taken up again.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    /// The fleet.
    pub(crate) run: RunId,
    /// Who goes on.
    pub(crate) whom: Whom,
    /// Whether it was agreed to on the command line.
    pub(crate) yes: bool,
    /// Each node is heard.
    pub(crate) verbose: bool,
    /// Where Prometheus hears of it.
    pub(crate) metrics: Option<PathBuf>,
}

/// Takes it up.
pub(crate) fn go_on(again: &Again, tools: &Tools) -> Result<(), Trouble> {
    let dir = FleetDir::find(&tools.state, &again.run)?;
    let _lock = dir.lock()?;
    let record = dir.record()?;
    let supplies = supplies(tools, &record)?;
    let (known, _) = dir.known(&record.nodes)?;
    let mut states = states(&known);
    let nodes = record.nodes.as_slice();
    let mut held: Vec<Held<'_>> = Vec::new();
    for ((node, known), state) in nodes.iter().zip(&known).zip(&mut states) {
        held.push(hold(&supplies, node, known, state));
    }
    let some = chosen(again, nodes, &states)?;
    let screen = Screen::new();
    let (go, down) = (some.len(), count(&states, State::Down));
    // One that was left at its very end is brought to it.
    let is_over = matches!(again.whom, Whom::Staged(_)) || dir.is_concluded()?;
    if go + down == 0 && is_over {
        let why = format!("nothing is left to do in fleet {}", again.run);
        return Err(Trouble::new(Exit::Refused, "nothing-left", why).hint(format!(
            "`jumpimg fleet status {}` tells what has become of its nodes; `jumpimg push --from {} --only ko` pushes to those that failed",
            again.run, again.run
        )));
    }
    let names = some.iter().filter_map(|node| nodes.get(*node));
    screen.tell(&Page::of(format_args!(
        "fleet {}: {go} go on ({}), {down} are on their way",
        again.run,
        folded(names.map(String::as_str))
    )));
    if !again.yes && go > 0 {
        let question = format!("Replace the operating system of {go} nodes?");
        ask(&question, &Yes::Count(go), &tools.interrupt)?;
    }
    dir.forget_stop()?;
    let mut journal = dir.journal()?;
    journal.keep(What::Resumed)?;
    let mut sum = Sum::of(nodes);
    for (node, known) in nodes.iter().zip(&known) {
        match (known.state, &known.why) {
            (State::Ok, _) => sum.add(node, Ok(())),
            (State::Ko, why) => {
                let (code, message) = why.clone().unwrap_or_default();
                sum.add(node, Err(Trouble::new(Exit::Failed, &code, message)));
            }
            _ => {}
        }
    }
    let course = Course::of_some(record.policy.clone(), nodes, states, &some);
    let aloud = again.verbose || go + down < FEW;
    let members = nodes.iter().zip(held);
    let members = members
        .map(|(node, held)| Member::new(held, voice(node, tools.json, aloud, &screen)))
        .collect();
    let agreed = dir.agreed()?;
    let undisturbed = tools.undisturbed();
    let journal = Mutex::new(journal);
    let means = Means {
        nodes,
        hands: Hands {
            supplies: &supplies,
            undisturbed: &undisturbed,
            rehearsal: record.rehearsal(),
            agreed: &agreed,
            halted: &AtomicBool::new(false),
        },
        dir: &dir,
        run: &record.run,
        metrics: again.metrics.as_deref(),
        journal: &journal,
        screen: &screen,
        interrupt: &tools.interrupt,
        json: tools.json,
        aloud,
    };
    let ended = Conduct::new(means, course, members, sum).run();
    let ending = Ending {
        record: &record,
        dir: &dir,
        json: tools.json,
        screen: &screen,
        fleet_done: supplies.job.fleet_done.as_deref(),
    };
    ending.tell(ended)
}

/// The job's files, if they are those that the fleet was begun with.
fn supplies<'a>(tools: &'a Tools, record: &Record) -> Result<Supplies<'a>, Trouble> {
    let supplies = Supplies::read(tools, &record.job)?;
    let images = [supplies.images.jump.digest, supplies.images.target.digest];
    if images == [record.jump, record.target] {
        return Ok(supplies);
    }
    let why = format!(
        "the images of {} are not those that fleet {} was begun with",
        record.job.display(),
        record.run
    );
    Err(Trouble::new(Exit::Refused, "other-image", why).hint(format!(
        "put them back; or `jumpimg push --from {} --only ko,untouched` begins a fleet with these",
        record.run
    )))
}

/// What is held of a node that the journal knows. A staged one whose run is not kept here is begun anew.
fn hold<'a>(
    supplies: &'a Supplies<'a>,
    node: &'a str,
    known: &Known,
    state: &mut State,
) -> Held<'a> {
    let run = known.run.as_ref();
    let kept = run.and_then(|run| supplies.tools.state.known(run));
    let left = kept.map(|dir| SetAside::of_dir(supplies, node, dir));
    match (*state, left) {
        (State::Staged | State::Down, Some(Ok(left))) => Held::Staged(Box::new(left)),
        (State::Staged, _) => {
            *state = State::Planned;
            Held::Named
        }
        (State::Planned, Some(Ok(left))) if known.state == State::Staging => {
            Held::Left(Box::new(left))
        }
        (State::Planned | State::Staging, _) => Held::Named,
        (State::Down | State::Ok | State::Ko, _) => Held::Nothing,
    }
}

fn count(states: &[State], wanted: State) -> usize {
    states.iter().filter(|state| **state == wanted).count()
}

/// The numbers of those that go on.
fn chosen(again: &Again, nodes: &[String], states: &[State]) -> Result<BTreeSet<usize>, Trouble> {
    let of = |wanted: &[State]| {
        let states = states.iter().enumerate();
        let found = states.filter(|(_, state)| wanted.contains(state));
        found.map(|(node, _)| node).collect::<BTreeSet<_>>()
    };
    let staged = match &again.whom {
        Whom::All => return Ok(of(&[State::Planned, State::Staged])),
        Whom::Staged(None) => return Ok(of(&[State::Staged])),
        Whom::Staged(Some(names)) => (of(&[State::Staged]), names),
    };
    let (staged, names) = staged;
    let mut chosen = BTreeSet::new();
    let mut others = Vec::new();
    for name in names {
        match nodes.iter().position(|node| node == name) {
            Some(node) if staged.contains(&node) => {
                chosen.insert(node);
            }
            _ => others.push(name.as_str()),
        }
    }
    if others.is_empty() {
        return Ok(chosen);
    }
    let why = format!(
        "nothing was done: of fleet {} these are not staged: {}",
        again.run,
        folded(others)
    );
    Err(Trouble::new(Exit::Refused, "not-staged", why).hint(format!(
        "`jumpimg fleet status {}` tells what they are",
        again.run
    )))
}
