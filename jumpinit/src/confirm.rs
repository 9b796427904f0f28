//! The new system's first boot: sound, it becomes the default and the jump is over;
//! otherwise it goes back to the jump system.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jumpspec::event::{Event, What};
use jumpspec::journal::Stage;
use jumpspec::places;
use jumpspec::report::{self, NodeReport};
use jumpspec::step::Step;
use jumpsys::atomic::write_atomic;
use jumpsys::root::Root;

use crate::context::{Context, read_plan};
use crate::give_up::is_landing;
use crate::reporter::Reporter;

/// Where the landing file system is mounted meanwhile.
const LANDING: &str = "/run/jump-landing";

/// Runs the new system's part, once.
pub(crate) fn run() -> Result<()> {
    let mut reporter = Reporter::to_console();
    reporter.log_to(
        &Path::new("/")
            .join(places::NEW_LOG)
            .join(places::EVENTS_NAME),
    );
    let plan_path = Path::new("/").join(places::NEW_PLAN);
    if !plan_path.exists() {
        // All is done, but power failed while the last traces were removed.
        return crate::finish::remove_last_traces(&Root::open(Path::new("/"))?);
    }
    let plan = read_plan(&plan_path)?;
    let mut cx = Context::new(plan, PathBuf::from(LANDING), PathBuf::new(), reporter)?;
    cx.reporter.enter(Stage::Try);
    if !is_landing(&cx) {
        cx.stop_recording();
    }
    let steps = cx.plan.steps.new.clone();
    let first = first_step(&cx, &steps);
    let result = steps
        .iter()
        .enumerate()
        .skip(first)
        .try_for_each(|(index, step)| cx.carry_out(index, step));
    match result {
        Ok(()) => {
            cx.reporter.tell(What::Complete);
            cx.reporter.close_log();
            Ok(())
        }
        Err(error) => give_up(&mut cx, error),
    }
}

/// Where a boot begins: with its health; once the new system is the default, with what follows
/// that; and where the landing partition is given back, with the rest, for the journal and the
/// selector's files were on it.
fn first_step(cx: &Context, steps: &[Step]) -> usize {
    let begin = begin_with(is_landing(cx), crate::selector::is_confirmed(cx));
    steps
        .iter()
        .position(|step| *step == begin)
        .unwrap_or_default()
}

fn begin_with(is_landing: bool, is_confirmed: bool) -> Step {
    match (is_landing, is_confirmed) {
        (_, false) => Step::CheckHealth,
        (true, true) => Step::CollectLogs,
        (false, true) => Step::RestoreSwap,
    }
}

/// Leaves the report in the new system.
pub(crate) fn report(cx: &mut Context) -> Result<()> {
    let report = NodeReport {
        run: cx.plan.run.clone(),
        hostname: jumpsys::system::hostname()?,
        os: cx.plan.images.target.os.clone(),
        kernel: jumpsys::system::kernel()?.release,
        boot_id: jumpsys::system::boot_id()?,
        notes: notes(cx)?,
    };
    let path = Path::new("/").join(places::NEW_LOG).join(report::FILE);
    write_atomic(&path, &serde_json::to_vec_pretty(&report)?, 0o640)
        .context("cannot write the report")
}

/// What the admin should know: the plan's notes, and what was noted since.
fn notes(cx: &Context) -> Result<Vec<String>> {
    let events = Root::open(Path::new("/"))?
        .read_text(&format!("{}/{}", places::NEW_LOG, places::EVENTS_NAME))?
        .unwrap_or_default();
    Ok(with_noted(cx.plan.notes.clone(), &events))
}

fn with_noted(mut notes: Vec<String>, events: &str) -> Vec<String> {
    for line in events.lines() {
        if let Ok(Event {
            what: What::Note { text },
            ..
        }) = serde_json::from_str(line)
            && !notes.contains(&text)
        {
            notes.push(text);
        }
    }
    notes
}

/// Before the confirmation the jump system comes next. After it the new system is the default
/// whatever else failed: it stays up, and this is tried again at the next boot.
fn give_up(cx: &mut Context, error: anyhow::Error) -> Result<()> {
    let step = "confirm the new system";
    if crate::selector::is_confirmed(cx) {
        crate::give_up::stay(cx, step, &error);
    } else {
        crate::give_up::go_back(cx, step, &error)?;
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_goes_on_where_the_last_one_was_cut() {
        assert_eq!(begin_with(true, false), Step::CheckHealth);
        assert_eq!(begin_with(true, true), Step::CollectLogs);
        assert_eq!(begin_with(false, true), Step::RestoreSwap);
        assert_eq!(begin_with(false, false), Step::CheckHealth);
    }

    #[test]
    fn the_report_has_every_note_once() {
        let note = |text: &str| {
            format!(r#"{{"uptime_ms":1,"stage":"replace","event":"note","text":"{text}"}}"#)
        };
        let events = [note("b"), "torn".to_owned(), note("b"), note("a")].join("\n");
        assert_eq!(with_noted(vec!["a".to_owned()], &events), ["a", "b"]);
    }
}
