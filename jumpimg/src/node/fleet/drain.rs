//! The admin's programs around the jump of each node: a workload manager lets it go, and takes it back.
//! They run beside the fleet, and nobody waits for one.

use std::path::{Path, PathBuf};

use jumpsys::cmd::{Beside, CmdError, Program};

use super::dir::FleetDir;
use crate::error::{Exit, Trouble};
use crate::node::job_file::Drain;

/// When a program is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Before the node is armed.
    Before,
    /// Once it is over with the node.
    After,
}

/// The programs that run.
pub(super) struct Programs<'a> {
    drain: &'a Drain,
    dir: &'a FleetDir,
    running: Vec<Running>,
}

struct Running {
    node: usize,
    when: When,
    program: Beside,
    log: PathBuf,
}

/// A program that has ended.
pub(super) struct Ran {
    pub(super) node: usize,
    pub(super) when: When,
    /// Why it is of no use, if that is so.
    pub(super) failed: Option<Trouble>,
}

impl<'a> Programs<'a> {
    pub(super) fn new(drain: &'a Drain, dir: &'a FleetDir) -> Self {
        Self {
            drain,
            dir,
            running: Vec::new(),
        }
    }

    /// Starts a node's program, if there is one; whether there is.
    pub(super) fn start(&mut self, node: usize, name: &str, when: When) -> Result<bool, Trouble> {
        let (path, word) = match when {
            When::Before => (&self.drain.before, "before"),
            When::After => (&self.drain.after, "after"),
        };
        let Some(path) = path else { return Ok(false) };
        let (log, file) = self.dir.program_log(&format!("{name}.{word}"))?;
        let program = Program::new(path).inherit_env().arg(name);
        let program = program.env("JUMP_HOST", host(name));
        let started = program.timeout(self.drain.timeout).start_beside(&file);
        self.running.push(Running {
            node,
            when,
            program: started.map_err(|error| failed(&error, &log))?,
            log,
        });
        Ok(true)
    }

    /// Those that have ended since the last look.
    pub(super) fn ended(&mut self) -> Vec<Ran> {
        let mut ended = Vec::new();
        self.running.retain_mut(|running| {
            let Some(end) = running.program.look() else {
                return true;
            };
            ended.push(Ran {
                node: running.node,
                when: running.when,
                failed: end.err().map(|error| failed(&error, &running.log)),
            });
            false
        });
        ended
    }

    /// Ends those by which nodes were to be let go; the nodes.
    pub(super) fn end_before(&mut self) -> Vec<usize> {
        let is_before = |running: &mut Running| running.when == When::Before;
        let ended = self.running.extract_if(.., is_before);
        ended.map(|running| running.node).collect()
    }

    /// Whether none runs.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}

/// A node's name without an account.
fn host(name: &str) -> &str {
    name.rsplit_once('@').map_or(name, |(_, host)| host)
}

fn failed(error: &CmdError, log: &Path) -> Trouble {
    Trouble::new(Exit::Failed, "drain-failed", error.to_string())
        .hint(format!("what it said is in {}", log.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use jumpspec::job::FleetWish;
    use jumpspec::words::digest::Digest;
    use jumpspec::words::run_id::RunId;
    use jumpsys::files::atomic::write_atomic;

    use crate::node::fleet::dir::Record;
    use crate::node::run_dir::StateDir;

    #[test]
    fn programs_hear_the_nodes_name_and_their_end_is_found() {
        let state = tempfile::tempdir().unwrap();
        let script = state.path().join("program");
        let text = b"#!/bin/sh\necho \"$1 $JUMP_HOST\"\n[ \"$1\" != root@n2 ]\n";
        write_atomic(&script, text, 0o755).unwrap();
        let job = state.path().join("job.toml");
        let (run, images) = (RunId::new(7), [Digest::of(b"image"); 2]);
        let record = Record::now(run, &job, images, FleetWish::default(), Vec::new()).unwrap();
        let kept = StateDir::find(Some(state.path())).unwrap();
        let dir = FleetDir::begin(&kept, &record, &[]).unwrap();
        let drain = Drain {
            before: Some(script),
            after: None,
            timeout: Duration::from_mins(1),
        };
        let mut programs = Programs::new(&drain, &dir);
        assert!(!programs.start(0, "n1", When::After).unwrap());
        assert!(programs.start(0, "n1", When::Before).unwrap());
        assert!(programs.start(1, "root@n2", When::Before).unwrap());
        let mut ended = Vec::new();
        while !programs.is_empty() {
            ended.extend(programs.ended());
            std::thread::sleep(Duration::from_millis(10));
        }
        ended.sort_by_key(|ran| ran.node);
        assert!(ended[0].failed.is_none());
        let failed = ended[1].failed.as_ref().unwrap();
        assert_eq!(failed.causes[0].code, "drain-failed");
        let log = dir.path().join("drain/root@n2.before.log");
        assert_eq!(std::fs::read_to_string(log).unwrap(), "root@n2 n2\n");
    }
}
