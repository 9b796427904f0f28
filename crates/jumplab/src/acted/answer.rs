//! What a script comes to on an acted node: what its shell, and its `jumpinit`, would print and do.

use std::fs;
use std::io::{Read, Write as _};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jumpspec::run::bundle::{self, Bundle};
use jumpspec::run::event::{Event, Next, What};
use jumpspec::run::exit::NodeExit;
use jumpspec::run::failure::Failure;
use jumpspec::run::journal::Journal;
use jumpspec::run::report::NodeReport;
use jumpspec::run::status::{Status, System};
use jumpspec::run::task::StepId;
use jumpspec::step::{ImageRole, Stage};
use jumpspec::words::digest::Digest;
use serde::Serialize;
use serde_json::{Value, json};

use super::connection::{Connection, TICK};
use super::log::Change;
use super::node::{Node, Run, State};
use super::sample;
use super::script::{Order, Script};
use super::settings::Fault;
use super::story;
use super::world::Held;

/// ssh ends with this when the connection breaks (ssh(1)).
const BROKEN: i32 = 255;

/// Carries `script` out; with which status ssh ends.
pub(super) fn answer(connection: &Connection<'_>, script: &Script) -> Result<i32> {
    let Connection { world, name, .. } = *connection;
    let held = world.look(name)?.context("the node is gone")?;
    if connection.is_broken(&held.node) {
        return Ok(BROKEN);
    }
    match script {
        Script::Hold => drain(),
        Script::MakeDirectory(run) => {
            let directory = format!("/dev/shm/jump-{run}");
            change(connection, |held| {
                held.node.directories.insert(directory.clone());
                Ok(0)
            })?;
            say(&format!("{directory}\n"))
        }
        Script::TakeProgram(directory) => {
            drain()?;
            if is_gone(&held.node, directory) {
                return rebooted();
            }
            say("jumpinit acted\n")
        }
        Script::TakeFile {
            directory,
            name: file,
        } => {
            if is_gone(&held.node, directory) {
                return rebooted();
            }
            take_file(connection, file)
        }
        Script::RemoveDirectory(directory) => change(connection, |held| {
            held.node.directories.remove(directory);
            Ok(0)
        }),
        Script::BootId => say(&format!("{}\n", boot_id(name, &held.node))),
        Script::Uptime => {
            let millis = held.now.saturating_sub(held.node.booted);
            say(&format!(
                "{}.{:02} 0.00\n",
                millis / 1000,
                millis % 1000 / 10
            ))
        }
        Script::Look => say(&look(name, &held)?),
        Script::ReadEvents => say(&events(&held)),
        Script::ReadFailedBoot => Ok(0),
        Script::FollowEvents(from) => follow(connection, *from),
        Script::ReadEventsFrom(_) if !held.node.is_jump() => Ok(0),
        Script::ReadEventsFrom(from) => {
            let text = events(&held);
            say(text.get(usize::try_from(*from)?..).unwrap_or_default())
        }
        Script::Jumpinit(order) => jumpinit(connection, order, &held),
    }
}

fn jumpinit(connection: &Connection<'_>, order: &Order, held: &Held<'_>) -> Result<i32> {
    let Connection { world, name, .. } = *connection;
    match order {
        Order::Facts => {
            thread::sleep(Duration::from_millis(held.times.login));
            print(&facts(name, held))
        }
        Order::Status => print(&status(name, held)),
        Order::Kept => {
            let bundle: Bundle = serde_json::from_slice(&fs::read(world.file(name, "bundle"))?)?;
            print(&json!({
                "plan": bundle.plan, "facts": bundle.facts, "host_key_public": bundle.host_key_public,
                "can_stage": matches!(held.node.state, State::Old | State::Armed),
            }))
        }
        Order::Events if held.node.run.is_none() => fail(NodeExit::NoRun, "there is no run"),
        Order::Events => say(&events(held)),
        Order::FailedBoot => Ok(0),
        Order::Stage { directory } => {
            if is_gone(&held.node, directory) {
                return rebooted();
            }
            stage(connection)
        }
        Order::Receive { image, offset } => receive(connection, *image, *offset),
        Order::Arm => arm(connection),
        Order::Reboot => change(connection, |held| {
            if held.node.state != State::Armed {
                return fail(NodeExit::WrongStage, "the node is not armed");
            }
            held.tell(held.now, Change::Reboot, "");
            held.node.reboot(&held.times, held.fault, held.now);
            Ok(0)
        }),
        Order::TakeBack { run } => take_back(connection, run.as_deref()),
        Order::Hello => hello(connection),
        Order::Resume => change(connection, |held| {
            if held.node.state != State::Stuck {
                return fail(NodeExit::WrongStage, "the jump system has not given up");
            }
            held.tell(held.now, Change::Reboot, "anew");
            held.node.resume(&held.times, held.now);
            Ok(0)
        }),
    }
}

