//! `jumpimg status`: which systems nodes run and how far their runs have come.

use clap::Args;
use jumpspec::journal::{Journal, Stage};
use jumpspec::page::Page;
use jumpspec::status::Status;
use serde_json::{Map, Value, json};

use crate::node::{Agent, Lookout, Sight};
use crate::node_args::{NodeArgs, each, node_name};
use crate::survey::Tools;
use crate::trouble::{Exit, Trouble};
use crate::voice::{Voice, seconds};

/// Shows which systems nodes run and how far their runs have come
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) nodes: NodeArgs,
    /// The nodes, as ssh knows them; of several each gets a line
    #[arg(required = true, value_name = "NODE", value_parser = node_name)]
    pub(crate) node: Vec<String>,
}

/// Asks the nodes, one after another.
pub(crate) fn run(args: &StatusArgs) -> Result<(), Trouble> {
    let tools = Tools::read(&args.nodes)?;
    each(&args.node, args.nodes.json, |node, voice| {
        show(args, &tools, node, voice)
    })
}

fn show(
    args: &StatusArgs,
    tools: &Tools<'_>,
    node: &str,
    voice: &mut Voice,
) -> Result<(), Trouble> {
    let latest = tools.state.latest(node);
    let (session, agent, sight) = Lookout::new(tools, node, latest.as_ref())?.meet()?;
    leave(&agent, &session)?;
    let (Sight::Old(status) | Sight::Jump(status) | Sight::New(status) | Sight::Stranger(status)) =
        sight
    else {
        let why = "the node did not tell its boot id";
        return Err(Trouble::new(Exit::Failed, "unreachable", why));
    };
    if args.nodes.json {
        voice.object("status", object(&status));
    } else if args.node.len() > 1 {
        voice.text(&Page::of(line(node, &status)));
    } else {
        voice.text(&text(&status));
        let over = latest.filter(|latest| status.run.is_none() && latest.is_finished());
        if let Some(latest) = over {
            let folder = latest.path().display();
            voice.text(&Page::of(format_args!(
                "run {} is over: {folder}",
                latest.run()
            )));
        }
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
fn text(status: &Status) -> Page {
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
        let at = status.journal.as_ref();
        let at = at.map(|journal| format!(": {}", progress(status, journal)));
        lines.push(format!("run {run}{}", at.unwrap_or_default()));
        lines.extend(
            status
                .origin
                .as_ref()
                .map(|origin| format!("begun by {origin}")),
        );
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
    let mut page = Page::default();
    for line in lines {
        page.line(line);
    }
    page
}

/// A status as one line: node, system, where the run stands, and why if it stands still.
fn line(node: &str, status: &Status) -> String {
    let run = match (&status.run, &status.journal) {
        (Some(run), Some(journal)) => format!("run {run}: {}", progress(status, journal)),
        (Some(run), None) => format!("run {run}"),
        _ => "no run".to_owned(),
    };
    let reason = status.reason().map(|why| format!(": {why}"));
    format!(
        "{node}: {}, {}; {run}{}",
        status.system,
        status.os,
        reason.unwrap_or_default()
    )
}

/// How far a run has come.
fn progress(status: &Status, journal: &Journal) -> String {
    let stage = match journal.stage {
        Stage::Stage => "being staged",
        Stage::Armed if jumpspec::arm::is_ordered(journal) => "armed: the next boot jumps",
        Stage::Armed => {
            "armed, with no reboot ordered: a boot goes through jump back to the old system"
        }
        Stage::Prove => "proving itself",
        Stage::Replace => "replacing",
        Stage::Try => "the new system is being tried",
        Stage::Finish => "confirmed, and finishing",
        Stage::Stuck => "stuck: jump gave up and waits",
    };
    let word = if journal.done { "done" } else { "begun" };
    match &status.step {
        Some(step) => format!(
            "{stage}, step {} of {} {word}: {}",
            step.number, step.of, step.words
        ),
        None => stage.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::run_id::RunId;
    use jumpspec::status::{StepShown, System};

    fn old(journal: Journal, step: Option<StepShown>) -> Status {
        Status {
            system: System::Old,
            hostname: "node07".to_owned(),
            os: "Debian 12".to_owned(),
            kernel: "6.1".to_owned(),
            boot_id: "b".to_owned(),
            uptime_ms: 61_000,
            run: Some(RunId::new(0xaa)),
            journal: Some(journal),
            selector_state: Some("old".to_owned()),
            failure: None,
            step,
            origin: Some("root@admin1, 2026-11-25T00:06:29Z".to_owned()),
            live: false,
            gave_up: false,
        }
    }

    #[test]
    fn a_status_names_system_run_and_reason() {
        let mut journal = Journal::new(&RunId::new(0xaa), &[]);
        journal.failure = Some("no link".to_owned());
        insta::assert_snapshot!(text(&old(journal, None)), @r"
        node07: old system, Debian 12, 6.1, up 1 min 01 s
        run 00000000000000aa: being staged
        begun by root@admin1, 2026-11-25T00:06:29Z
        the selector would boot: old
        the last attempt failed: no link
        ");
    }

    #[test]
    fn an_arm_says_what_a_boot_would_do() {
        let mut journal = Journal::new(&RunId::new(0xaa), &[]);
        journal.stage = Stage::Armed;
        journal.arm = Some(jumpspec::arm::Arm {
            boot_id: "b".to_owned(),
            uptime_ms: 1,
            ordered: false,
        });
        let shown = |journal: &Journal| line("n7", &old(journal.clone(), None));
        assert!(shown(&journal).contains("back to the old system"));
        journal.arm.as_mut().unwrap().ordered = true;
        assert!(shown(&journal).ends_with("armed: the next boot jumps"));
    }

    #[test]
    fn one_of_several_gets_a_line() {
        let mut journal = Journal::new(&RunId::new(0xaa), &[]);
        journal.stage = Stage::Prove;
        let step = StepShown {
            number: 2,
            of: 5,
            words: "prove: the network is up".to_owned(),
        };
        let shown = line("n7", &old(journal, Some(step)));
        insta::assert_snapshot!(shown, @"n7: old system, Debian 12; run 00000000000000aa: proving itself, step 2 of 5 begun: prove: the network is up");
    }
}
