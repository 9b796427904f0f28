//! What a command needs besides its nodes: of every one the state directory and the program that goes
//! there, of one with a job the job and its images. Read once, for all nodes.

use std::path::Path;

use jumpspec::digest::Digest;
use jumpspec::facts::Facts;
use jumpspec::plan::Plan;
use jumpspec::planner::{self, Input};
use jumpspec::run_id::RunId;

use crate::error::Trouble;
use crate::node::args::NodeArgs;
use crate::node::image_files::ImageFiles;
use crate::node::job_file::JobFile;
use crate::node::run_dir::StateDir;
use crate::terminal::interrupt::Interrupt;

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
    pub(crate) fn read(tools: &'a Tools<'a>, job: &Path) -> Result<Self, Trouble> {
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

/// What a node is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be replaced.
    Replace,
    /// To prove itself and go back.
    Rehearse,
}