/// Changes the node if the connection has not broken meanwhile.
fn change(
    connection: &Connection<'_>,
    change: impl FnOnce(&mut Held<'_>) -> Result<i32>,
) -> Result<i32> {
    connection.world.change(connection.name, |held| {
        if connection.is_broken(&held.node) {
            return Ok(BROKEN);
        }
        change(held)
    })
}

/// What is kept of a run goes into the directory that was made for it, which a reboot takes.
fn is_gone(node: &Node, directory: &str) -> bool {
    !node.directories.contains(directory)
}

fn rebooted() -> Result<i32> {
    fail(NodeExit::Gone, "the node was rebooted in the meantime")
}

fn drain() -> Result<i32> {
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(0)
}

fn say(text: &str) -> Result<i32> {
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(0)
}

fn print(value: &impl Serialize) -> Result<i32> {
    say(&format!("{}\n", serde_json::to_string(value)?))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "what a script comes to, as all that answers one"
)]
fn fail(exit: NodeExit, why: &str) -> Result<i32> {
    eprintln!("error: {why}");
    Ok(exit.status().into())
}

fn tell(held: &Held<'_>, stage: Stage, what: What) -> Result<i32> {
    print(&Event {
        uptime_ms: held.now.saturating_sub(held.node.booted),
        stage,
        what,
    })
}

fn take_file(connection: &Connection<'_>, file: &str) -> Result<i32> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    // The others are not looked at by what is acted.
    if file == bundle::FILE {
        let whole: Result<Bundle, _> = serde_json::from_slice(&bytes);
        if whole.is_err() {
            return fail(NodeExit::Failed, "the bundle did not come whole");
        }
        fs::write(connection.world.file(connection.name, "handed"), bytes)?;
    }
    Ok(0)
}

/// Begins the run that was handed over, if none is there, or one that was handed over again.
fn begin(connection: &Connection<'_>, node: &mut Node, now: u64) -> Result<bool> {
    let handed = connection.world.file(connection.name, "handed");
    if !handed.exists() {
        return Ok(node.run.is_some());
    }
    let bundle: Bundle = serde_json::from_slice(&fs::read(&handed)?)?;
    let has = node
        .run
        .as_ref()
        .is_some_and(|run| run.id == bundle.plan.run);
    if !has && node.is_under_way(now) {
        return Ok(false);
    }
    if !has {
        node.take_back();
        node.run = Some(Run::of(&bundle));
        fs::copy(&handed, connection.world.file(connection.name, "bundle"))?;
    }
    fs::remove_file(handed)?;
    Ok(true)
}

