//! What is told of a node while something happens to it: for people on stderr, for
//! programs (`--json`) one object a line on stdout.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use jumpspec::event::{Event, What};
use jumpspec::page::Page;
use jumpspec::size::Size;
use jumpspec::{render, shown};
use serde_json::{Map, Value, json};

use crate::error::{Exit, Trouble};
use crate::node::run_dir::EventLog;
use crate::node::told::{News, Told};
use crate::terminal::meter;
use crate::terminal::print;

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
    told: Told,
    /// Why what programs or people asked for could not be printed, the first time.
    lost: Option<io::Error>,
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
            told: Told::default(),
            lost: None,
            bar: None,
            beat: Instant::now(),
        }
    }

    /// From here on events are also kept in `log`.
    pub(crate) fn keep(&mut self, log: EventLog) {
        self.log = Some(log);
    }

    /// Prints text that was asked for: to stdout, or with `--json` to stderr.
    pub(crate) fn text(&mut self, text: &Page) {
        self.clear();
        if self.json {
            print::tell(text);
        } else {
            self.printed(print::try_page(text));
        }
    }

    /// A full file system is no reason to stop half way, but it is told in the end.
    fn printed(&mut self, printed: io::Result<()>) {
        let printed = print::read_by_somebody(printed);
        self.lost = self.lost.take().or(printed.err());
    }

    /// Fails if something that was asked for could not be printed.
    pub(crate) fn end(&mut self) -> Result<(), Trouble> {
        let lost = self.lost.take().map_or(Ok(()), Err);
        Ok(lost.context("cannot write to stdout")?)
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
            self.printed(print::try_json_line(&line));
        }
    }

    /// Tells trouble to people, and to programs as `refusals` or `errors`.
    pub(crate) fn trouble(&mut self, trouble: &Trouble) -> Exit {
        self.clear();
        print::trouble(trouble, Some(&self.node));
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
        print::tell(&Page::of(format_args!("{}: {text}", self.node)));
    }

    /// Tells an event, unless it was told before.
    pub(crate) fn event(&mut self, event: &Event) {
        let Ok(Value::Object(fields)) = serde_json::to_value(event) else {
            return;
        };
        match self.told.insert(&Value::Object(fields.clone()).to_string()) {
            News::Old | News::TooMuch => return,
            News::Last => {
                self.say("note: it says more than is kept of a run: nothing more is told");
            }
            News::New => {}
        }
        self.emit(fields);
        self.show(&event.what);
    }

    /// These events were told by an earlier command.
    pub(crate) fn known(&mut self, events: &[Event]) {
        let lines = events
            .iter()
            .filter_map(|event| serde_json::to_value(event).ok());
        for line in lines {
            self.told.insert(&line.to_string());
        }
    }

    fn show(&mut self, what: &What) {
        match what {
            What::Begin { step } => self.begin(step),
            What::Progress { step, done, total } => self.progress(step, *done, *total),
            _ => {
                self.clear();
                print::tell(&render::event(what, ""));
            }
        }
    }

    fn begin(&mut self, step: &str) {
        self.clear();
        let bar = ProgressBar::new_spinner().with_message(shown::line(step).into_owned());
        if let Ok(style) = ProgressStyle::with_template("  {spinner}   {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(SPIN);
        self.bar = Some(bar);
        self.beat = Instant::now();
    }

    /// How far something has come, in bytes.
    pub(crate) fn progress(&mut self, what: &str, done: u64, total: u64) {
        let shown = shown::line(what);
        let fits = |bar: &ProgressBar| bar.length() == Some(total) && bar.message() == shown;
        if !self.bar.as_ref().is_some_and(fits) {
            self.clear();
            self.bar = Some(meter::bar(total, what));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        if self.beat.elapsed() > HEARTBEAT && !std::io::stderr().is_terminal() {
            self.beat = Instant::now();
            let told = format_args!("  ..  {what}: {} of {}", Size(done), Size(total));
            print::tell(&Page::of(told));
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
