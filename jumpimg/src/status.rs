//! `jumpimg status`: which system a node runs and how far its run has come.

use clap::Args;
use jumpspec::journal::Journal;
use jumpspec::status::Status;
use serde_json::{Map, Value, json};

use crate::interrupt::Interrupt;
use crate::node::{Agent, Lookout, Sight};
use crate::node_args::{NodeArgs, node_name};
use crate::trouble::{Exit, Trouble};
use crate::voice::{Voice, seconds};

/// Shows which system a node runs and how far its run has come
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The node, as ssh knows it
    #[arg(value_name = "NODE", value_parser = node_name)]
    pub(crate) node: String,
}

/// Asks the node.
pub(crate) fn run(args: &StatusArgs) -> Result<(), Trouble> {
    show(args).map_err(|trouble| {
        trouble.print(Some(&args.node));
        Trouble::told(trouble.exit)
    })
}

fn show(args: &StatusArgs) -> Result<(), Trouble> {
    let interrupt = Interrupt::listen()?;
    let latest = args.nodes.state()?.latest(&args.node);
    let binary = args.nodes.jumpinit()?;
    let admins = args.nodes.route(&args.node);
    let pinned = latest
        .as_ref()
        .filter(|latest| latest.is_pinned())
        .map(|latest| {
            let mut route = admins.clone();
            route.keys = latest.host_keys();
            route
        });
    // A run that is over or was never begun has no id to look for.
    let run = latest.as_ref().map_or("status", |latest| latest.run());
    let lookout = Lookout {
        admins,
        pinned,
        run,
        first_boot: "",
        binary: &binary,
        interrupt,
    };
    let (open, sight) = lookout.look()?;
    let mut voice = Voice::new(&args.node, args.nodes.json);
    let status = match sight {
        Sight::Nothing(why) => {
            let trouble = Trouble::new(Exit::Failed, "unreachable", why);
            return Err(trouble.hint("it may be rebooting: try again in a minute"));
        }
        Sight::Old(status) | Sight::Jump(status) | Sight::New(status) | Sight::Stranger(status) => {
            status
        }
        Sight::SameBoot => {
            return Err(Trouble::new(
                Exit::Failed,
                "unreachable",
                "the node did not tell its boot id",
            ));
        }
        Sight::Finished(report) => {
            if args.nodes.json {
                voice.object("report", object(&report));
            } else {
                voice.text(&format!(
                    "{}: {}, {}; run {} is over",
                    report.hostname, report.os, report.kernel, report.run
                ));
            }
            return Ok(());
        }
    };
    if let Some((session, agent)) = &open {
        leave(agent, session)?;
    }
    if args.nodes.json {
        voice.object("status", object(&status));
    } else {
        voice.text(&text(&status));
    }
    Ok(())
}

fn leave(agent: &Agent, session: &crate::ssh::Session) -> Result<(), Trouble> {
    agent
        .remove(session)
        .map_err(|error| error.trouble(session.host()))
}

fn object(value: &impl serde::Serialize) -> Map<String, Value> {
    match json!(value) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A status for people.
fn text(status: &Status) -> String {
    let Status {
        system,
        hostname,
        os,
        kernel,
        uptime_ms,
        ..
    } = status;
    let mut lines = vec![format!(
        "{hostname}: {system}, {os}, {kernel}, up {}",
        seconds(*uptime_ms)
    )];
    if let Some(run) = &status.run {
        let at = status.journal.as_ref().map(progress).unwrap_or_default();
        lines.push(format!("run {run}{at}"));
    }
    lines.extend(
        status
            .selector_state
            .as_ref()
            .map(|state| format!("the selector would boot: {state}")),
    );
    lines.extend(
        status
            .reason()
            .map(|reason| format!("the last attempt failed: {reason}")),
    );
    lines.join("\n")
}

/// How far a run has come.
fn progress(journal: &Journal) -> String {
    let stage = json!(journal.stage);
    let stage = stage.as_str().unwrap_or_default();
    let word = if journal.done { "done" } else { "begun" };
    format!(": stage {stage}, step {} {word}", journal.step + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::status::System;

    #[test]
    fn a_status_names_system_run_and_reason() {
        let mut journal = Journal::new("aa", &[]);
        journal.failure = Some("no link".to_owned());
        let status = Status {
            system: System::Old,
            hostname: "node07".to_owned(),
            os: "Debian 12".to_owned(),
            kernel: "6.1".to_owned(),
            boot_id: "b".to_owned(),
            uptime_ms: 61_000,
            run: Some("aa".to_owned()),
            journal: Some(journal),
            selector_state: Some("old".to_owned()),
            failure: None,
        };
        insta::assert_snapshot!(text(&status), @r"
        node07: old system, Debian 12, 6.1, up 1 min 01 s
        run aa: stage stage, step 1 begun
        the selector would boot: old
        the last attempt failed: no link
        ");
    }
}
