//! Conducts a fleet: has done what its course says, by a few threads, and tells the course what came of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use jumpspec::fleet::{Course, Outcome, Rule, State, Turn, What};
use jumpspec::words::run_id::RunId;
use serde_json::{Map, json};

use super::board::Board;
use super::crew::{Crew, size};
use super::drain::{Programs, When};
use super::means::Means;
use super::member::{Came, Hands, Held, Member, is_unreachable, outcome};
use super::pace::{Pace, Seen};
use super::usual::{Usual, words};
use super::{metrics, page};
use crate::error::{Exit, Trouble};
use crate::node::phases::follow::Watched;
use crate::node::phases::set_aside::SetAside;
use crate::node::random::random_part;
use crate::node::several::sum::Sum;
use crate::node::tell::Voice;
use crate::terminal::ask::{Yes, ask};
use crate::terminal::interrupt::TICK;

/// How often files tell which nodes are where.
const SETS_EVERY: Duration = Duration::from_secs(1);
/// Fewer nodes than these are heard one by one.
pub(super) const FEW: usize = 8;

/// A node that a job is done with: its number, its voice, what came of it, and whether it was to jump.
struct Report<'a> {
    node: usize,
    voice: Voice,
    came: Came<'a>,
}

/// A fleet under way.
pub(super) struct Conduct<'a> {
    means: Means<'a>,
    course: Course,
    members: Vec<Member<'a>>,
    board: Board<'a>,
    sum: Sum<'a>,
    pace: Pace,
    programs: Programs<'a>,
    /// When which node is looked at next.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    begun: Instant,
    usual: Usual,
    /// How long the last node took from its reboot to its end.
    one: Option<Duration>,
    sets: Option<Instant>,
    told_stop: bool,
    told_metrics: bool,
    /// What could not be written down, the first time.
    lost: Option<Trouble>,
}

impl<'a> Conduct<'a> {
    pub(super) fn new(
        means: Means<'a>,
        course: Course,
        members: Vec<Member<'a>>,
        sum: Sum<'a>,
    ) -> Self {
        Self {
            board: Board::new(means.screen, means.json, means.nodes.len()),
            means,
            course,
            members,
            sum,
            pace: Pace::default(),
            programs: Programs::new(&means.hands.supplies.job.drain, means.dir),
            due: BinaryHeap::new(),
            begun: Instant::now(),
            usual: Usual::default(),
            one: None,
            sets: None,
            told_stop: false,
            told_metrics: false,
            lost: None,
        }
    }

    /// Conducts it to its end. Nodes that were on their way already are found first.
    pub(super) fn run(mut self) -> Ended<'a> {
        let threads = size(self.course.most_transfers(), self.course.most_down());
        std::thread::scope(|scope| {
            let crew = Crew::of(scope, threads);
            self.find_all(&crew);
            loop {
                self.listen_for_stops();
                self.programs(&crew);
                let Some(wait) = self.turns(&crew) else {
                    break;
                };
                let wait = wait.min(self.looks(&crew)).min(TICK);
                self.show();
                match crew.done().recv_timeout(wait) {
                    Ok(report) => self.take(report),
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                while let Ok(report) = crew.done().try_recv() {
                    self.take(report);
                }
            }
        });
        self.note(What::Over, true);
        self.write_sets();
        Ended {
            course: self.course,
            sum: self.sum,
            lost: self.lost,
        }
    }

    /// Writes down what has happened; whether that went well. Whoever has begun nodes is answerable for
    /// them: where nothing can be written any more nothing more is begun, and those are followed.
    fn note(&mut self, what: What, keep: bool) -> bool {
        let noted = self.means.note(what, keep);
        self.is_kept(noted)
    }

    fn is_kept(&mut self, kept: Result<(), Trouble>) -> bool {
        let Err(trouble) = kept else { return true };
        self.course.stop(
            Rule::Interrupted,
            "what happens can not be written down any more",
        );
        self.lost.get_or_insert(trouble);
        false
    }

