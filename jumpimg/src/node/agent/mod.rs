//! A node through an open connection, with `jumpinit` on it: the questions that can be
//! asked and the work that can be asked for, as values.

mod ask;
mod directory;
mod patience;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jumpspec::answers;
use jumpspec::plan::Plan;
use jumpspec::run::bundle::{self, Bundle};
use jumpspec::run::event::Event;
use jumpspec::step::ImageRole;

pub(crate) use ask::{Log, Reading, boot_id, events_from, read_events, read_failed_boot};
use patience::{BYTES, Patience, STEPS};

use crate::node::ssh::{Heard, Input, Session, SshError, quoted};

/// For questions that the node answers at once.
const SHORT: Duration = Duration::from_mins(1);
/// For the few megabytes of `jumpinit` and the toolbox over a slow line.
const UPLOAD: Duration = Duration::from_mins(10);

/// Where our `jumpinit` is on a node, and how to call it there.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    /// The private directory, if one was made.
    directory: Option<String>,
    /// The boot that it was made in.
    boot: String,
    /// The program, quoted for the shell.
    program: String,
}

impl Agent {
    /// Puts `binary` on the node, into a directory of the run's own that has room for `more` bytes
    /// besides.
    pub(crate) fn upload(
        session: &Session,
        run: &str,
        binary: &Arc<[u8]>,
        more: u64,
    ) -> Result<Self, SshError> {
        let said = session.run(&directory::script(run, binary.len() as u64 + more), SHORT)?;
        let directory = directory::named(&said, run).ok_or_else(|| SshError::Remote {
            status: 0,
            stderr: "the node did not name its directory".to_owned(),
        })?;
        let program = format!("{directory}/jumpinit");
        let agent = Self {
            directory: Some(directory.clone()),
            boot: boot_id(session)?,
            program: quoted(&program),
        };
        let script = format!(
            "cd {} && umask 077 && cat >jumpinit.new && chmod 700 jumpinit.new && mv jumpinit.new jumpinit && {} --version",
            quoted(&directory),
            agent.program
        );
        if let Err(error) = session.run_with(&script, Input::bytes(Arc::clone(binary)), UPLOAD) {
            // The first error is the one to tell.
            agent.remove(session).ok();
            return Err(error);
        }
        Ok(agent)
    }

    /// The one that is there already, in the jump or the new system.
    pub(crate) fn installed(program: &str) -> Self {
        Self {
            directory: None,
            boot: String::new(),
            program: quoted(program),
        }
    }

    /// What an admin should know of where it is.
    pub(crate) fn note(&self) -> Option<String> {
        directory::note(self.directory.as_deref()?)
    }

