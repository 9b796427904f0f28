//! `jumpimg abort`: takes a jump back while nothing is destroyed. From the jump system, before its
//! commit, the node reboots into the old one; there loader and swap become what they were.

use std::time::{Duration, Instant};

use clap::Args;
use jumpspec::job::Waits;
use jumpspec::render::page::Page;
use jumpspec::run::exit::NodeExit;
use jumpspec::run::status::{Status, System};
use jumpspec::words::run_id::RunId;
use serde_json::{Map, json};

use crate::error::{Exit, Trouble};
use crate::node::agent::Agent;
use crate::node::args::NodeArgs;
use crate::node::lookout::{Lookout, Sight};
use crate::node::nodes::NodeSetArgs;
use crate::node::phases::run::interrupted;
use crate::node::run_dir::RunDir;
use crate::node::several::each;
use crate::node::ssh::{Session, SshError};
use crate::node::tell::Voice;
use crate::node::tools::Tools;
use crate::terminal::ask::{Yes, ask};

/// Between two looks at a node that reboots.
const PAUSE: Duration = Duration::from_secs(2);
/// How often a jump system that came up again is asked to go back.
const TURNS: u32 = 3;
/// How often a node is asked where another call of the same run is at work, and the pause.
const BUSY_TRIES: u32 = 10;

/// Takes a jump back while nothing is destroyed: the node is as before, swap included
#[derive(Args, Clone, Debug)]
pub(crate) struct AbortArgs {
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Say what would be done; nothing is changed
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    #[command(flatten)]
    pub(crate) which: NodeSetArgs,
}

/// Takes it back on all nodes, one after another.
pub(crate) fn run(args: &AbortArgs) -> Result<(), Trouble> {
    let nodes = args.which.resolve()?;
    let tools = Tools::resolve(&args.nodes)?;
    each(tools.json, &nodes, |node, voice| {
        let mut abort = Abort {
            args,
            tools: &tools,
            node,
            latest: tools.state.latest(node),
            voice,
        };
        abort.run().map_err(|trouble| {
            interrupted(
                trouble,
                node,
                "what was begun may be done by halves: abort again",
            )
        })
    })
}

struct Abort<'a> {
    args: &'a AbortArgs,
    tools: &'a Tools,
    node: &'a str,
    /// The latest run of the node that this host knows.
    latest: Option<RunDir>,
    voice: &'a mut Voice,
}

