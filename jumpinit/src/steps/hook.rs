//! Hooks: programs of the admin's own, at the joints of the journey. Each is begun with the number of
//! its try on the disk, is ended at its limit with all of its process group, and is never asked what
//! follows from its failure: the plan says that.

mod place;

use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::hook::Hook;
use jumpspec::job::{Joint, OnFailure};
use jumpspec::places;
use jumpspec::render;
use jumpspec::run::environment::{self, Moment};
use jumpspec::run::event::What;
use jumpspec::run::failure::Code;
use jumpspec::run::task::Task;
use jumpspec::step::Step;
use jumpsys::cmd::{CmdError, Program, Spoken};
use jumpsys::files::root::{Owner, Root};

use crate::node::cause::Cause;
use crate::run::context::Context;
use crate::run::{failure, new_root};
use crate::steps::{added, health};
use place::Place;

/// Bytes that are kept of what a hook says.
const SAID_KEPT: usize = 8 << 10;
/// What a hook is called in the new root, while it runs there.
const IN_NEW_ROOT: &str = ".jump-hook";

/// Runs a hook. Where the plan has its failure told, it is told, and the run goes on.
pub(crate) fn run(cx: &mut Context, hook: &Hook) -> Result<()> {
    let Err(error) = attempt(cx, hook) else {
        return Ok(());
    };
    if hook.on_failure != OnFailure::Tell {
        return Err(error);
    }
    let task = Task::from(&Step::Hook(hook.clone()));
    let error = failure::of_step(&error, task).into();
    let told = render::coded(&failure::of(&error, Code::HookFailed));
    cx.reporter.note(told);
    Ok(())
}

fn attempt(cx: &mut Context, hook: &Hook) -> Result<()> {
    let place = Place::of(cx, hook)?;
    if hook.at == Joint::Committed && place.is_done() {
        let name = &hook.name;
        cx.reporter.note(format!(
            "the hook {name} has done its work already, and is not run again"
        ));
        return Ok(());
    }
    let script = place.script(cx, hook)?;
    let number = place.begin()?;
    let Spoken { said, end } = start(cx, hook, &place, &script, number)?;
    if !said.is_empty() {
        cx.reporter.tell(What::Said {
            task: Task::from(&Step::Hook(hook.clone())),
            text: String::from_utf8_lossy(&said).into_owned(),
        });
    }
    end.map_err(explained)?;
    place.end(number)
}

/// Starts it in its system.
fn start(cx: &Context, hook: &Hook, place: &Place, script: &[u8], number: u32) -> Result<Spoken> {
    if hook.at != Joint::Restored {
        let program = Program::new(place.path());
        return Ok(with_terms(cx, hook, number, program)?.run_spoken(SAID_KEPT));
    }
    let root = new_root::open(cx)?;
    root.write(IN_NEW_ROOT, script, Owner::root(0o700))?;
    root.create_dir_all(places::NEW_LOG, Owner::root(0o750))?;
    let mounts = new_root::enter(cx)?;
    let top = cx.on_landing(places::NEW_ROOT);
    let program = Program::new(format!("/{IN_NEW_ROOT}")).in_root(Some(&top));
    let program = with_terms(cx, hook, number, program);
    let spoken = program.map(|program| program.run_spoken(SAID_KEPT));
    let left = new_root::leave(mounts);
    root.remove(IN_NEW_ROOT)?;
    let spoken = spoken?;
    // What the hook came to says more.
    if spoken.end.is_ok() {
        left?;
    }
    Ok(spoken)
}

/// Its limit and its environment.
fn with_terms(cx: &Context, hook: &Hook, number: u32, program: Program) -> Result<Program> {
    let added = added_directory(cx, hook)?;
    let log = log_directory(cx, hook.at)?;
    let moment = Moment {
        attempt: number,
        disk: &cx.disk.display().to_string(),
        landing: &cx.landing_device().display().to_string(),
        partition: &|number| cx.partition(number).display().to_string(),
        added: added.as_deref(),
        log: log.as_deref(),
    };
    let variables = environment::environment(&cx.plan, hook, &moment);
    let program = program.timeout(limit(cx, hook));
    Ok(variables
        .into_iter()
        .fold(program, |program, (name, value)| program.env(name, value)))
}

/// No hook takes more than its stage has left.
fn limit(cx: &Context, hook: &Hook) -> Duration {
    let own = cx.at_most(hook.timeout.0);
    match hook.at {
        Joint::Firstboot => own.min(health::time_left(cx)),
        _ => own,
    }
}

fn added_directory(cx: &Context, hook: &Hook) -> Result<Option<String>> {
    let wanted = (hook.at == Joint::Saved).then(|| added::directory(cx));
    Ok(wanted.transpose()?.map(|path| path.display().to_string()))
}

/// Where files are kept with the logs, as the hook sees it.
fn log_directory(cx: &Context, joint: Joint) -> Result<Option<String>> {
    match joint {
        // There is nothing of ours yet that outlasts the next boot.
        Joint::Prep => Ok(None),
        Joint::Saved | Joint::Committed => {
            cx.landing_root()?
                .create_dir_all(places::LOG, Owner::root(0o755))?;
            Ok(Some(cx.on_landing(places::LOG).display().to_string()))
        }
        Joint::Restored | Joint::Firstboot | Joint::Finished => {
            Ok(Some(format!("/{}", places::NEW_LOG)))
        }
    }
}

/// With a code of its own, whatever program it was.
fn explained(error: CmdError) -> anyhow::Error {
    let code = match &error {
        CmdError::TimedOut { .. } | CmdError::Hangs { .. } => Code::HookTooLong,
        CmdError::Failed { .. } => Code::HookFailed,
        CmdError::Spawn { .. } | CmdError::Pipe { .. } => return error.into(),
    };
    Cause::new(code, error.to_string()).into()
}

/// Puts the hooks of the new system into it.
pub(crate) fn hand_over(cx: &Context, root: &Root) -> Result<()> {
    let of_new = |hook: &&Hook| matches!(hook.at, Joint::Firstboot | Joint::Finished);
    for hook in cx.plan.steps.hooks().filter(of_new) {
        let name = hook.file_name();
        let script = std::fs::read(cx.on_landing(places::HOOKS).join(&name));
        let script = script.with_context(|| format!("the hook {} was not staged", hook.name))?;
        root.create_dir_all(places::NEW_HOOKS, Owner::root(0o700))?;
        let path = format!("{}/{name}", places::NEW_HOOKS);
        root.write(&path, &script, Owner::root(0o700))?;
    }
    Ok(())
}

/// Removes them from the new system, with their records.
pub(crate) fn remove(root: &Root) -> Result<()> {
    for name in root.list(places::NEW_HOOKS)? {
        root.remove(&format!("{}/{name}", places::NEW_HOOKS))?;
    }
    Ok(root.remove_dir(places::NEW_HOOKS)?)
}
