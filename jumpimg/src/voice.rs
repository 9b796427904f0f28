//! What is told of a node while something happens to it: for people on stderr, for
//! programs (`--json`) one object a line on stdout.

use std::collections::HashSet;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use jumpspec::event::{Event, What};
use jumpspec::size::Size;
use serde_json::{Map, Value, json};

use crate::meter;
use crate::run_dir::EventLog;
use crate::trouble::{Exit, Trouble};

/// Where no bar can be drawn, a sign of life this often.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often a bar moves by itself.
const SPIN: Duration = Duration::from_millis(120);

/// The voice of one node.
pub(crate) struct Voice {
    node: String,
    json: bool,
    log: Option<EventLog>,
    /// Events that were told already: files are read again after a connection broke.
    told: HashSet<String>,
    bar: Option<ProgressBar>,
    beat: Instant,
}

impl Voice {
    /// A voice for `node`.
    pub(crate) fn new(node: &str, json: bool) -> Self {
        Self {
            node: node.to_owned(),
            json,
            log: None,
            told: HashSet::new(),
            bar: None,
            beat: Instant::now(),
        }
    }

    /// From here on events are also kept in `log`.
    pub(crate) fn keep(&mut self, log: EventLog) {
        self.log = Some(log);
    }

    /// Prints text that was asked for: to stdout, or with `--json` to stderr.
    pub(crate) fn text(&mut self, text: &str) {
        self.clear();
        let stdout = std::io::stdout();
        let written = if self.json {
            writeln!(std::io::stderr(), "{text}")
        } else {
            writeln!(stdout.lock(), "{text}")
        };
        // Nobody reads: then nobody is told.
        written.ok();
    }

    /// One object for programs, `event` being what it is about.
    pub(crate) fn object(&mut self, event: &str, mut fields: Map<String, Value>) {
        fields.insert("event".to_owned(), json!(event));
        self.emit(fields);
    }

    /// The same object as `fields`, with the node's name.
    pub(crate) fn emit(&mut self, fields: Map<String, Value>) {
        let mut object = Map::from_iter([("node".to_owned(), json!(self.node))]);
        object.extend(fields);
        let line = Value::Object(object).to_string();
        if let Some(log) = &mut self.log
            && let Err(error) = log.append(&line)
        {
            self.log = None;
            self.say(&format!("note: {error:#}"));
        }
        if self.json {
            writeln!(std::io::stdout(), "{line}").ok();
        }
    }

    /// Tells trouble to people, and to programs as `refusals` or `errors`.
    pub(crate) fn trouble(&mut self, trouble: &Trouble) -> Exit {
        self.clear();
        trouble.print(Some(&self.node));
        let name = if trouble.exit == Exit::Refused {
            "refusals"
        } else {
            "errors"
        };
        self.emit(Map::from_iter([(name.to_owned(), json!(trouble.causes))]));
        trouble.exit
    }

    /// A line for people.
    pub(crate) fn say(&mut self, text: &str) {
        self.clear();
        anstream::eprintln!("{}: {text}", self.node);
    }

    /// Tells an event, unless it was told before.
    pub(crate) fn event(&mut self, event: &Event) {
        let Ok(Value::Object(fields)) = serde_json::to_value(event) else {
            return;
        };
        if !self.told.insert(Value::Object(fields.clone()).to_string()) {
            return;
        }
        self.emit(fields);
        self.show(&event.what);
    }

    /// These events were told by an earlier command.
    pub(crate) fn known(&mut self, events: &[Event]) {
        let lines = events
            .iter()
            .filter_map(|event| serde_json::to_value(event).ok());
        self.told.extend(lines.map(|line| line.to_string()));
    }

    fn show(&mut self, what: &What) {
        match what {
            What::Begin { step } => self.begin(step),
            What::Progress { step, done, total } => self.progress(step, *done, *total),
            _ => {
                if let Some(line) = line(what) {
                    self.clear();
                    anstream::eprintln!("{line}");
                }
            }
        }
    }

    fn begin(&mut self, step: &str) {
        self.clear();
        let bar = ProgressBar::new_spinner().with_message(step.to_owned());
        if let Ok(style) = ProgressStyle::with_template("  {spinner}   {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(SPIN);
        self.bar = Some(bar);
        self.beat = Instant::now();
    }

    /// How far something has come, in bytes.
    pub(crate) fn progress(&mut self, what: &str, done: u64, total: u64) {
        let fits = |bar: &ProgressBar| bar.length() == Some(total) && bar.message() == what;
        if !self.bar.as_ref().is_some_and(fits) {
            self.clear();
            self.bar = Some(meter::bar(total, what));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        if self.beat.elapsed() > HEARTBEAT && !std::io::stderr().is_terminal() {
            self.beat = Instant::now();
            anstream::eprintln!("  ..  {what}: {} of {}", Size(done), Size(total));
        }
    }

    /// Takes an unfinished bar off the screen.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.clear();
    }
}

/// An event as a line for people; `None` for what is not worth one.
pub(crate) fn line(what: &What) -> Option<String> {
    Some(match what {
        What::Begin { .. } | What::Progress { .. } | What::Need { .. } | What::Complete => {
            return None;
        }
        What::Done { step, millis } => {
            format!("  \x1b[32mok\x1b[0m  {step:<44} {:>8}", seconds(*millis))
        }
        What::Note { text } => format!("  \x1b[33m!!\x1b[0m  {text}"),
        What::Failed { step, error, next } => {
            format!("  \x1b[31mko\x1b[0m  {step}: {error}\n      {next}")
        }
        What::Reboot { into } => format!("  >>  reboot into {into}"),
    })
}

/// `12.3 s`, `2 min 05 s`.
pub(crate) fn seconds(millis: u64) -> String {
    let (whole, tenths) = (millis / 1000, millis % 1000 / 100);
    if whole < 60 {
        format!("{whole}.{tenths} s")
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_to_read() {
        assert_eq!(seconds(12_345), "12.3 s");
        assert_eq!(seconds(125_000), "2 min 05 s");
    }

    #[test]
    fn a_failure_says_what_happens_next() {
        let what = What::Failed {
            step: "prove".into(),
            error: "no link".into(),
            next: "reboot".into(),
        };
        assert!(line(&what).is_some_and(|line| line.contains("no link\n      reboot")));
    }
}