impl Abort<'_> {
    fn run(&mut self) -> Result<(), Trouble> {
        let mut lookout = Lookout::new(self.tools, self.node, self.latest.as_ref())?;
        let (session, agent, sight) = lookout.meet()?;
        match sight {
            Sight::Old(status) | Sight::Jump(status) | Sight::New(status)
                if status.is_committed() =>
            {
                self.leave(&session, &agent)?;
                Err(self.committed(&status))
            }
            Sight::Old(status) if status.live => {
                self.leave(&session, &agent)?;
                Err(at_work(&status))
            }
            Sight::Old(status) => {
                let what = if is_in_memory(&session, &agent) {
                    "take what was staged for the rehearsal out of its memory"
                } else {
                    "restore the loader and give the landing partition back"
                };
                if self.agrees(&status, what)? {
                    return self.take_back(&session, &agent, status.run.as_deref());
                }
                self.leave(&session, &agent)
            }
            Sight::Jump(status) => {
                let what = if is_in_memory(&session, &agent) {
                    "end the rehearsal: reset the machine, which boots the old system"
                } else {
                    "reboot into the old system and make it as it was"
                };
                if !self.agrees(&status, what)? {
                    return Ok(());
                }
                let plan = agent.kept(&session)?.plan;
                self.turn_back(&session, &agent, &plan.run)?;
                lookout.first_boot.clone_from(&status.boot_id);
                let (session, agent) = self.wait_for_old(&lookout, &plan.run, &plan.wait)?;
                if plan.landing.is_volatile() {
                    return self.ended(&session, &agent, &plan.run);
                }
                self.take_back(&session, &agent, Some(&plan.run))
            }
            Sight::Stranger(status) => self.stranger(&session, &status),
            _ => {
                self.nothing();
                Ok(())
            }
        }
    }

    /// What tells of no run may still be half staged, by a run that this host has begun.
    fn stranger(&mut self, session: &Session, status: &Status) -> Result<(), Trouble> {
        let over = |run: &RunDir| run.is_finished() || run.is_taken_back();
        let Some(latest) = self.latest.clone().filter(|run| !over(run)) else {
            self.nothing();
            return Ok(());
        };
        if !self.agrees(status, "give back what a run that began here has left")? {
            return Ok(());
        }
        let agent = Agent::upload(session, latest.run(), &self.tools.jumpinit, 0);
        let agent = agent.map_err(|error| error.trouble(self.node))?;
        self.take_back(session, &agent, Some(latest.run()))
    }

    /// A rehearsal in memory has left nothing that could be taken back.
    fn ended(&mut self, session: &Session, agent: &Agent, run: &RunId) -> Result<(), Trouble> {
        self.leave(session, agent)?;
        let ours = self.latest.clone().filter(|latest| latest.run() == run);
        if let Some(ours) = ours {
            ours.write_taken_back()?;
        }
        self.outcome("taken-back", Some(run));
        self.voice.text(&Page::of(format_args!(
            "{}: the rehearsal is over, and the node is its old system",
            self.node
        )));
        Ok(())
    }

    fn nothing(&mut self) {
        self.outcome("nothing", None);
        self.voice.text(&Page::of(format_args!(
            "{}: no run is under way; nothing was done",
            self.node
        )));
    }

    fn outcome(&mut self, outcome: &str, run: Option<&str>) {
        let fields = [
            ("outcome".to_owned(), json!(outcome)),
            ("run".to_owned(), json!(run)),
        ];
        self.voice.object("abort", Map::from_iter(fields));
    }

    /// Says what would be done; whether it is to be done.
    fn agrees(&mut self, status: &Status, what: &str) -> Result<bool, Trouble> {
        let run = match (&status.run, &status.origin) {
            (Some(run), Some(origin)) => format!(" of run {run}, begun by {origin}"),
            (Some(run), None) => format!(" of run {run}"),
            _ => String::new(),
        };
        self.voice
            .say(&format!("in its {}{run}; abort will {what}", status.system));
        if self.args.dry_run {
            self.outcome("dry-run", status.run.as_deref());
        } else if !self.args.yes {
            let question = format!("Take the jump of {} back?", status.hostname);
            let yes = Yes::HostName(status.hostname.clone());
            ask(&question, &yes, &self.tools.interrupt)?;
        }
        Ok(!self.args.dry_run)
    }

    fn committed(&self, status: &Status) -> Trouble {
        let run = status.run.as_deref().unwrap_or("?");
        let (what, hint) = if status.system == System::New {
            (
                "its new system is being tried",
                "wait: it is confirmed, or jump comes up again",
            )
        } else {
            (
                "the old system is destroyed, or about to be",
                "wait for the new system; if jump gave up, `jumpimg resume` goes on, with --job also with another image",
            )
        };
        Trouble::new(
            Exit::Refused,
            "committed",
            format!("run {run} cannot be taken back: {what}"),
        )
        .hint(format!("see `jumpimg status {}`; {hint}", self.node))
    }

    fn leave(&self, session: &Session, agent: &Agent) -> Result<(), Trouble> {
        agent
            .remove(session)
            .map_err(|error| error.trouble(self.node))
    }

    fn turn_back(&mut self, session: &Session, agent: &Agent, run: &str) -> Result<(), Trouble> {
        self.voice.say("reboots into the old system");
        agent
            .turn_back(session, run)
            .map_err(|error| error.trouble(self.node))
    }

    /// Waits until the old system answers. A jump system that comes up once more is sent back
    /// again; one that has committed before it heard us goes on.
    fn wait_for_old(
        &mut self,
        lookout: &Lookout<'_>,
        run: &str,
        waits: &Waits,
    ) -> Result<(Session, Agent), Trouble> {
        let limit = Instant::now() + waits.boot.0 * 2 + waits.prove.0;
        let mut turns = 1;
        loop {
            match lookout.look()? {
                (Some(open), Sight::Old(_) | Sight::Stranger(_)) => return Ok(open),
                (Some(_), Sight::Jump(status) | Sight::New(status)) if status.is_committed() => {
                    return Err(self.committed(&status));
                }
                (Some((session, agent)), Sight::Jump(_)) if turns < TURNS => {
                    turns += 1;
                    self.turn_back(&session, &agent, run)?;
                }
                _ if Instant::now() > limit => {
                    let why = "the old system did not answer in time";
                    return Err(Trouble::new(Exit::Failed, "too-slow", why).hint(format!(
                        "abort again once `jumpimg status {}` sees it",
                        self.node
                    )));
                }
                _ => {}
            }
            if self.tools.interrupt.sleep(PAUSE) {
                return Err(SshError::Interrupted.trouble(self.node));
            }
        }
    }

    fn take_back(
        &mut self,
        session: &Session,
        agent: &Agent,
        run: Option<&str>,
    ) -> Result<(), Trouble> {
        let ours = self
            .latest
            .clone()
            .filter(|latest| Some(&**latest.run()) == run);
        let taken = self.order(session, agent, ours.as_ref(), run);
        let left = self.leave(session, agent);
        if let Err(error) = taken {
            return match error.exit() {
                Some(NodeExit::NoRun) => left.map(|()| self.nothing()),
                Some(NodeExit::WrongStage) if run.is_none() => left.map(|()| self.nothing()),
                _ => Err(error.trouble(self.node)),
            };
        }
        left?;
        if let Some(ours) = ours {
            ours.write_taken_back()?;
        }
        self.outcome("taken-back", run);
        self.voice.text(&Page::of(format_args!(
            "{}: the jump is taken back; loader and swap are as they were",
            self.node
        )));
        Ok(())
    }

    /// Whoever followed the run may take it back at the same moment: then we wait.
    fn order(
        &mut self,
        session: &Session,
        agent: &Agent,
        ours: Option<&RunDir>,
        run: Option<&str>,
    ) -> Result<(), SshError> {
        if let Some(plan) = ours.and_then(|ours| ours.plan().ok()) {
            agent.hand_over_plan(session, &plan)?;
        }
        for _ in 0..BUSY_TRIES {
            let voice = &mut *self.voice;
            match agent.take_back(session, run, &mut |event| voice.event(&event)) {
                Err(error) if error.exit() == Some(NodeExit::Busy) => {}
                taken => return taken,
            }
            if self.tools.interrupt.sleep(PAUSE) {
                return Err(SshError::Interrupted);
            }
        }
        agent.take_back(session, run, &mut |_| ())
    }
}

/// Whether the run is a rehearsal in memory, as far as the node tells.
fn is_in_memory(session: &Session, agent: &Agent) -> bool {
    let kept = agent.kept(session);
    kept.is_ok_and(|kept| kept.plan.landing.is_volatile())
}

fn at_work(status: &Status) -> Trouble {
    let run = status.run.as_deref().unwrap_or("?");
    let origin = status.origin.as_deref().unwrap_or("somebody");
    Trouble::new(
        Exit::Refused,
        "jump-in-progress",
        format!("run {run} is at work on it at this moment, by {origin}"),
    )
    .hint("stop it there first (Ctrl-C), or wait for it")
}