    fn listen_for_stops(&mut self) {
        if self.means.interrupt.caught() {
            self.course.stop(Rule::Interrupted, "interrupted");
        } else if self.means.dir.is_asked_to_stop() {
            self.course
                .stop(Rule::Asked, "`jumpimg fleet stop` has asked for it");
        }
        self.halt();
        let Some(stop) = self.course.stopped().filter(|_| !self.told_stop) else {
            return;
        };
        self.told_stop = true;
        let (rule, message) = (stop.rule, stop.why.clone());
        let ways = match self.course.count(State::Down) {
            0 => String::new(),
            down => format!(
                "; {down} on their way are followed to their end (Ctrl-C leaves them: they go on by themselves, and `jumpimg fleet resume` finds them)"
            ),
        };
        self.board
            .say(&format!("stopped: {message}: nothing more is begun{ways}"));
        let fields = [
            ("rule".to_owned(), json!(rule)),
            ("message".to_owned(), json!(message)),
        ];
        self.board.object("stopped", Map::from_iter(fields));
        self.note(What::Stopped { rule, message }, true);
        // Whoever asks why need not wait for the end.
        if let Err(error) = page::keep(self.means.dir, true) {
            self.board.say(&page::not_kept(&error));
        }
    }

    /// Has done whatever may be begun; how long the next thing has to wait, or nothing at the end.
    fn turns(&mut self, crew: &Crew<'a, Report<'a>>) -> Option<Duration> {
        loop {
            match self.course.next(self.begun.elapsed()) {
                Turn::Stage(node) => self.stage(crew, node),
                Turn::Jump(node) => self.let_go(crew, node),
                Turn::Batch(number, count) => {
                    let left = self.one.map(|one| self.course.time_left(one).as_secs());
                    self.board.batch(number, count, left);
                    let fields = [
                        ("number".to_owned(), json!(number)),
                        ("count".to_owned(), json!(count)),
                        ("seconds_left".to_owned(), json!(left)),
                    ];
                    self.board.object("batch", Map::from_iter(fields));
                    self.note(What::Batch { number, count }, false);
                }
                Turn::Ask(batch) => self.ask(batch),
                Turn::Wait(time) => return Some(time.unwrap_or(TICK)),
                Turn::Over if self.programs.is_empty() => return None,
                Turn::Over => return Some(TICK),
            }
        }
    }

    fn ask(&mut self, batch: usize) {
        let count = self.course.batch_size(batch);
        let question = format!("Go on with batch {batch}, {count} nodes?");
        if let Err(trouble) = ask(&question, &Yes::Count(count), self.means.interrupt) {
            let rule = if trouble.exit == Exit::Interrupted {
                Rule::Interrupted
            } else {
                Rule::Asked
            };
            self.course.stop(rule, "the next batch was not agreed to");
        }
    }

