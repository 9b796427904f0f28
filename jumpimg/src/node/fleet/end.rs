//! What is told of a fleet that nobody conducts any more: to whoever has begun it, as a page, and to a
//! program of the admin's.

use std::path::Path;
use std::time::Duration;

use jumpspec::fleet::{Course, Rule};
use jumpspec::render::page::Page;
use jumpsys::cmd::{CmdError, Program};
use serde_json::{Map, Value, json};

use super::conduct::Ended;
use super::dir::{FleetDir, Record};
use super::page;
use crate::error::{Exit, Trouble};
use crate::node::nodes::fold::folded;
use crate::node::several::sum::Sum;
use crate::terminal::screen::Screen;

/// So long the admin's program may take: somebody may be waiting for the prompt.
const LIMIT: Duration = Duration::from_mins(1);

/// How the end is told.
pub(super) struct Ending<'a> {
    pub(super) record: &'a Record,
    pub(super) dir: &'a FleetDir,
    pub(super) json: bool,
    pub(super) screen: &'a Screen,
    /// The admin's program.
    pub(super) fleet_done: Option<&'a Path>,
}

impl Ending<'_> {
    /// Tells what all have come to.
    pub(super) fn tell(&self, ended: Ended<'_>) -> Result<(), Trouble> {
        let Ended { course, sum, lost } = ended;
        // First what is kept: whoever reads the rest may have gone.
        let kept = page::keep(self.dir, false);
        let told = self.tell_program(&course, &sum);
        sum.tell(self.json, self.screen)?;
        let mut lines = self.lines(&course);
        lines.line(match &kept {
            Ok(path) => format!("report: {}", path.display()),
            // The fleet is what it is, with its page or without.
            Err(error) => page::not_kept(error),
        });
        if let Err(error) = told {
            lines.line(format_args!("[hooks] fleet_done: {error}"));
        }
        self.screen.tell(&lines);
        if let Some(lost) = lost {
            return Err(lost);
        }
        let stopped = course.stopped();
        if stopped.is_some_and(|stop| stop.rule == Rule::Interrupted) {
            return Err(Trouble::told(Exit::Interrupted));
        }
        // Those that wait for `go` are where they were to be.
        let sets = course.sets();
        let waits = sets.staged.len() + sets.ok.len() == course.all() && stopped.is_none();
        if waits { Ok(()) } else { sum.exit() }
    }

    fn lines(&self, course: &Course) -> Page {
        let mut page = Page::default();
        if let Some(stop) = course.stopped() {
            page.line(format_args!("stopped: {stop}"));
        }
        let (run, path) = (&self.record.run, self.dir.path());
        let staged = course.sets().staged.len();
        if staged > 0 {
            page.line(format_args!(
                "{staged} are staged and not armed: a reboot boots their old system; `jumpimg go {run}` has them jump, `jumpimg abort -w @{}` takes that back",
                path.join("staged.nodes").display()
            ));
        }
        page.line(format_args!(
            "fleet {run}: {}/{{ok,ko,untouched,inflight,staged}}.nodes",
            path.display()
        ));
        page
    }

    fn tell_program(&self, course: &Course, sum: &Sum<'_>) -> Result<(), CmdError> {
        let Some(program) = self.fleet_done else {
            return Ok(());
        };
        let program = Program::new(program).inherit_env().timeout(LIMIT);
        let report = self.report(course, sum).to_string();
        program.stdin_bytes(report + "\n").run().map(drop)
    }

    /// What the program hears.
    fn report(&self, course: &Course, sum: &Sum<'_>) -> Value {
        let Record {
            run,
            job,
            begun,
            origin,
            nodes,
            ..
        } = self.record;
        let stopped = course.stopped();
        let stopped = stopped.map(|stop| json!({ "rule": stop.rule, "message": stop.why }));
        let mut report = Map::from_iter([
            ("event".to_owned(), json!("fleet")),
            ("fleet".to_owned(), json!(run)),
            ("job".to_owned(), json!(job)),
            ("begun".to_owned(), json!(begun)),
            ("origin".to_owned(), json!(origin)),
            ("count".to_owned(), json!(nodes.len())),
            ("stopped".to_owned(), json!(stopped)),
            ("others".to_owned(), sum.others()),
            ("report".to_owned(), json!(self.dir.report())),
        ]);
        let sets = course.sets();
        report.insert("state".to_owned(), json!(sets.word(false)));
        for (name, set) in sets.named() {
            let names = set.iter().filter_map(|node| nodes.get(*node));
            let names = folded(names.map(String::as_str));
            report.insert(name.to_owned(), json!(names));
        }
        Value::Object(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::fleet::{Outcome, State, Turn};
    use jumpspec::job::FleetWish;
    use jumpspec::words::digest::Digest;
    use jumpspec::words::run_id::RunId;

    use crate::node::run_dir::StateDir;

    #[test]
    fn the_admins_program_hears_of_every_node_and_its_failure_is_told() {
        let state = tempfile::tempdir().unwrap();
        let nodes: Vec<String> = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
        let image = [Digest::of(b"image"); 2];
        let job = state.path().join("job.toml");
        let wish = FleetWish::default();
        let record = Record::now(RunId::new(7), &job, image, wish.clone(), nodes.clone()).unwrap();
        let kept = StateDir::find(Some(state.path())).unwrap();
        let dir = FleetDir::begin(&kept, &record, &[]).unwrap();
        let mut course = Course::new(wish, &nodes, vec![State::Staged; 3]);
        let zero = Duration::ZERO;
        assert_eq!(course.next(zero), Turn::Batch(0, 1));
        assert_eq!(course.next(zero), Turn::Jump(0));
        course.jumped(0, &Outcome::Failed("x".to_owned()));
        let mut sum = Sum::of(&nodes);
        sum.add("n1", Err(Trouble::new(Exit::Failed, "x", "why")));
        let heard = state.path().join("heard");
        let program = state.path().join("program");
        let script = format!(
            "#!/bin/sh\ncat >{}\necho no more >&2\nexit 3\n",
            heard.display()
        );
        jumpsys::files::atomic::write_atomic(&program, script.as_bytes(), 0o755).unwrap();
        let screen = Screen::new();
        let ending = Ending {
            record: &record,
            dir: &dir,
            json: false,
            screen: &screen,
            fleet_done: Some(&program),
        };
        let failed = ending.tell_program(&course, &sum).unwrap_err().to_string();
        assert!(failed.contains("no more"), "{failed}");
        let heard = std::fs::read_to_string(heard).unwrap();
        let heard: Value = serde_json::from_str(&heard).unwrap();
        assert_eq!(heard["stopped"]["rule"], "canary");
        assert_eq!(heard["others"][0]["nodes"], "n1");
        assert_eq!(
            (&heard["ko"], &heard["staged"]),
            (&json!("n1"), &json!("n[2-3]"))
        );
        assert_eq!(
            (&heard["fleet"], &heard["state"]),
            (&json!(record.run), &json!("staged"))
        );
    }
}
