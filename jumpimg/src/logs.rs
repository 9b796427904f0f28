//! `jumpimg logs`: the events of the run that a node is in, or of its last one, from the node if
//! it can be reached, else from what this host kept.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jumpspec::event::Event;
use serde_json::json;

use crate::node::{Agent, Log, Lookout, Sight, follow_events, read_events, read_failed_boot};
use crate::node_args::{NodeArgs, node_name};
use crate::run_dir::RunDir;
use crate::ssh::{Session, SshError};
use crate::survey::Tools;
use crate::trouble::{Exit, Trouble};
use crate::voice::{line, seconds};

/// Between two looks for something new.
const PAUSE: Duration = Duration::from_secs(2);

/// Shows the events of the run that a node is in, or of its last one
#[derive(Args, Clone, Debug)]
pub(crate) struct LogsArgs {
    /// Go on with what is told from now on, until Ctrl-C
    #[arg(long)]
    pub(crate) follow: bool,
    /// Show what the jump system could read of a boot of the new system that failed
    #[arg(long, conflicts_with = "follow")]
    pub(crate) failed_boot: bool,
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The node, as ssh knows it
    #[arg(value_name = "NODE", value_parser = node_name)]
    pub(crate) node: String,
}

/// Shows them.
pub(crate) fn run(args: &LogsArgs) -> Result<(), Trouble> {
    show(args).map_err(|trouble| {
        trouble.print(Some(&args.node));
        Trouble::told(trouble.exit)
    })
}

fn show(args: &LogsArgs) -> Result<(), Trouble> {
    let tools = Tools::read(&args.nodes)?;
    let latest = tools.state.latest(&args.node);
    let lookout = Lookout::new(&tools, &args.node, latest.as_ref())?;
    if args.follow {
        return follow(args, &tools, &lookout);
    }
    let (open, sight) = lookout.look()?;
    let wanted = if args.failed_boot {
        Log::FailedBoot
    } else {
        Log::Events
    };
    let silent = sight.silent();
    let from_node = match &open {
        Some((session, agent)) => {
            let log = from_node(session, agent, &sight, wanted);
            agent
                .remove(session)
                .and(log)
                .map_err(|error| error.trouble(&args.node))
        }
        None => Err(silent.unwrap_or_else(|| SshError::Interrupted.trouble(&args.node))),
    };
    let log = match (from_node, latest) {
        (Ok(log), _) if !log.is_empty() => log,
        (Ok(_), _) if args.failed_boot => {
            return Err(Trouble::new(
                Exit::Failed,
                "no-failed-boot",
                "nothing is kept of a failed boot of a new system",
            ));
        }
        (answer, Some(latest)) if !args.failed_boot => kept_here(args, answer, &latest)?,
        (Err(trouble), _) => return Err(trouble),
        (Ok(_), _) => {
            return Err(Trouble::new(
                Exit::Failed,
                "no-run",
                "no run of this node is known, here or there",
            ));
        }
    };
    print(&if args.nodes.json || args.failed_boot {
        log
    } else {
        text(&log)
    });
    Ok(())
}

/// What this host kept, and why the node's own was not to be had.
fn kept_here(
    args: &LogsArgs,
    answer: Result<String, Trouble>,
    latest: &RunDir,
) -> Result<String, Trouble> {
    let why = answer.err().map_or_else(
        || "the node has no log".to_owned(),
        |trouble| {
            let causes = trouble.causes.into_iter().next();
            causes.map(|cause| cause.message).unwrap_or_default()
        },
    );
    anstream::eprintln!(
        "{}: {why}; this is what {} has",
        args.node,
        latest.path().display()
    );
    let path = latest.events_path();
    let kept = fs::read_to_string(&path);
    Ok(kept.with_context(|| format!("cannot read {}", path.display()))?)
}

/// Whoever reads may stop early (`| head`).
fn print(text: &str) {
    let mut stdout = anstream::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .ok();
}

/// The log by the way that its system has: the landing file system may be mounted nowhere.
fn from_node(
    session: &Session,
    agent: &Agent,
    sight: &Sight,
    log: Log,
) -> Result<String, SshError> {
    match (sight, log) {
        (Sight::Old(_) | Sight::New(_), log) => agent.log(session, log),
        (_, Log::Events) => read_events(session),
        (_, Log::FailedBoot) => read_failed_boot(session),
    }
}

/// Tells what is new, system after system, until Ctrl-C.
fn follow(args: &LogsArgs, tools: &Tools<'_>, lookout: &Lookout<'_>) -> Result<(), Trouble> {
    let mut told = HashSet::new();
    let mut tell = |log: &str| {
        let new: String = log
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n') && told.insert((*line).to_owned()))
            .collect();
        print(&if args.nodes.json { new } else { text(&new) });
    };
    loop {
        let (open, sight) = lookout.look()?;
        let mut open = open;
        while let Some((session, agent)) = &open {
            match from_node(session, agent, &sight, Log::Events) {
                Ok(log) => {
                    tell(&log);
                    if matches!(sight, Sight::Jump(_)) {
                        let offset = log.len() as u64;
                        follow_jump(session, offset, &mut tell);
                        open = None;
                    }
                }
                Err(_) => open = None,
            }
            pause(args, tools)?;
        }
        pause(args, tools)?;
    }
}

/// The jump system's events as they come, until the connection breaks or Ctrl-C.
fn follow_jump(session: &Session, offset: u64, tell: &mut dyn FnMut(&str)) {
    // The next look finds out why it ended.
    let _ended = follow_events(session, offset, &mut |event| {
        let line = event.and_then(|event| serde_json::to_string(&event).ok());
        if let Some(line) = line {
            tell(&format!("{line}\n"));
        }
        true
    });
}

fn pause(args: &LogsArgs, tools: &Tools<'_>) -> Result<(), Trouble> {
    if tools.interrupt.sleep(PAUSE) {
        return Err(SshError::Interrupted.trouble(&args.node));
    }
    Ok(())
}

/// Events for people: stage, uptime, what happened.
fn text(events: &str) -> String {
    let mut told = HashSet::new();
    let mut text = String::new();
    for event in events.lines().filter(|line| told.insert(*line)) {
        let Ok(event) = serde_json::from_str::<Event>(event) else {
            continue;
        };
        if let Some(line) = line(&event.what) {
            let stage = json!(event.stage);
            let uptime = seconds(event.uptime_ms);
            let stage = stage.as_str().unwrap_or_default();
            // Writing to a string cannot fail.
            writeln!(text, "{stage:<8} {uptime:>12} {line}").ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_shown_once_and_what_is_none_is_passed_over() {
        let event = r#"{"uptime_ms":61000,"stage":"replace","event":"note","text":"no link"}"#;
        let shown = text(&format!("{event}\nbroken\n{event}\n"));
        assert_eq!(shown.lines().count(), 1);
        assert!(shown.starts_with("replace    1 min 01 s"), "{shown}");
    }
}
