//! `jumpimg resume`: goes on with a run that stands still. In the jump system after it gave up,
//! with the same plan or by another job; on the old system when the admin host went away while
//! the node was staged or before it was rebooted.

mod awaiting;
mod exchange;
mod take_over;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use jumpspec::plan::Plan;
use jumpspec::render;
use jumpspec::run::status::{Kept, Status};
use jumpspec::step::{ImageRole, Stage};
use serde_json::{Map, json};

use awaiting::is_awaiting;
use exchange::{exchange, successor};
use take_over::{Claim, Consent, refuse_without_mark};

use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, read_events};
use crate::node::args::NodeArgs;
use crate::node::lookout::{Lookout, Sight};
use crate::node::nodes::NodeSetArgs;
use crate::node::phases::agree::Agreed;
use crate::node::phases::jump::{Jumped, Start};
use crate::node::phases::run::{Run, interrupted};
use crate::node::run_dir::RunDir;
use crate::node::several::each;
use crate::node::ssh::Session;
use crate::node::supplies::Supplies;
use crate::node::tell::Voice;
use crate::node::tools::Tools;
use crate::terminal::ask::{Yes, ask};

/// Goes on with a run that stands still, e.g. after the jump system gave up
#[derive(Args, Clone, Debug)]
pub(crate) struct ResumeArgs {
    /// Go on by this job, e.g. with another target image; its jump image must be the run's
    #[arg(long, value_name = "FILE")]
    pub(crate) job: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Go on with a run that another admin host has begun, and know its jump system by the host key
    /// that the node names
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Stop after showing the new plan; nothing is changed
    #[arg(long, conflicts_with = "yes", requires = "job")]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    #[command(flatten)]
    pub(crate) which: NodeSetArgs,
}

/// Goes on with all nodes, one after another.
pub(crate) fn run(args: &ResumeArgs) -> Result<(), Trouble> {
    let nodes = args.which.resolve()?;
    let tools = Tools::resolve(&args.nodes)?;
    let supplies = args.job.as_ref();
    let supplies = supplies
        .map(|job| Supplies::read(&tools, job))
        .transpose()?;
    each(tools.json, &nodes, |node, voice| {
        let resume = Resume {
            args,
            tools: &tools,
            supplies: supplies.as_ref(),
            node,
        };
        resume.run(voice)
    })
}

#[derive(Clone, Copy)]
struct Resume<'a> {
    args: &'a ResumeArgs,
    tools: &'a Tools,
    supplies: Option<&'a Supplies<'a>>,
    node: &'a str,
}

impl<'a> Resume<'a> {
    fn run(self, voice: &mut Voice) -> Result<(), Trouble> {
        let latest = self.tools.state.latest(self.node);
        let (session, agent, sight) =
            Lookout::new(self.tools, self.node, latest.as_ref())?.meet()?;
        let stage = match &sight {
            Sight::Old(status) | Sight::Jump(status) => {
                status.journal.as_ref().map(|journal| journal.stage)
            }
            _ => None,
        };
        let resumed = match (sight, stage) {
            (Sight::Jump(status), _) if status.gave_up || is_awaiting(&status) => {
                self.in_jump(session, &agent, &status, voice)
            }
            (Sight::Old(status), Some(Stage::Stage | Stage::Armed)) if !status.live => {
                self.in_old(session, &agent, &status, voice)
            }
            (sight, _) => {
                agent
                    .remove(&session)
                    .map_err(|error| error.trouble(self.node))?;
                Err(self.not_stuck(&sight))
            }
        };
        resumed.map_err(|trouble| interrupted(trouble, self.node, "nothing was ordered there yet"))
    }

    /// Why there is nothing to go on with.
    fn not_stuck(self, sight: &Sight) -> Trouble {
        let refused = |code: &str, why: String| {
            Trouble::new(Exit::Refused, code, why)
                .hint(format!("see `jumpimg status {}`", self.node))
        };
        match sight {
            Sight::Old(status) if status.live => refused(
                "jump-in-progress",
                format!(
                    "run {} is at work on it at this moment, by {}",
                    status.run.as_deref().unwrap_or("?"),
                    status.origin.as_deref().unwrap_or("somebody")
                ),
            ),
            Sight::Old(status) => refused(
                "old-system-again",
                format!(
                    "is its old system again: {}",
                    status
                        .reason()
                        .map_or("no reason was left".to_owned(), render::coded)
                ),
            )
            .hint(format!(
                "`jumpimg abort {}` makes it as it was; then push again",
                self.node
            )),
            Sight::Jump(status) => refused(
                "not-stuck",
                format!("the jump system is at work{}", at(status)),
            ),
            Sight::New(_) => refused("not-stuck", "its new system is being tried".to_owned()),
            _ => refused("no-run", "no run is under way on it".to_owned()),
        }
    }

    /// The run's directory on this host; another host's run is taken over first.
    fn directory(
        self,
        ours: Option<RunDir>,
        kept: &Kept,
        status: &Status,
    ) -> Result<RunDir, Trouble> {
        if let Some(ours) = ours {
            return Ok(ours);
        }
        let consent = match self.args {
            ResumeArgs {
                take_over: true, ..
            } => Consent::Given,
            ResumeArgs { yes: true, .. } => Consent::Missing,
            _ => Consent::Asked,
        };
        let claim = Claim {
            node: self.node,
            kept,
            origin: status.origin.as_deref(),
        };
        claim.take_over(self.tools, consent)
    }