/// Works on towards the goal, as far as it can without another image. What an order has begun goes on
/// when the connection breaks.
fn stage(connection: &Connection<'_>) -> Result<i32> {
    let mut until = 0;
    let begun = change(connection, |held| {
        let (now, times) = (held.now, held.times);
        if held.node.busy > now {
            return fail(NodeExit::Busy, "another order is at work");
        }
        if !begin(connection, &mut held.node, now)? {
            return fail(NodeExit::OtherRun, "another run is under way on this node");
        }
        let Some(run) = held.node.run.as_mut() else {
            return fail(NodeExit::NoRun, "there is no run");
        };
        run.mounted = held.node.boots;
        let is_whole = [run.jump, run.target]
            .iter()
            .all(|it| it.arrived == it.size);
        until = now;
        if !run.landing_made {
            run.landing_made = true;
            until += times.stage * 2 / 5;
        } else if is_whole && !run.staged {
            run.staged = true;
            until += times.stage * 3 / 5;
            held.tell(until, Change::Staged, "");
        }
        held.node.busy = until;
        Ok(0)
    })?;
    if begun != 0 {
        return Ok(begun);
    }
    let world = connection.world;
    let landing = || What::Begin {
        task: StepId::MakeLanding.into(),
    };
    loop {
        let held = world.look(connection.name)?.context("the node is gone")?;
        if connection.is_broken(&held.node) {
            return Ok(BROKEN);
        }
        if held.now >= until {
            break;
        }
        thread::sleep(TICK.min(Duration::from_millis(until - held.now)));
    }
    let held = world.look(connection.name)?.context("the node is gone")?;
    tell(&held, Stage::Stage, landing())?;
    if let Some(Fault::FailsInStaging(code)) = held.fault {
        let failure = Failure {
            task: StepId::MakeLanding.into(),
            ..Failure::new(*code, "acted")
        };
        let next = Next::OldUnarmed;
        tell(&held, Stage::Stage, What::Failed { failure, next })?;
        return Ok(NodeExit::Failed.status().into());
    }
    let run = held.node.run.as_ref().context("the run is gone")?;
    let lacks = [(ImageRole::Jump, run.jump), (ImageRole::Target, run.target)];
    let lacks = lacks.iter().find(|(_, part)| part.arrived < part.size);
    let next = match lacks {
        Some((image, part)) => What::Need {
            image: *image,
            offset: part.arrived,
        },
        None => What::Complete,
    };
    tell(&held, Stage::Stage, next)
}

/// Takes an image's bytes, and drops them.
fn receive(connection: &Connection<'_>, image: ImageRole, offset: u64) -> Result<i32> {
    let (mut size, mut breaks) = (0, false);
    let begun = change(connection, |held| {
        breaks = held.fault == Some(&Fault::BreaksInStaging)
            && !held.node.spent
            && image == ImageRole::Target;
        let Some(run) = held.node.run.as_mut() else {
            return fail(NodeExit::NoRun, "there is no run");
        };
        let part = run.part(image);
        size = part.size;
        if part.arrived != offset {
            let why = format!("{} bytes have arrived, not {offset}", part.arrived);
            return fail(NodeExit::Failed, &why);
        }
        Ok(0)
    })?;
    if begun != 0 {
        return Ok(begun);
    }
    let rest = size.saturating_sub(offset);
    // One byte more would be too much.
    let most = if breaks { rest / 2 } else { rest + 1 };
    let mut bytes = std::io::stdin().take(most);
    let came = std::io::copy(&mut bytes, &mut std::io::sink())?;
    change(connection, |held| {
        if let Some(run) = held.node.run.as_mut() {
            run.part(image).arrived = (offset + came).min(size);
        }
        if breaks {
            held.node.breaks += 1;
            held.node.spent = true;
            return Ok(BROKEN);
        }
        if came > rest {
            return fail(NodeExit::Failed, "more has come than the image is long");
        }
        Ok(0)
    })
}

fn arm(connection: &Connection<'_>) -> Result<i32> {
    change(connection, |held| {
        let is_staged = held.node.run.as_ref().is_some_and(|run| run.staged);
        if held.node.busy > held.now {
            return fail(NodeExit::Busy, "another order is at work");
        }
        if !is_staged || !matches!(held.node.state, State::Old | State::Armed) {
            return fail(NodeExit::WrongStage, "the node is not staged");
        }
        let again = if held.node.state == State::Armed {
            "again"
        } else {
            ""
        };
        held.tell(held.now, Change::Armed, again);
        let now = held.now;
        held.node.arm(now);
        tell(held, Stage::Armed, What::Complete)
    })
}

fn take_back(connection: &Connection<'_>, run: Option<&str>) -> Result<i32> {
    change(connection, |held| {
        let node = &held.node;
        let is_other = |known: &Run| run.is_some_and(|run| known.id != *run);
        match &node.run {
            None => return fail(NodeExit::NoRun, "there is nothing of a run on this node"),
            Some(known) if is_other(known) => {
                return fail(NodeExit::OtherRun, "another run is under way on this node");
            }
            Some(_) if !matches!(node.state, State::Old | State::Armed) => {
                return fail(NodeExit::WrongStage, "the old system does not run");
            }
            Some(_) if node.busy > held.now => {
                return fail(NodeExit::Busy, "another order is at work");
            }
            Some(_) => {}
        }
        held.node.take_back();
        held.tell(held.now, Change::TakenBack, "");
        tell(held, Stage::Stage, What::Complete)
    })
}

