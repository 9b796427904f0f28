//! A node's status for people.

use super::{coded, seconds};
use crate::render::page::Page;
use crate::run::journal::Journal;
use crate::run::status::Status;
use crate::step::Stage;

/// A status for people.
pub fn status(status: &Status) -> Page {
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
            .map(|reason| format!("the last attempt failed: {}", coded(reason))),
    );
    let mut page = Page::default();
    for line in lines {
        page.line(line);
    }
    page
}

/// A status as one line: node, system, where the run stands, and why if it stands still.
pub fn status_line(node: &str, status: &Status) -> String {
    let run = match (&status.run, &status.journal) {
        (Some(run), Some(journal)) => format!("run {run}: {}", progress(status, journal)),
        (Some(run), None) => format!("run {run}"),
        _ => "no run".to_owned(),
    };
    let reason = status.reason().map(|why| format!(": {}", coded(why)));
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
        Stage::Armed if crate::run::arm::is_ordered(journal) => "armed: the next boot jumps",
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
            step.number, step.of, step.task
        ),
        None => stage.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::failure::{Code, Failure};
    use crate::run::status::{StepShown, System};
    use crate::run::task::StepId;
    use crate::words::run_id::RunId;

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
        journal.failure = Some(Failure::new(Code::NoNetwork, "no link"));
        insta::assert_snapshot!(status(&old(journal, None)), @r"
        node07: old system, Debian 12, 6.1, up 1 min 01 s
        run 00000000000000aa: being staged
        begun by root@admin1, 2026-11-25T00:06:29Z
        the selector would boot: old
        the last attempt failed: no link [no-network]
        ");
    }

    #[test]
    fn an_arm_says_what_a_boot_would_do() {
        let mut journal = Journal::new(&RunId::new(0xaa), &[]);
        journal.stage = Stage::Armed;
        journal.arm = Some(crate::run::journal::Arm {
            boot_id: "b".to_owned(),
            uptime_ms: 1,
            ordered: false,
        });
        let shown = |journal: &Journal| status_line("n7", &old(journal.clone(), None));
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
            task: StepId::ProveNetwork.into(),
        };
        let shown = status_line("n7", &old(journal, Some(step)));
        insta::assert_snapshot!(shown, @"n7: old system, Debian 12; run 00000000000000aa: proving itself, step 2 of 5 begun: prove: the network is up");
    }
}