    /// The jump system gave up.
    fn in_jump(
        self,
        session: Session,
        agent: &Agent,
        status: &Status,
        voice: &mut Voice,
    ) -> Result<(), Trouble> {
        let mut kept = agent.kept(&session)?;
        if kept.plan.landing.is_in_memory() {
            return self.in_memory(session, agent, (status, kept), voice);
        }
        let ours = take_over::ours(&self.tools.state, self.node, &kept.plan.run)?;
        let mark = ours.as_ref().and_then(RunDir::mark);
        if kept.facts.is_none() {
            kept.facts = ours.as_ref().and_then(|ours| ours.facts().ok());
        }
        if self.supplies.is_none() {
            refuse_without_mark(&kept.plan, mark.as_ref())?;
        }
        let next = self
            .supplies
            .map(|supplies| successor(supplies, self.node, &kept, mark.clone()))
            .transpose()?;
        if let Some(next) = &next {
            self.agree(&next.plan, &kept, voice)?;
            if self.args.dry_run {
                return Ok(());
            }
        }
        let dir = self.directory(ours, &kept, status)?;
        voice.keep(dir.events()?);
        let mut run = Run {
            tools: self.tools,
            node: self.node,
            plan: kept.plan.clone(),
            dir,
            begun: Instant::now(),
            mark,
            target: None,
        };
        let session = match (next, self.supplies) {
            (Some(next), Some(supplies)) => {
                exchange(&mut run, voice, supplies, &kept, next, session)?
            }
            _ => session,
        };
        let told = read_events(&session).map_err(|error| error.trouble(self.node))?;
        voice.known(&told);
        let times = run.armed_now();
        agent
            .resume(&session, &run.plan.run, &mut |event| voice.event(&event))
            .map_err(|error| error.trouble(self.node))?;
        drop(session);
        let start = Start {
            boot_id: status.boot_id.clone(),
            offset: told.len() as u64,
        };
        Jumped::anew(run, start, times).follow(voice)?.report(voice)
    }

    fn agree(self, next: &Plan, kept: &Kept, voice: &mut Voice) -> Result<(), Trouble> {
        if self.tools.json {
            voice.object("plan", Map::from_iter([("plan".to_owned(), json!(next))]));
        }
        if let Some(facts) = &kept.facts {
            voice.text(&render::plan(next, facts));
        }
        if self.args.dry_run || self.args.yes {
            return Ok(());
        }
        let question = format!("Go on with {} by this plan?", next.hostname);
        ask(
            &question,
            &Yes::HostName(next.hostname.clone()),
            &self.tools.interrupt,
        )
    }

    /// The old system runs: staged by halves, or armed and never rebooted.
    fn in_old(
        self,
        session: Session,
        seen_by: &Agent,
        status: &Status,
        voice: &mut Voice,
    ) -> Result<(), Trouble> {
        let failed = |error: crate::node::ssh::SshError| error.trouble(self.node);
        let kept = seen_by.kept(&session);
        seen_by.remove(&session).map_err(failed)?;
        let kept = kept?;
        self.refuse_rebooted(&kept)?;
        let stage = status.journal.as_ref().map(|journal| journal.stage);
        let supplies = match stage {
            Some(Stage::Stage) => Some(self.can_stage(&kept)?),
            // It has the images.
            _ => self.supplies,
        };
        let ours = take_over::ours(&self.tools.state, self.node, &kept.plan.run)?;
        let mark = ours.as_ref().and_then(RunDir::mark);
        refuse_without_mark(&kept.plan, mark.as_ref())?;
        let dir = self.directory(ours, &kept, status)?;
        voice.keep(dir.events()?);
        let run = Run {
            tools: self.tools,
            node: self.node,
            plan: kept.plan,
            dir,
            begun: Instant::now(),
            mark,
            target: supplies.map(|it| it.images.path(ImageRole::Target).to_owned()),
        };
        // The run's own directory, in which the bundle is.
        let agent =
            Agent::upload(&session, &run.plan.run, &self.tools.jumpinit, 0).map_err(failed)?;
        // Also a node that is armed: what was saved for that may be old.
        let staged = Agreed::before(run, session, agent, supplies).stage(voice)?;
        staged.jump()?.follow(voice)?.report(voice)
    }

    /// What was staged in an earlier boot of the old system is of that.
    fn refuse_rebooted(self, kept: &Kept) -> Result<(), Trouble> {
        if kept.can_stage {
            return Ok(());
        }
        let why = format!(
            "the node was rebooted since run {} was begun",
            kept.plan.run
        );
        Err(Trouble::new(Exit::Refused, "cannot-stage", why)
            .hint(format!("`jumpimg abort {}`, then push again", self.node)))
    }

    /// The job's files, if they are those that the node is being staged with.
    fn can_stage(self, kept: &Kept) -> Result<&'a Supplies<'a>, Trouble> {
        let again = format!("`jumpimg abort {}`, then push again", self.node);
        let Some(supplies) = self.supplies else {
            let why = format!("run {} was not staged to its end", kept.plan.run);
            return Err(Trouble::new(Exit::Refused, "needs-job", why)
                .hint(format!("name its job with --job; or {again}")));
        };
        let files = [
            (ImageRole::Jump, supplies.images.jump.digest),
            (ImageRole::Target, supplies.images.target.digest),
        ];
        if let Some((image, _)) = files
            .iter()
            .find(|(image, digest)| kept.plan.image(*image).digest != *digest)
        {
            let why = format!(
                "the job's {image} is not the one that run {} is staged with",
                kept.plan.run
            );
            return Err(Trouble::new(Exit::Refused, "other-image", why).hint(again));
        }
        Ok(supplies)
    }
}

fn at(status: &Status) -> String {
    status
        .step
        .as_ref()
        .map(|step| format!(", at step {} of {}: {}", step.number, step.of, step.task))
        .unwrap_or_default()
}