fn hello(connection: &Connection<'_>) -> Result<i32> {
    let mut mark = Vec::new();
    std::io::stdin().read_to_end(&mut mark)?;
    change(connection, |held| {
        let waits = matches!(held.node.state, State::Proving | State::New);
        let is_admin = |run: &Run| run.mark == Digest::of(&mark);
        if !held.node.run.as_ref().is_some_and(is_admin) {
            return fail(NodeExit::Refused, "it is not the admin's host");
        }
        if waits && held.node.hello.is_none() {
            held.node.hello = Some(held.now);
        }
        Ok(0)
    })
}

/// Prints events as they come, until the connection breaks.
fn follow(connection: &Connection<'_>, from: u64) -> Result<i32> {
    let mut from = usize::try_from(from)?;
    loop {
        let held = connection.world.look(connection.name)?;
        let held = held.context("the node is gone")?;
        if connection.is_broken(&held.node) {
            return Ok(BROKEN);
        }
        let text = events(&held);
        let new = text.get(from..).unwrap_or_default();
        if held.node.is_jump() && !new.is_empty() {
            say(new)?;
            from = text.len();
        }
        thread::sleep(TICK);
    }
}

fn events(held: &Held<'_>) -> String {
    let failure = held.node.reason(held.fault);
    story::told(&held.node, &held.times, failure, held.now)
}

fn boot_id(name: &str, node: &Node) -> String {
    sample::boot_id(name, node.boots)
}

fn look(name: &str, held: &Held<'_>) -> Result<String> {
    let node = &held.node;
    let mut text = format!("boot {}\n", boot_id(name, node));
    match (&node.run, node.state) {
        (Some(_), State::New) => text += "program\n",
        (Some(run), State::Finished) => {
            text += &serde_json::to_string(&NodeReport {
                run: run.id.clone(),
                hostname: name.to_owned(),
                os: sample::NEW_OS.to_owned(),
                kernel: "6.12".to_owned(),
                boot_id: boot_id(name, node),
                notes: Vec::new(),
                failures: Vec::new(),
            })?;
        }
        _ => {}
    }
    Ok(text)
}

fn facts(name: &str, held: &Held<'_>) -> Value {
    let node = &held.node;
    let mut facts = sample::facts_of(name, &boot_id(name, node));
    if held.fault == Some(&Fault::Refused) {
        // 8 MiB of swap.
        facts["disks"][0]["partitions"][1]["sectors"] = json!(8 << 11);
    }
    if let Some(run) = node.run.as_ref().filter(|_| node.state != State::Finished) {
        facts["jump"] = json!({
            "run": run.id, "stage": node.stage(), "live": node.is_under_way(held.now), "origin": run.origin,
        });
    }
    facts
}

fn status(name: &str, held: &Held<'_>) -> Status {
    let node = &held.node;
    let run = node.run.as_ref().filter(|_| node.state != State::Finished);
    let (system, os) = match node.state {
        _ if node.is_jump() => (System::Jump, "the jump system"),
        State::New => (System::New, sample::NEW_OS),
        State::Finished => (System::None, sample::NEW_OS),
        _ if run.is_some() => (System::Old, sample::OLD_OS),
        _ => (System::None, sample::OLD_OS),
    };
    let failure = node.reason(held.fault);
    let journal = run.map(|run| Journal {
        stage: node.stage(),
        tries: 1,
        failure: failure.clone(),
        ..Journal::new(&run.id, &[])
    });
    Status {
        system,
        hostname: name.to_owned(),
        os: os.to_owned(),
        kernel: "6".to_owned(),
        boot_id: boot_id(name, node),
        uptime_ms: held.now.saturating_sub(node.booted),
        run: run.map(|run| run.id.clone()),
        journal,
        selector_state: None,
        failure,
        gave_up: node.state == State::Stuck,
        step: None,
        origin: run.map(|run| run.origin.clone()),
        live: node.busy > held.now,
    }
}
