//! Looks at a node and works its plan out: what `check` shows and `push` begins with.
//! Changes nothing on the node but for a private directory, in memory where that takes programs.

use anyhow::Context as _;
use jumpspec::digest::Digest;
use jumpspec::disk::FoundPartition;
use jumpspec::facts::Facts;
use jumpspec::plan::{LANDING_LABEL, Plan};
use jumpspec::planner::{self, Input};
use jumpspec::run_id::RunId;
use jumpsys::system::random_bytes;

use crate::image_files::ImageFiles;
use crate::interrupt::Interrupt;
use crate::job_file::JobFile;
use crate::node::Agent;
use crate::node_args::NodeArgs;
use crate::run_dir::{RunDir, StateDir};
use crate::ssh::{Session, SshError};
use crate::trouble::{Exit, Trouble};

/// What every command needs that talks to nodes.
pub(crate) struct Tools<'a> {
    pub(crate) args: &'a NodeArgs,
    pub(crate) state: StateDir,
    /// The program that goes to the node.
    pub(crate) jumpinit: Vec<u8>,
    pub(crate) interrupt: Interrupt,
}

impl<'a> Tools<'a> {
    /// Reads them.
    pub(crate) fn read(args: &'a NodeArgs) -> Result<Self, Trouble> {
        Ok(Self {
            args,
            state: args.state()?,
            jumpinit: args.jumpinit()?,
            interrupt: Interrupt::listen()?,
        })
    }
}

/// What all nodes of one job share.
pub(crate) struct Common<'a> {
    pub(crate) tools: &'a Tools<'a>,
    pub(crate) job: JobFile,
    pub(crate) images: ImageFiles,
}

impl<'a> Common<'a> {
    /// Reads all files of the admin host.
    pub(crate) fn read(tools: &'a Tools<'a>, job: &std::path::Path) -> Result<Self, Trouble> {
        let job = JobFile::read(job)?;
        let images = ImageFiles::open(&job, &tools.interrupt)?;
        Ok(Self { tools, job, images })
    }

    /// Bytes that a node's private directory needs for the toolbox, packed and unpacked.
    pub(crate) fn room(&self) -> u64 {
        2 * self.images.toolbox.len() as u64
    }

    /// Works the plan of `run` out for a node with these facts.
    pub(crate) fn plan(
        &self,
        run: &RunId,
        mark: &str,
        facts: &Facts,
        purpose: Purpose,
    ) -> Result<Plan, Trouble> {
        let input = Input {
            run,
            rehearsal: purpose == Purpose::Rehearse,
            admin_mark: Digest::of(mark.as_bytes()),
            jump: &self.images.jump,
            target: &self.images.target,
            facts,
            job: &self.job.job,
        };
        planner::plan(&input).map_err(Trouble::from)
    }
}

/// A node that was looked at, with the connection still open.
pub(crate) struct Survey {
    pub(crate) session: Session,
    pub(crate) agent: Agent,
    pub(crate) facts: Facts,
    /// The admin host's secret, for this run.
    pub(crate) mark: String,
    /// The plan, or what stands against it.
    pub(crate) plan: Result<Plan, Trouble>,
}

impl Survey {
    /// Leaves the node as it was found.
    pub(crate) fn leave(&self) -> Result<(), Trouble> {
        self.agent
            .remove(&self.session)
            .map_err(|error| error.trouble(self.session.host()))
    }
}

/// What a node is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be replaced.
    Replace,
    /// To prove itself and go back.
    Rehearse,
}

/// Looks at `node`.
pub(crate) fn survey(common: &Common<'_>, node: &str, purpose: Purpose) -> Result<Survey, Trouble> {
    let tools = common.tools;
    let (run, mark) = (RunId::new(random_bits()?), random_hex()?);
    let session = Session::open(&tools.args.route(node), &tools.interrupt)
        .map_err(|error| in_jump(tools, node, &error).unwrap_or_else(|| error.trouble(node)))?;
    let agent = Agent::upload(&session, &run, &tools.jumpinit, common.room())
        .map_err(|error| error.trouble(node))?;
    let asked = agent.facts(&session, &common.job.job.save.all_paths());
    let facts = match asked.and_then(refuse_jump_system) {
        Ok(facts) => facts,
        Err(trouble) => {
            // The first trouble is the one to tell.
            agent.remove(&session).ok();
            return Err(trouble);
        }
    };
    let mut plan = common.plan(&run, &mark, &facts, purpose);
    if let Ok(plan) = &mut plan {
        plan.notes.extend(done_before(tools, node, plan));
        plan.notes.extend(agent.note());
    }
    Ok(Survey {
        session,
        agent,
        facts,
        mark,
        plan,
    })
}

/// What answers has another host key than the node: its jump system, if it has the run's.
fn in_jump(tools: &Tools<'_>, node: &str, error: &SshError) -> Option<Trouble> {
    let latest = tools.state.latest(node).filter(RunDir::is_pinned)?;
    if !matches!(error, SshError::HostKey(_)) {
        return None;
    }
    let mut route = tools.args.route(node);
    route.keys = latest.host_keys();
    Session::open(&route, &tools.interrupt).ok()?;
    Some(jump_system_runs(latest.run()))
}

/// A jump system is no system to replace.
fn refuse_jump_system(facts: Facts) -> Result<Facts, Trouble> {
    let label = |partition: &FoundPartition| partition.content.as_ref()?.label.clone();
    let root = facts.root().and_then(|(_, partition)| label(partition));
    match (root.as_deref(), &facts.jump) {
        (Some(LANDING_LABEL), Some(jump)) => Err(jump_system_runs(&jump.run)),
        _ => Ok(facts),
    }
}

fn jump_system_runs(run: &str) -> Trouble {
    Trouble::new(
        Exit::Refused,
        "in-jump",
        format!("is in its jump system, in run {run}"),
    )
    .hint("see `jumpimg status`; if it gave up, `jumpimg resume` goes on, with --job also with another image")
}

/// That this host has made the node of this very image before.
fn done_before(tools: &Tools<'_>, node: &str, plan: &Plan) -> Option<String> {
    let latest = tools.state.latest(node)?;
    let before = latest.plan().ok()?;
    let same = latest.is_finished() && before.images.target.digest == plan.images.target.digest;
    same.then(|| {
        format!(
            "run {} has made this node of this very image already; this does it again",
            before.run
        )
    })
}

/// 16 hex digits that nobody can guess.
pub(crate) fn random_hex() -> Result<String, Trouble> {
    Ok(format!("{:016x}", random_bits()?))
}

fn random_bits() -> Result<u64, Trouble> {
    let bytes = random_bytes::<8>().context("cannot make a run id or secret")?;
    Ok(u64::from_be_bytes(bytes))
}
