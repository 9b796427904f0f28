//! One node of a fleet: what is held of it between two jobs, and the jobs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jumpspec::fleet::{Outcome, Part, Time, shape};
use jumpspec::planner::Rehearsal;
use jumpspec::run::timeline::Span;
use jumpspec::words::digest::Digest;
use jumpspec::words::run_id::RunId;

use crate::error::{Exit, Trouble};
use crate::node::phases::agree::Agreement;
use crate::node::phases::follow::{Look, Watched};
use crate::node::phases::set_aside::SetAside;
use crate::node::phases::survey::{Planned, Surveyed};
use crate::node::phases::whereabouts::Whereabouts;
use crate::node::supplies::Supplies;
use crate::node::tell::Voice;
use crate::node::tools::Tools;

/// A node between two jobs.
pub(super) enum Held<'a> {
    /// Its plan was agreed to, just now.
    Planned(Box<Planned<'a>>),
    /// Its plan is to be made: the fleet was taken up again.
    Named,
    /// It was being staged when the fleet was left.
    Left(Box<SetAside<'a>>),
    /// It is staged.
    Staged(Box<SetAside<'a>>),
    /// It is on its way.
    Watched(Box<Watched<'a>>),
    /// A job has it, or nothing is to be done with it.
    Nothing,
}

/// One node of the fleet.
pub(super) struct Member<'a> {
    pub(super) held: Held<'a>,
    /// Nothing while a job has it.
    pub(super) voice: Option<Voice>,
    /// What was seen of it last, and how often in a row.
    pub(super) part: Option<Part>,
    pub(super) alike: u32,
    /// When it was told to jump.
    pub(super) left: Option<Instant>,
    /// When that part of its jump began.
    pub(super) entered: Option<Instant>,
    pub(super) is_straggler: bool,
}

impl<'a> Member<'a> {
    pub(super) fn new(held: Held<'a>, voice: Voice) -> Self {
        Self {
            held,
            voice: Some(voice),
            part: None,
            alike: 0,
            left: None,
            entered: None,
            is_straggler: false,
        }
    }
}

/// What a job has come to.
pub(super) enum Came<'a> {
    /// It is staged.
    Staged(Box<SetAside<'a>>),
    /// It is on its way: the next look is after so long.
    Watched(Box<Watched<'a>>, std::time::Duration),
    /// It is where it was: the fleet was stopped before its turn came.
    PutBack(Box<SetAside<'a>>),
    /// It is done.
    Done(Vec<Time>),
    /// Something went wrong.
    Trouble(Trouble),
}

/// Who does the jobs, and with what.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    pub(super) supplies: &'a Supplies<'a>,
    /// Tools that Ctrl-C leaves alone: what was begun on a node is brought to its end.
    pub(super) undisturbed: &'a Tools,
    pub(super) rehearsal: Option<Rehearsal>,
    /// The shapes of the plans that were agreed to.
    pub(super) agreed: &'a BTreeSet<Digest>,
    /// Whether nothing more is armed: jobs may have waited for their turn since before a stop.
    pub(super) halted: &'a AtomicBool,
}

impl<'a> Hands<'a> {
    /// Stages a node, and leaves it to itself. `begins` hears of its run before anything is changed.
    pub(super) fn stage(
        self,
        node: &'a str,
        held: Held<'a>,
        begins: &dyn Fn(&RunId) -> Result<(), Trouble>,
        voice: &mut Voice,
    ) -> Came<'a> {
        let staged = self.surveyed(node, held, voice).and_then(|surveyed| {
            let run = surveyed.plan().run.clone();
            begins(&run)?;
            let agreement = Agreement::given(&[surveyed.plan()]);
            surveyed.agree(&agreement, voice)?.stage_only(voice)
        });
        staged.map_or_else(Came::Trouble, |it| Came::Staged(Box::new(it)))
    }

    fn surveyed(
        self,
        node: &'a str,
        held: Held<'a>,
        voice: &mut Voice,
    ) -> Result<Surveyed<'a>, Trouble> {
        match held {
            Held::Planned(planned) => return planned.again(),
            Held::Left(left) => left.give_back(voice)?,
            _ => {}
        }
        let surveyed = Surveyed::of(self.supplies, node, self.rehearsal)?;
        if self
            .agreed
            .contains(&shape(surveyed.plan(), surveyed.facts()))
        {
            return Ok(surveyed);
        }
        // The first trouble is the one to tell.
        surveyed.leave().ok();
        let why = "its plan is not one of those that were agreed to: it is not what it was found to be then";
        Err(
            Trouble::new(Exit::Refused, "plan-changed", why).hint(format!(
                "look with `jumpimg check`, and push {node} by itself"
            )),
        )
    }

    /// Arms a staged node and has it reboot.
    pub(super) fn jump(self, staged: SetAside<'a>, voice: &mut Voice) -> Came<'a> {
        if self.halted.load(Ordering::Relaxed) {
            return Came::PutBack(Box::new(staged));
        }
        let jumped = staged
            .again(self.undisturbed)
            .and_then(|agreed| agreed.stage(voice)?.jump()?.glance());
        watched(jumped)
    }

    /// Finds a node again that was about to jump, and goes on with it.
    pub(super) fn find(self, left: SetAside<'a>, voice: &mut Voice) -> Came<'a> {
        let found = left.whereabouts(self.undisturbed).and_then(|found| {
            match found {
                Whereabouts::Before(agreed) => agreed.stage(voice)?.jump()?,
                Whereabouts::Behind(jumped) => jumped,
            }
            .glance()
        });
        watched(found)
    }

    /// Looks at a node that is on its way.
    pub(super) fn look(mut node: Box<Watched<'a>>, voice: &mut Voice) -> Came<'a> {
        match node.look(voice) {
            Ok(Look::Again(pause)) => Came::Watched(node, pause),
            Ok(Look::Over(outcome)) => {
                let followed = node.over(outcome);
                let times = followed.spans().iter().map(time).collect();
                let told = followed.report(voice);
                told.map_or_else(Came::Trouble, |()| Came::Done(times))
            }
            Err(trouble) => Came::Trouble(trouble),
        }
    }
}

fn watched(jumped: Result<Watched<'_>, Trouble>) -> Came<'_> {
    match jumped {
        Ok(watched) => Came::Watched(Box::new(watched), Duration::ZERO),
        Err(trouble) => Came::Trouble(trouble),
    }
}

fn time(span: &Span) -> Time {
    Time {
        name: span.name.to_owned(),
        millis: span.millis,
    }
}

/// What trouble is to the course of the fleet. What the node has told of it says more than where the
/// admin host was.
pub(super) fn outcome(trouble: &Trouble) -> Outcome {
    if trouble.exit == Exit::Interrupted {
        return Outcome::PutBack;
    }
    let first = trouble.causes.first();
    let told = first.and_then(|cause| cause.failure.as_ref());
    match (told, first) {
        (Some(failure), _) => Outcome::Failed(failure.code.name().to_owned()),
        (None, Some(cause)) => Outcome::Failed(cause.code.clone()),
        (None, None) => Outcome::Failed("failed".to_owned()),
    }
}

/// Whether a node was not reached at all.
pub(super) fn is_unreachable(trouble: &Trouble) -> bool {
    let mut causes = trouble.causes.iter();
    causes.any(|cause| cause.code == "unreachable" && cause.failure.is_none())
}
