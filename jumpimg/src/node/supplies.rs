//! What the nodes of one job get from this host: the job, its images, and the plans that follow from
//! both. Read once, for all nodes.

use std::path::Path;

use jumpspec::hook::MOST_ADDED;
use jumpspec::job::Joint;
use jumpspec::job::variables;
use jumpspec::node::facts::Facts;
use jumpspec::plan::Plan;
use jumpspec::planner::{self, Input, Rehearsal};
use jumpspec::words::digest::Digest;
use jumpspec::words::run_id::RunId;

use crate::error::Trouble;
use crate::node::image_files::ImageFiles;
use crate::node::job_file::JobFile;
use crate::node::tools::Tools;

/// A job with all files that it names.
pub(crate) struct Supplies<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) job: JobFile,
    pub(crate) images: ImageFiles,
}

impl<'a> Supplies<'a> {
    /// Reads all files of the admin host.
    pub(crate) fn read(tools: &'a Tools, job: &Path) -> Result<Self, Trouble> {
        let job = JobFile::read(job)?;
        let images = ImageFiles::open(&job, &tools.interrupt)?;
        Ok(Self { tools, job, images })
    }

    /// Bytes that a node's private directory needs: for the toolbox, packed and unpacked, and for what
    /// hooks add to what is saved.
    pub(crate) fn room(&self) -> u64 {
        let has_saved = self.job.job.has_hook(Joint::Saved);
        let added = if has_saved { MOST_ADDED } else { 0 };
        2 * self.images.toolbox.len() as u64 + added
    }

    /// The paths that tell whether a node has what its hooks are run by.
    pub(crate) fn interpreters(&self) -> Vec<String> {
        let on_old = |at: Joint| matches!(at, Joint::Prep | Joint::Saved);
        self.job.interpreters(on_old).into_iter().collect()
    }

    /// Works a run's plan out for a node with these facts.
    pub(crate) fn plan(
        &self,
        whose: &Whose<'_>,
        facts: &Facts,
        rehearsal: Option<Rehearsal>,
    ) -> Result<Plan, Trouble> {
        let Whose { node, run, mark } = *whose;
        let model = facts.uefi.as_ref().map(|found| &found.model);
        let follows = model.map(|model| self.tools.state.has_seen_follow(model));
        let input = Input {
            run,
            rehearsal,
            admin_mark: Digest::of(mark.as_bytes()),
            jump: &self.images.jump,
            target: &self.images.target,
            facts,
            job: &self.job.job,
            scripts: &self.job.scripts,
            host: variables::host(node),
            hostvars: self.job.hostvars.as_ref(),
            templates: &self.job.templates,
            follows: follows.unwrap_or_default(),
        };
        planner::plan(&input).map_err(Trouble::from)
    }
}

/// Whose plan it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    /// The node, as the command line names it.
    pub(crate) node: &'a str,
    /// The run.
    pub(crate) run: &'a RunId,
    /// The admin host's secret for it.
    pub(crate) mark: &'a str,
}
