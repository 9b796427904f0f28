//! Looks which system of a node answers: the jump system by its pinned host key, the
//! old and the new one by the admin's known_hosts.

use std::time::Duration;

use jumpspec::places;
use jumpspec::report::{self, NodeReport};
use jumpspec::status::{Status, System};

use super::Agent;
use crate::interrupt::Interrupt;
use crate::ssh::{Route, Session, SshError};
use crate::trouble::Trouble;

/// For a question that a booting system may take its time to answer.
const LIMIT: Duration = Duration::from_mins(1);
/// `jumpinit` in the jump system; with an argument it is the ordinary command.
const JUMP_PROGRAM: &str = "/etc/rc.local";

/// What was seen of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Nothing answers, or nothing that can be let in; in words.
    Nothing(String),
    /// The boot that the run was begun from still runs.
    SameBoot,
    /// The old system, booted again.
    Old(Status),
    /// The jump system.
    Jump(Status),
    /// The new system, not finished yet.
    New(Status),
    /// The new system with its report: the run is over.
    Finished(NodeReport),
    /// A system that knows nothing of the run.
    Stranger(Status),
}

/// The two ways to a node.
#[derive(Debug)]
pub(crate) struct Lookout<'a> {
    /// The old and the new system.
    pub(crate) admins: Route,
    /// The jump system.
    pub(crate) pinned: Option<Route>,
    /// The run to look for.
    pub(crate) run: &'a str,
    /// The boot that the run was begun from.
    pub(crate) first_boot: &'a str,
    /// `jumpinit`, for systems that have none.
    pub(crate) binary: &'a [u8],
    pub(crate) interrupt: Interrupt,
}

/// An open connection and what answers at its end.
pub(crate) type Seen = (Option<(Session, Agent)>, Sight);

impl Lookout<'_> {
    /// Looks once.
    pub(crate) fn look(&self) -> Result<Seen, Trouble> {
        match self.look_both_ways() {
            Err(SshError::Interrupted) => Err(SshError::Interrupted.trouble(&self.admins.host)),
            Err(error) => Ok((None, Sight::Nothing(error.to_string()))),
            Ok(seen) => Ok(seen),
        }
    }

    fn look_both_ways(&self) -> Result<Seen, SshError> {
        if let Some(route) = &self.pinned {
            match Session::open(route, &self.interrupt) {
                Ok(session) => return Self::jump(session),
                // Another host key: the jump system is not what answers.
                Err(SshError::HostKey(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.other(Session::open(&self.admins, &self.interrupt)?)
    }

    fn jump(session: Session) -> Result<Seen, SshError> {
        let agent = Agent::installed(JUMP_PROGRAM);
        let status = ask(&agent, &session)?;
        Ok((Some((session, agent)), Sight::Jump(status)))
    }

    fn other(&self, session: Session) -> Result<Seen, SshError> {
        let report = format!("/{}/{}", places::NEW_LOG, report::FILE);
        let said = session.run(
            &format!(
                "echo boot $(cat /proc/sys/kernel/random/boot_id); [ -x /{program} ] && echo program; [ -e {report} ] && cat {report}; true",
                program = places::NEW_PROGRAM
            ),
            LIMIT,
        )?;
        let boot = said
            .lines()
            .find_map(|line| line.strip_prefix("boot "))
            .unwrap_or_default();
        if boot == self.first_boot {
            return Ok((Some((session, Agent::installed("false"))), Sight::SameBoot));
        }
        if let Some(report) = finished(&said, self.run) {
            return Ok((
                Some((session, Agent::installed("false"))),
                Sight::Finished(report),
            ));
        }
        let agent = if said.lines().any(|line| line == "program") {
            Agent::installed(&format!("/{}", places::NEW_PROGRAM))
        } else {
            Agent::upload(&session, self.run, self.binary)?
        };
        let status = ask(&agent, &session)?;
        let sight = match status.system {
            System::Old => Sight::Old(status),
            System::Jump => Sight::Jump(status),
            System::New => Sight::New(status),
            System::None => Sight::Stranger(status),
        };
        if matches!(sight, Sight::Stranger(_)) {
            agent.remove(&session)?;
        }
        Ok((Some((session, agent)), sight))
    }
}

/// A status that cannot be had yet is a node that does not answer yet.
fn ask(agent: &Agent, session: &Session) -> Result<Status, SshError> {
    agent.status(session).map_err(|trouble| {
        let why = trouble.causes.into_iter().next().map(|cause| cause.message);
        SshError::unreachable(why.unwrap_or_default())
    })
}

/// The report of `run` in what the node said.
fn finished(said: &str, run: &str) -> Option<NodeReport> {
    let json = &said[said.find('{')?..];
    serde_json::from_str::<NodeReport>(json)
        .ok()
        .filter(|report| report.run == run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_runs_report_counts() {
        let report = r#"{"run":"aa","hostname":"n","os":"o","kernel":"k","boot_id":"b"}"#;
        let said = format!("boot b\nprogram\n{report}\n");
        assert!(finished(&said, "aa").is_some());
        assert!(finished(&said, "bb").is_none());
        assert!(finished("boot b\n", "aa").is_none());
    }
}