    /// Removes what was put into the private directory, and the directory if that was all.
    /// Never recursively: file systems and /dev may be mounted below it.
    pub(crate) fn remove(&self, session: &Session) -> Result<(), SshError> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let script = format!(
            "[ ! -d {0} ] || {{ cd {0} && rm -f jumpinit jumpinit.new {1} {1}.new {2} {2}.new {3} {3}.new {4}; cd / && rmdir {0} || true; }}",
            quoted(directory),
            bundle::FILE,
            bundle::TOOLBOX_FILE,
            bundle::PLAN_FILE,
            bundle::AT_WORK_FILE
        );
        session.run(&script, SHORT).map(drop)
    }

    /// Hands over what the run needs besides the images.
    pub(crate) fn hand_over(
        &self,
        session: &Session,
        bundle: &Bundle,
        toolbox: &Arc<[u8]>,
    ) -> Result<(), SshError> {
        self.put(session, bundle::FILE, json(bundle)?)?;
        self.put(session, bundle::TOOLBOX_FILE, Arc::clone(toolbox))
    }

    /// Hands over the plan of a run that is to be taken back.
    pub(crate) fn hand_over_plan(&self, session: &Session, plan: &Plan) -> Result<(), SshError> {
        self.put(session, bundle::PLAN_FILE, json(plan)?)
    }

    fn put(
        &self,
        session: &Session,
        name: &str,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Result<(), SshError> {
        let script = format!(
            "{}cd {} && umask 077 && cat >{name}.new && mv {name}.new {name}",
            self.still_there(),
            quoted(self.directory())
        );
        session
            .run_with(&script, Input::bytes(bytes), UPLOAD)
            .map(drop)
    }

    /// What begins a script that uses the private directory.
    fn still_there(&self) -> String {
        directory::still_there(&self.program, &self.boot)
    }

    fn directory(&self) -> &str {
        self.directory.as_deref().unwrap_or_default()
    }

    /// Works towards `goal` from where it stands, until an image is wanted or it is reached.
    pub(crate) fn fill(
        &self,
        session: &Session,
        goal: Goal,
        on: &mut dyn FnMut(Event),
    ) -> Result<(), SshError> {
        let order = match goal {
            Goal::Stage => "stage",
            Goal::Arm => "arm",
            Goal::Exchange => "exchange",
        };
        self.work(session, order, Input::empty(), &mut |heard| {
            on_event(heard, on);
        })
    }

    /// Sends an image from byte `offset` on; `on` also hears time pass, as `None`.
    pub(crate) fn receive(
        &self,
        session: &Session,
        image: ImageRole,
        offset: u64,
        bytes: Input,
        on: &mut dyn FnMut(Option<Event>),
    ) -> Result<(), SshError> {
        let word = match image {
            ImageRole::Jump => "jump",
            ImageRole::Target => "target",
        };
        let order = format!("receive --image {word} --offset {offset}");
        self.work(session, &order, bytes, &mut |heard| match heard {
            Heard::Tick => on(None),
            Heard::Line(_) | Heard::Piece(_) => on_event(heard, &mut |event| on(Some(event))),
        })
    }

    /// Sends the target image from byte `offset` on to a jump system in memory that waits for it; `on`
    /// hears time pass.
    pub(crate) fn send_awaited(
        &self,
        session: &Session,
        run: &str,
        offset: u64,
        bytes: Input,
        on: &mut dyn FnMut(),
    ) -> Result<(), SshError> {
        let script = format!(
            "exec {} receive --image target --offset {offset} --run {}",
            self.program,
            quoted(run)
        );
        patiently(session, &script, bytes, BYTES, &mut |_| on())
    }

    /// Makes the old system boot and swap as before `run`, or before whichever run is known there.
    pub(crate) fn take_back(
        &self,
        session: &Session,
        run: Option<&str>,
        on: &mut dyn FnMut(Event),
    ) -> Result<(), SshError> {
        let order = match run {
            Some(run) => format!("take-back --run {}", quoted(run)),
            None => "take-back".to_owned(),
        };
        self.work(session, &order, Input::empty(), &mut |heard| {
            on_event(heard, on);
        })
    }

    /// Shows the node the secret that only the admin host has.
    pub(crate) fn hello(&self, session: &Session, mark: &str) -> Result<(), SshError> {
        let script = format!("exec {} hello", self.program);
        session
            .run_with(&script, Input::bytes(mark.as_bytes()), SHORT)
            .map(drop)
    }

    /// Makes a jump system that has not committed reboot into the old one.
    pub(crate) fn turn_back(&self, session: &Session, run: &str) -> Result<(), SshError> {
        let order = format!("exec {} turn-back --run {}", self.program, quoted(run));
        going_down(session.run(&order, SHORT).map(drop))
    }

    /// Makes a jump system that gave up replace anew, after a reboot.
    pub(crate) fn resume(
        &self,
        session: &Session,
        run: &str,
        on: &mut dyn FnMut(Event),
    ) -> Result<(), SshError> {
        let order = format!("exec {} resume --run {}", self.program, quoted(run));
        going_down(patiently(
            session,
            &order,
            Input::empty(),
            STEPS,
            &mut |heard| {
                on_event(heard, on);
            },
        ))
    }

    fn work(
        &self,
        session: &Session,
        order: &str,
        input: Input,
        on: &mut dyn FnMut(Heard<'_>),
    ) -> Result<(), SshError> {
        let script = format!(
            "{}exec {} {order} --work {}",
            self.still_there(),
            self.program,
            quoted(self.directory())
        );
        let limit = if order.starts_with("receive ") {
            BYTES
        } else {
            STEPS
        };
        patiently(session, &script, input, limit, on)
    }

    /// Orders the reboot that the node is armed for; that the connection then breaks is as it
    /// should be.
    pub(crate) fn reboot(&self, session: &Session) -> Result<(), SshError> {
        going_down(self.work(session, "reboot", Input::empty(), &mut |_| ()))
    }
}

/// What the node is filled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The old system's steps but the last: the node can be armed then.
    Stage,
    /// The last one: the reboot that is ordered next jumps.
    Arm,
    /// Another plan in the place of the one that the jump system is stuck with.
    Exchange,
}

/// Carries an order out to its end, for as long as anything new comes of it.
fn patiently(
    session: &Session,
    script: &str,
    input: Input,
    limit: Duration,
    on: &mut dyn FnMut(Heard<'_>),
) -> Result<(), SshError> {
    let (begun, sent) = (Instant::now(), input.sent());
    let mut patience = Patience::new(limit);
    let mut waited = None;
    session.talk(script, input, &mut |heard| {
        let now = begun.elapsed();
        on_event(heard, &mut |event| patience.hear(&event, now));
        patience.sent(sent.load(Ordering::Relaxed), now);
        on(heard);
        waited = patience.is_over(now);
        waited.is_none()
    })?;
    waited.map_or(Ok(()), |limit| Err(SshError::NoProgress(limit)))
}

/// That the connection of a node that reboots breaks is as it should be.
fn going_down(told: Result<(), SshError>) -> Result<(), SshError> {
    match told {
        Err(error) if error.is_going_down() => Ok(()),
        told => told,
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, SshError> {
    serde_json::to_vec(value).map_err(|error| SshError::Local(error.to_string()))
}

fn on_event(heard: Heard<'_>, on: &mut dyn FnMut(Event)) {
    if let Heard::Line(line) = heard
        && let Some(event) = answers::event(line)
    {
        on(event);
    }
}
