//! Looks at a node and works its plan out: what `check` shows and `push` begins with.
//! Changes nothing on the node but for a private directory in memory.

use anyhow::Context as _;
use jumpspec::digest::Digest;
use jumpspec::facts::Facts;
use jumpspec::plan::Plan;
use jumpspec::planner::{self, Input};
use jumpsys::system::random_bytes;

use crate::image_files::ImageFiles;
use crate::interrupt::Interrupt;
use crate::job_file::JobFile;
use crate::node::Agent;
use crate::node_args::NodeArgs;
use crate::ssh::Session;
use crate::trouble::Trouble;

/// What all nodes of one command share.
pub(crate) struct Common<'a> {
    pub(crate) args: &'a NodeArgs,
    pub(crate) job: JobFile,
    pub(crate) images: ImageFiles,
    pub(crate) jumpinit: Vec<u8>,
    pub(crate) interrupt: Interrupt,
}

impl<'a> Common<'a> {
    /// Reads all files of the admin host.
    pub(crate) fn read(args: &'a NodeArgs, job: &std::path::Path) -> Result<Self, Trouble> {
        let interrupt = Interrupt::listen()?;
        let job = JobFile::read(job)?;
        let jumpinit = args.jumpinit()?;
        let images = ImageFiles::open(&job, &interrupt)?;
        Ok(Self {
            args,
            job,
            images,
            jumpinit,
            interrupt,
        })
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

/// Looks at `node`.
pub(crate) fn survey(common: &Common<'_>, node: &str) -> Result<Survey, Trouble> {
    let (run, mark) = (random_hex()?, random_hex()?);
    let session = Session::open(&common.args.route(node), &common.interrupt)
        .map_err(|error| error.trouble(node))?;
    let agent = Agent::upload(&session, &run, &common.jumpinit).map_err(|error| {
        error.trouble(node).hint(
            "the node needs a POSIX shell and a directory for programs in /dev/shm, /run or /tmp",
        )
    })?;
    let facts = match agent.facts(&session, &common.job.job.save.all_paths()) {
        Ok(facts) => facts,
        Err(trouble) => {
            // The first trouble is the one to tell.
            agent.remove(&session).ok();
            return Err(trouble);
        }
    };
    let input = Input {
        run: &run,
        rehearsal: false,
        admin_mark: Digest::of(mark.as_bytes()),
        jump: &common.images.jump,
        target: &common.images.target,
        facts: &facts,
        job: &common.job.job,
    };
    let plan = planner::plan(&input).map_err(Trouble::from);
    Ok(Survey {
        session,
        agent,
        facts,
        mark,
        plan,
    })
}

/// 16 hex digits that nobody can guess.
fn random_hex() -> Result<String, Trouble> {
    let bytes = random_bytes::<8>().context("cannot make a run id or secret")?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}
