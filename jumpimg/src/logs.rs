//! `jumpimg logs`: the events of a node's latest run, from the node if it can be
//! reached, else from what this host kept.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;

use anyhow::Context as _;
use clap::Args;
use jumpspec::event::Event;
use serde_json::json;

use crate::interrupt::Interrupt;
use crate::node::read_events;
use crate::node_args::{NodeArgs, node_name};
use crate::run_dir::RunDir;
use crate::ssh::{Session, SshError};
use crate::trouble::{Exit, Trouble};
use crate::voice::{line, seconds};

/// Shows the events of a node's latest run
#[derive(Args, Clone, Debug)]
pub(crate) struct LogsArgs {
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
    let interrupt = Interrupt::listen()?;
    let latest = args.nodes.state()?.latest(&args.node);
    let events = match (from_node(args, latest.as_ref(), &interrupt), &latest) {
        (Err(error), None) | (Err(error @ SshError::Interrupted), _) => {
            return Err(error.trouble(&args.node));
        }
        (Ok(events), _) if !events.is_empty() => events,
        (answer, Some(latest)) => {
            let why = answer.err().map_or_else(
                || "the node has no log".to_owned(),
                |error| error.to_string(),
            );
            anstream::eprintln!(
                "{}: {why}; this is what {} has",
                args.node,
                latest.path().display()
            );
            let path = latest.events_path();
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
        }
        (Ok(_), None) => {
            return Err(Trouble::new(
                Exit::Failed,
                "no-run",
                "no run of this node is known, here or there",
            ));
        }
    };
    let shown = if args.nodes.json {
        events
    } else {
        text(&events)
    };
    // Whoever reads may stop early (`| head`).
    std::io::Write::write_all(&mut anstream::stdout(), shown.as_bytes()).ok();
    Ok(())
}

/// The jump system's log, or else the old or new system's.
fn from_node(
    args: &LogsArgs,
    latest: Option<&RunDir>,
    interrupt: &Interrupt,
) -> Result<String, SshError> {
    let admins = args.nodes.route(&args.node);
    if let Some(latest) = latest.filter(|latest| latest.is_pinned()) {
        let mut route = admins.clone();
        route.keys = latest.host_keys();
        match Session::open(&route, interrupt) {
            Ok(session) => return read_events(&session),
            Err(SshError::HostKey(_)) => {}
            Err(error) => return Err(error),
        }
    }
    read_events(&Session::open(&admins, interrupt)?)
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
