//! Looks which system of a node answers: the jump system by its pinned host key, the
//! old and the new one by the admin's known_hosts.

use std::time::Duration;

use jumpspec::run::report::{self, NodeReport};
use jumpspec::run::status::{Status, System};
use jumpspec::words::run_id::RunId;
use jumpspec::{answers, places};

use crate::error::{Exit, Trouble};
use crate::node::agent::Agent;
use crate::node::random::random_hex;
use crate::node::run_dir::RunDir;
use crate::node::ssh::{LOGIN_SHELL, Route, Session, SshError};
use crate::node::tools::Tools;

/// For a question that a booting system may take its time to answer.
const LIMIT: Duration = Duration::from_mins(1);
/// `jumpinit` in the jump system; with an argument it is the ordinary command.
const JUMP_PROGRAM: &str = "/etc/rc.local";

/// What to do about a host key that is not known here.
const FOREIGN: &str = "if it is the node's jump system, the host that pushed has its key in its state directory, runs/RUN/known_hosts: copy runs and nodes from there, or name that file as UserKnownHostsFile, with HostKeyAlias jump-RUN, in an --ssh-config";

/// What was seen of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Nothing answers, or nothing that can be let in; in words.
    Nothing(String),
    /// Something answers with a host key that is not known; in words.
    Foreign(String),
    /// Something lets us in and runs nothing; in words.
    Deaf(String),
    /// The boot that is to end still runs.
    SameBoot,
    /// The old system.
    Old(Status),
    /// The jump system.
    Jump(Status),
    /// The new system, not finished yet.
    New(Status),
    /// The new system with its report: the run is over.
    Finished(NodeReport),
    /// A system that knows nothing of a run under way.
    Stranger(Status),
}

impl Sight {
    /// Trouble, if there is nothing there that could be asked.
    pub(crate) fn silent(&self) -> Option<Trouble> {
        let failed = |code: &str, why: &str| Trouble::new(Exit::Failed, code, why);
        match self {
            Self::Nothing(why) => {
                Some(failed("unreachable", why).hint("it may be rebooting: try again in a minute"))
            }
            Self::Foreign(why) => Some(failed("host-key", why).hint(FOREIGN)),
            Self::Deaf(why) => Some(failed("login-shell", why).hint(LOGIN_SHELL)),
            _ => None,
        }
    }
}

/// The two ways to a node.
pub(crate) struct Lookout<'a> {
    /// The old and the new system.
    admins: Route,
    /// The jump system, if its host key is known here.
    pinned: Option<Route>,
    /// The run whose report ends the watch, if one is watched.
    run: Option<RunId>,
    /// The boot that is to end, if one is.
    pub(crate) first_boot: String,
    /// The name of our private directory on the node.
    directory: String,
    tools: &'a Tools,
}

/// An open connection and what answers at its end.
pub(crate) type Seen = (Option<(Session, Agent)>, Sight);

impl<'a> Lookout<'a> {
    /// Looks at `node`, of whose runs `latest` is the latest that this host knows.
    pub(crate) fn new(
        tools: &'a Tools,
        node: &str,
        latest: Option<&RunDir>,
    ) -> Result<Self, Trouble> {
        let admins = tools.route(node);
        let pinned = latest.filter(|latest| latest.is_pinned()).map(|latest| {
            let mut route = admins.clone();
            route.keys = latest.host_keys();
            route
        });
        Ok(Self {
            admins,
            pinned,
            run: None,
            first_boot: String::new(),
            directory: random_hex()?,
            tools,
        })
    }

    /// The same, until `run` is over, from the boot `first_boot` on.
    pub(crate) fn watch(
        tools: &'a Tools,
        node: &str,
        run: &RunDir,
        first_boot: &str,
    ) -> Result<Self, Trouble> {
        Ok(Self {
            run: Some(run.run().clone()),
            first_boot: first_boot.to_owned(),
            directory: run.run().to_string(),
            ..Self::new(tools, node, Some(run))?
        })
    }

    /// Looks once.
    pub(crate) fn look(&self) -> Result<Seen, Trouble> {
        match self.look_both_ways() {
            Err(SshError::Interrupted) => Err(SshError::Interrupted.trouble(&self.admins.host)),
            Err(SshError::HostKey(words)) => Ok((None, Sight::Foreign(words))),
            Err(error @ SshError::LoginShell { .. }) => Ok((None, Sight::Deaf(error.to_string()))),
            Err(error) => Ok((None, Sight::Nothing(error.to_string()))),
            Ok(seen) => Ok(seen),
        }
    }

    /// Looks once; trouble, if there is nothing there that could be asked.
    pub(crate) fn meet(&self) -> Result<(Session, Agent, Sight), Trouble> {
        let (open, sight) = self.look()?;
        if let Some(trouble) = sight.silent() {
            return Err(trouble);
        }
        let (session, agent) = open
            .ok_or_else(|| Trouble::new(Exit::Failed, "unreachable", "the connection is gone"))?;
        Ok((session, agent, sight))
    }

    fn look_both_ways(&self) -> Result<Seen, SshError> {
        let interrupt = &self.tools.interrupt;
        if let Some(route) = &self.pinned {
            match Session::open(route, interrupt) {
                Ok(session) => return self.jump(session),
                // Another host key: the jump system is not what answers.
                Err(SshError::HostKey(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.other(Session::open(&self.admins, interrupt)?)
    }

    fn jump(&self, session: Session) -> Result<Seen, SshError> {
        let agent = Agent::installed(JUMP_PROGRAM);
        let status = ask(&agent, &session)?;
        let sight = if status.boot_id == self.first_boot {
            Sight::SameBoot
        } else {
            Sight::Jump(status)
        };
        Ok((Some((session, agent)), sight))
    }

    fn other(&self, session: Session) -> Result<Seen, SshError> {
        let report = format!("/{}/{}", places::NEW_LOG, report::FILE);
        let said = session.run(
            &format!(
                "echo boot $(cat /proc/sys/kernel/random/boot_id); [ -x /{program} ] && echo program; [ -e /{plan} ] || {{ [ -e {report} ] && cat {report}; }}; true",
                program = places::NEW_PROGRAM,
                // Until it is gone there is something left to do.
                plan = places::NEW_PLAN
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
        let finished = self.run.as_ref();
        if let Some(report) = finished.and_then(|run| answers::report(&said, run)) {
            return Ok((
                Some((session, Agent::installed("false"))),
                Sight::Finished(report),
            ));
        }
        let agent = if said.lines().any(|line| line == "program") {
            Agent::installed(&format!("/{}", places::NEW_PROGRAM))
        } else {
            Agent::upload(&session, &self.directory, &self.tools.jumpinit, 0)?
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