    fn name(&self, node: usize) -> &'a str {
        self.means.nodes.get(node).map_or("", String::as_str)
    }

    /// What is held of a node and its voice, for a job.
    fn take_up(&mut self, node: usize) -> Option<(Held<'a>, Voice)> {
        let member = self.members.get_mut(node)?;
        let voice = member.voice.take()?;
        Some((std::mem::replace(&mut member.held, Held::Nothing), voice))
    }

    fn stage(&mut self, crew: &Crew<'a, Report<'a>>, node: usize) {
        let (means, name) = (self.means, self.name(node));
        let Some((held, mut voice)) = self.take_up(node) else {
            return;
        };
        crew.give(move || {
            let begins = |run: &RunId| {
                let (node, run) = (name.to_owned(), run.clone());
                means.note(What::Staging { node, run }, true)
            };
            let came = means.hands.stage(name, held, &begins, &mut voice);
            Report { node, voice, came }
        });
    }

    /// Has the admin's program let a node go, if there is one, or the node go at once.
    fn let_go(&mut self, crew: &Crew<'a, Report<'a>>, node: usize) {
        match self.programs.start(node, self.name(node), When::Before) {
            Ok(true) => {}
            Ok(false) => self.jump(crew, node),
            Err(trouble) => self.is_not_let_go(node, trouble),
        }
    }

    fn is_not_let_go(&mut self, node: usize, trouble: Trouble) {
        let member = self.members.get_mut(node);
        let Some(mut voice) = member.and_then(|member| member.voice.take()) else {
            return;
        };
        self.fails(node, true, trouble, &mut voice);
        if let Some(member) = self.members.get_mut(node) {
            member.voice = Some(voice);
        }
    }

    /// Takes what has come of the admin's programs.
    fn programs(&mut self, crew: &Crew<'a, Report<'a>>) {
        if self.course.stopped().is_some() {
            for node in self.programs.end_before() {
                self.stays(node);
            }
        }
        for ran in self.programs.ended() {
            match (ran.when, ran.failed) {
                (When::Before, None) if self.course.stopped().is_none() => {
                    self.jump(crew, ran.node);
                }
                (When::Before, None) => self.stays(ran.node),
                (When::Before, Some(trouble)) => self.is_not_let_go(ran.node, trouble),
                (When::After, None) => {}
                (When::After, Some(trouble)) => {
                    let cause = trouble.causes.first();
                    let why = cause
                        .map(|cause| cause.message.as_str())
                        .unwrap_or_default();
                    let name = self.name(ran.node);
                    self.board.say(&format!("{name}: [drain] after: {why}"));
                }
            }
        }
    }

    /// A node whose turn had come stays what it was.
    fn stays(&mut self, node: usize) {
        self.course.jumped(node, &Outcome::PutBack);
        self.take_back(node);
    }

    /// Has the admin's program take a node back.
    fn take_back(&mut self, node: usize) {
        if let Err(trouble) = self.programs.start(node, self.name(node), When::After) {
            let cause = trouble.causes.first();
            let why = cause
                .map(|cause| cause.message.as_str())
                .unwrap_or_default();
            self.board
                .say(&format!("{}: [drain] after: {why}", self.name(node)));
        }
    }

    fn jump(&mut self, crew: &Crew<'a, Report<'a>>, node: usize) {
        let name = self.name(node).to_owned();
        if !self.note(What::Jumping { node: name }, true) {
            self.course.jumped(node, &Outcome::PutBack);
            return;
        }
        let hands = self.means.hands;
        self.leave(crew, node, move |staged, voice| hands.jump(staged, voice));
    }

    /// Has a staged node leave its old system, or be found where it has gone.
    fn leave(
        &mut self,
        crew: &Crew<'a, Report<'a>>,
        node: usize,
        how: impl FnOnce(SetAside<'a>, &mut Voice) -> Came<'a> + Send + 'a,
    ) {
        let Some((Held::Staged(staged), mut voice)) = self.take_up(node) else {
            return;
        };
        if let Some(member) = self.members.get_mut(node) {
            member.left = Some(Instant::now());
            member.entered = member.left;
        }
        crew.give(move || {
            let came = how(*staged, &mut voice);
            Report { node, voice, came }
        });
    }

    /// Those that were on their way when the fleet was left.
    fn find_all(&mut self, crew: &Crew<'a, Report<'a>>) {
        let hands = self.means.hands;
        for node in self.course.sets().inflight {
            self.leave(crew, node, move |left, voice| hands.find(left, voice));
        }
    }

    /// Has those looked at whose turn it is; how long until the next is.
    fn looks(&mut self, crew: &Crew<'a, Report<'a>>) -> Duration {
        while let Some(Reverse((at, node))) = self.due.peek().copied() {
            let left = at.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return left;
            }
            if let Err(wait) = self.pace.take(self.begun.elapsed()) {
                return wait;
            }
            self.due.pop();
            let Some((Held::Watched(watched), mut voice)) = self.take_up(node) else {
                continue;
            };
            crew.give(move || {
                let came = Hands::look(watched, &mut voice);
                Report { node, voice, came }
            });
        }
        TICK
    }

    fn take(&mut self, report: Report<'a>) {
        let Report {
            node,
            mut voice,
            came,
        } = report;
        let name = self.name(node).to_owned();
        let is_down = self.course.state(node) == State::Down;
        match came {
            Came::Staged(staged) => {
                self.course.staged(node, &Outcome::Well);
                self.hold(node, Held::Staged(staged));
                self.note(What::Staged { node: name }, false);
            }
            Came::PutBack(staged) => {
                self.hold(node, Held::Staged(staged));
                self.stays(node);
                // The journal has that it was about to be armed.
                self.note(What::Staged { node: name }, true);
            }
            Came::Watched(watched, least) => self.come_again(node, watched, least),
            Came::Done(times) => {
                if let Some(member) = self.members.get(node) {
                    self.one = member.left.map(|left| left.elapsed()).or(self.one);
                    if let Some(entered) = member.entered {
                        self.usual.took(member.part, entered.elapsed());
                    }
                }
                self.course.jumped(node, &Outcome::Well);
                self.sum.add(self.name(node), voice.end());
                self.take_back(node);
                self.note(What::Done { node: name, times }, false);
            }
            Came::Trouble(trouble) => self.fails(node, is_down, trouble, &mut voice),
        }
        if let Some(member) = self.members.get_mut(node) {
            member.voice = Some(voice);
        }
        self.halt();
    }

    /// Keeps jobs that wait for their turn from arming anybody once the fleet is stopped.
    fn halt(&self) {
        if self.course.stopped().is_some() {
            self.means.hands.halted.store(true, Ordering::Relaxed);
        }
    }

    fn fails(&mut self, node: usize, is_down: bool, trouble: Trouble, voice: &mut Voice) {
        let apart = !is_down && is_unreachable(&trouble);
        let outcome = if apart {
            Outcome::Unreachable
        } else {
            outcome(&trouble)
        };
        if is_down {
            self.course.jumped(node, &outcome);
        } else {
            self.course.staged(node, &outcome);
        }
        let code = match outcome {
            Outcome::PutBack => {
                return self.hold(node, Held::Named);
            }
            Outcome::Failed(code) => code,
            Outcome::Unreachable | Outcome::Well => "unreachable".to_owned(),
        };
        voice.trouble(&trouble);
        if !self.means.aloud {
            self.board.failure(self.name(node), &trouble);
        }
        let message = trouble.causes.first().map(|cause| cause.message.clone());
        self.sum.add(self.name(node), Err(trouble));
        let node = self.name(node).to_owned();
        let message = message.unwrap_or_default();
        let failed = What::Failed {
            node,
            code,
            message,
            apart,
        };
        self.note(failed, false);
    }

    fn hold(&mut self, node: usize, held: Held<'a>) {
        if let Some(member) = self.members.get_mut(node) {
            member.held = held;
        }
    }

    fn come_again(&mut self, node: usize, watched: Box<Watched<'a>>, least: Duration) {
        let part = watched.part();
        let Some(member) = self.members.get_mut(node) else {
            return;
        };
        let is_new = member.part != part;
        let time = member.entered.map(|entered| entered.elapsed());
        if let Some(time) = time.filter(|_| is_new) {
            self.usual.took(member.part, time);
            member.entered = Some(Instant::now());
            member.is_straggler = false;
        }
        let usual = self
            .usual
            .of(part)
            .filter(|_| !is_new && !member.is_straggler);
        let slow = usual
            .zip(time)
            .filter(|(usual, time)| self.course.is_straggler(*time, *usual));
        member.is_straggler |= slow.is_some();
        member.alike = if is_new { 0 } else { member.alike + 1 };
        member.part = part;
        let seen = Seen {
            least,
            alike: member.alike,
            since: member
                .entered
                .map(|entered| entered.elapsed())
                .unwrap_or_default(),
            shortest: self.usual.shortest(part),
            most: watched.longest_pause(),
        };
        let at = Instant::now() + seen.pause(random_part());
        member.held = Held::Watched(watched);
        self.due.push(Reverse((at, node)));
        if let Some((usual, time)) = slow {
            self.board
                .straggler(self.name(node), words(part), time, usual);
        }
        if let Some(stage) = part.filter(|_| is_new) {
            let node = self.name(node).to_owned();
            self.note(What::Stage { node, stage }, false);
        }
    }

    fn show(&mut self) {
        let (members, nodes) = (&self.members, self.means.nodes);
        let course = &self.course;
        self.board.show(course, || {
            let down = members.iter().enumerate();
            let down = down.filter(|(node, _)| course.state(*node) == State::Down);
            let mut slowest: Vec<_> = down
                .filter_map(|(node, member)| {
                    let time = member.left?.elapsed();
                    Some((nodes.get(node)?.clone(), time))
                })
                .collect();
            slowest.sort_by_key(|(_, time)| Reverse(*time));
            slowest
        });
        if self.sets.is_none_or(|at| at.elapsed() >= SETS_EVERY) {
            self.write_sets();
        }
    }

    fn write_sets(&mut self) {
        self.sets = Some(Instant::now());
        let sets = self.course.sets();
        let written = self.means.dir.write_sets(self.means.nodes, &sets);
        self.is_kept(written.map_err(Trouble::from));
        let Some(file) = self.means.metrics else {
            return;
        };
        let is_stopped = self.course.stopped().is_some();
        let written = metrics::write(file, self.means.run, &sets, is_stopped);
        // Nodes do not wait for who only looks on, who is told once.
        if let (Err(error), false) = (written, self.told_metrics) {
            self.told_metrics = true;
            self.board.say(&format!(
                "the metrics could not be written to {}: {error:#}",
                file.display()
            ));
        }
    }
}

/// A fleet that nobody conducts any more.
pub(super) struct Ended<'a> {
    pub(super) course: Course,
    pub(super) sum: Sum<'a>,
    /// What could not be written down.
    pub(super) lost: Option<Trouble>,
}
