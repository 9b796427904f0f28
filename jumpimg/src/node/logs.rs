//! `jumpimg logs`: the events of the run that a node is in, or of its last one, from the node if
//! it can be reached, else from what this host kept.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use jumpspec::render::page::Page;
use jumpspec::{answers, render};
use serde_json::{Value, json};

use crate::error::{Exit, Trouble};
use crate::node::agent::{Agent, Log, Reading, events_from, read_events, read_failed_boot};
use crate::node::args::NodeArgs;
use crate::node::heard::{Heard, News};
use crate::node::lookout::{Lookout, Sight};
use crate::node::nodes::node_name;
use crate::node::run_dir::RunDir;
use crate::node::ssh::{Session, SshError};
use crate::node::tools::Tools;
use crate::terminal::print;

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
        print::trouble(&trouble, Some(&args.node));
        Trouble::told(trouble.exit)
    })
}

fn show(args: &LogsArgs) -> Result<(), Trouble> {
    let tools = Tools::resolve(&args.nodes)?;
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
    if args.failed_boot {
        let mut page = Page::default();
        page.lines(&log);
        return print::page(&page);
    }
    // What several commands kept of one run may have an event twice.
    let mut told = HashSet::new();
    log.lines()
        .filter(|line| told.insert(*line))
        .try_for_each(|line| print(args, line))
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
    print::tell(&Page::of(format_args!(
        "{}: {why}; this is what {} has",
        args.node,
        latest.path().display()
    )));
    let path = latest.events_path();
    let kept = fs::read_to_string(&path);
    Ok(kept.with_context(|| format!("cannot read {}", path.display()))?)
}

/// Prints a line of a log, for people or for programs.
fn print(args: &LogsArgs, line: &str) -> Result<(), Trouble> {
    if !args.nodes.connection.json {
        return print::page(&text(line));
    }
    match serde_json::from_str(line) {
        Ok(event @ Value::Object(_)) => print::json_line(&event),
        _ => Ok(()),
    }
}

/// Prints the event in a line of the node's log that ends there at byte `end`, if it is news.
fn tell(args: &LogsArgs, heard: &mut Heard, line: &str, end: u64) -> Result<(), Trouble> {
    let event = answers::event(line.as_bytes());
    match event.map(|event| heard.logged(&event, end)) {
        Some(News::New) => print(args, line),
        Some(News::Last) => Err(Trouble::new(Exit::Failed, "answer-too-long", TOO_LONG)),
        Some(News::Old | News::TooMuch) | None => Ok(()),
    }
}

/// Why a node is not listened to any more.
const TOO_LONG: &str = "the node tells more than is kept of any run";

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
fn follow(args: &LogsArgs, tools: &Tools, lookout: &Lookout<'_>) -> Result<(), Trouble> {
    let mut heard = Heard::default();
    loop {
        let (open, sight) = lookout.look()?;
        let mut open = open;
        while let Some((session, agent)) = &open {
            match from_node(session, agent, &sight, Log::Events) {
                Ok(log) => {
                    for (line, end) in heard.unread(&log) {
                        tell(args, &mut heard, line, end)?;
                    }
                    if matches!(sight, Sight::Jump(_)) {
                        // The last line may be under way.
                        let whole = log.rfind('\n').map_or(0, |end| end + 1);
                        follow_jump(args, session, whole as u64, &mut heard)?;
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
fn follow_jump(
    args: &LogsArgs,
    session: &Session,
    offset: u64,
    heard: &mut Heard,
) -> Result<(), Trouble> {
    let mut printed = Ok(());
    // The next look finds out why it ended.
    let _ended = events_from(session, offset, Reading::Along, &mut |event| {
        if let Some((event, end)) = event
            && let Ok(line) = serde_json::to_string(&event)
        {
            printed = tell(args, heard, &line, end);
        }
        printed.is_ok()
    });
    printed
}

fn pause(args: &LogsArgs, tools: &Tools) -> Result<(), Trouble> {
    if tools.interrupt.sleep(PAUSE) {
        return Err(SshError::Interrupted.trouble(&args.node));
    }
    Ok(())
}

/// An event for people: stage, uptime, what happened. What is no event is passed over.
fn text(event: &str) -> Page {
    let Some(event) = answers::event(event.as_bytes()) else {
        return Page::default();
    };
    let stage = json!(event.stage);
    let stage = stage.as_str().unwrap_or_default();
    let uptime = render::seconds(event.uptime_ms);
    render::event(&event.what, &format!("{stage:<8} {uptime:>12} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_with_stage_and_uptime_and_what_is_none_is_passed_over() {
        let event = r#"{"uptime_ms":61000,"stage":"replace","event":"note","text":"no link"}"#;
        let shown = text(event);
        assert!(
            shown.as_str().starts_with("replace    1 min 01 s"),
            "{shown}"
        );
        assert_eq!(shown.as_str().lines().count(), 1);
        assert!(text("broken").is_empty());
    }
}
