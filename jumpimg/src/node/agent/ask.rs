//! Questions to a node: what it is, where a run stands, what its logs have. What it answers is read
//! by [`jumpspec::answers`] alone.

use jumpspec::answers::{self, Answer, Tail};
use jumpspec::job::Job;
use jumpspec::node::facts::Facts;
use jumpspec::places;
use jumpspec::run::event::Event;
use jumpspec::run::status::{Kept, Status};

use super::{Agent, SHORT};
use crate::error::{Exit, Trouble};
use crate::node::ssh::{Heard, Input, Session, SshError, quoted};

impl Agent {
    /// What the node is, with what the planner wants to know for this job: these interpreters of its
    /// hooks among it.
    pub(crate) fn facts(
        &self,
        session: &Session,
        job: &Job,
        interpreters: &[String],
    ) -> Result<Facts, Trouble> {
        let saved = job.save.all_paths();
        let saved = saved.iter().map(|path| ("save", path.as_str().to_owned()));
        let interpreters = interpreters.iter().cloned();
        let interpreters = interpreters.map(|path| ("interpreter", path));
        // A wish has no value that JSON cannot have.
        let copies = job.copy.iter().map(serde_json::to_string);
        let copies = copies.filter_map(|copy| Some(("copy", copy.ok()?)));
        let asked: Vec<_> = saved
            .chain(interpreters)
            .chain(copies)
            .map(|(option, value)| format!("--{option} {}", quoted(&value)))
            .collect();
        self.ask(session, &format!("facts {}", asked.join(" ")))
    }

    /// What the node is, whatever a job wants to know.
    pub(crate) fn bare_facts(&self, session: &Session) -> Result<Facts, Trouble> {
        self.ask(session, "facts")
    }

    /// Which system runs and how far a run has come.
    pub(crate) fn status(&self, session: &Session) -> Result<Status, Trouble> {
        self.ask(session, "status")
    }

    /// What the node keeps of the run that is under way.
    pub(crate) fn kept(&self, session: &Session) -> Result<Kept, Trouble> {
        self.ask(session, "kept")
    }

    /// The run's log, one event a line, or what is known of a failed boot of the new system.
    pub(crate) fn log(&self, session: &Session, log: Log) -> Result<String, SshError> {
        let option = match log {
            Log::Events => "",
            Log::FailedBoot => " --failed-boot",
        };
        session.run(&format!("exec {} events{option}", self.program), SHORT)
    }

    fn ask<A: Answer>(&self, session: &Session, question: &str) -> Result<A, Trouble> {
        let said = session.run(&format!("exec {} {question}", self.program), SHORT);
        let said = said.map_err(|error| error.trouble(session.host()))?;
        answers::read(&said).map_err(|error| {
            let message = format!("cannot read what `jumpinit {question}` printed: {error}");
            Trouble::new(Exit::Failed, "jumpinit-answer", message)
                .hint("use a jumpimg and a jumpinit of the same version")
        })
    }
}

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    /// All stages' events.
    Events,
    /// What the jump system could read of a boot of the new system that failed.
    FailedBoot,
}

/// Which boot runs.
pub(crate) fn boot_id(session: &Session) -> Result<String, SshError> {
    let said = session.run("cat /proc/sys/kernel/random/boot_id", SHORT)?;
    Ok(said.trim().to_owned())
}

/// Reads the events of the system that `session` leads to, from their beginning.
pub(crate) fn read_events(session: &Session) -> Result<String, SshError> {
    let script = format!(
        "for file in /{} /{}/{}; do [ -e $file ] && exec cat $file; done; true",
        places::EVENTS,
        places::NEW_LOG,
        places::EVENTS_NAME
    );
    session.run(&script, SHORT)
}

/// Reads what the jump system could read of a boot of the new system that failed, in the jump
/// system itself or where a finished run's logs are.
pub(crate) fn read_failed_boot(session: &Session) -> Result<String, SshError> {
    let script = format!(
        "for file in /{0}/{2}* /{1}/{2}*; do [ -e \"$file\" ] && {{ echo \"==> $file <==\"; cat \"$file\"; }}; done; true",
        places::LOG,
        places::NEW_LOG,
        places::FAILED_BOOT
    );
    session.run(&script, SHORT)
}

/// How the jump system's events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// As they come, until the listener has heard enough or the connection breaks.
    Along,
    /// Those that are there.
    AtOnce,
}

/// Reads the jump system's events from byte `offset` on; the offset to go on from. `on` hears each event
/// with the byte at which it ends, and, as `None`, that time passes.
pub(crate) fn events_from(
    session: &Session,
    offset: u64,
    reading: Reading,
    on: &mut dyn FnMut(Option<(Event, u64)>) -> bool,
) -> (u64, Result<bool, SshError>) {
    let file = format!("/{}", places::EVENTS);
    let from = offset.saturating_add(1);
    let script = match reading {
        Reading::Along => {
            format!("until [ -e {file} ]; do sleep 1; done; exec tail -c +{from} -f {file}")
        }
        Reading::AtOnce => format!("[ ! -e {file} ] || exec tail -c +{from} {file}"),
    };
    let mut tail = Tail::new(offset);
    let followed = session.talk(&script, Input::empty(), &mut |heard| match heard {
        Heard::Tick => on(None),
        Heard::Piece(piece) => {
            tail.piece(piece);
            true
        }
        Heard::Line(line) => {
            let event = tail.line(line);
            event.is_none_or(|event| on(Some((event, tail.offset()))))
        }
    });
    (tail.offset(), followed)
}
