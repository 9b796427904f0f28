//! What is told of a node while something happens to it: for people on stderr, for
//! programs (`--json`) one object a line on stdout.

use std::io;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use indicatif::ProgressBar;
use jumpspec::render::page::Page;
use jumpspec::run::event::{Event, What};
use jumpspec::words::shown;
use jumpspec::words::size::Size;
use jumpspec::{answers, render};
use serde_json::{Map, Value, json};

use crate::error::{Exit, Trouble};
use crate::node::heard::News;
use crate::node::recorder::{Place, Recorder};
use crate::node::run_dir::EventLog;
use crate::terminal::print;
use crate::terminal::screen::Screen;

/// Where no bar can be drawn, a sign of life this often.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The voice of one node.
pub(crate) struct Voice {
    node: String,
    json: bool,
    /// Whether people hear of it besides programs.
    aloud: bool,
    /// What lines of the node's begin with.
    margin: String,
    recorder: Recorder,
    screen: Screen,
    /// Why what programs or people asked for could not be printed, the first time.
    lost: Option<io::Error>,
    bar: Option<ProgressBar>,
    beat: Instant,
}

impl Voice {
    /// A voice for `node`, on a screen that others may share.
    pub(crate) fn new(node: &str, json: bool, screen: &Screen) -> Self {
        Self {
            node: node.to_owned(),
            json,
            aloud: true,
            margin: String::new(),
            recorder: Recorder::default(),
            screen: screen.clone(),
            lost: None,
            bar: None,
            beat: Instant::now(),
        }
    }

    /// The same, which is heard by programs alone.
    #[must_use]
    pub(crate) fn quiet(mut self) -> Self {
        self.aloud = false;
        self
    }

    /// The same, each line of which names the node: others speak at the same time.
    #[must_use]
    pub(crate) fn among_others(mut self) -> Self {
        self.margin = format!("{}: ", self.node);
        self
    }

    /// From here on events are also kept in `log`.
    pub(crate) fn keep(&mut self, log: EventLog) {
        self.recorder.keep(log);
    }

    /// Prints text that was asked for: to stdout, or with `--json` to stderr.
    pub(crate) fn text(&mut self, text: &Page) {
        self.clear();
        if !self.aloud {
            return;
        }
        if self.json {
            self.screen.tell(text);
        } else {
            let printed = self.screen.print(|| print::try_page(text));
            self.printed(printed);
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
        if let Err(error) = self.recorder.record(&line) {
            self.say(&format!("note: {error:#}"));
        }
        if self.json {
            let printed = self.screen.print(|| print::try_json_line(&line));
            self.printed(printed);
        }
    }

    /// Tells trouble to people, and to programs as `refusals` or `errors`.
    pub(crate) fn trouble(&mut self, trouble: &Trouble) -> Exit {
        self.clear();
        let name = if trouble.exit == Exit::Refused {
            "refusals"
        } else {
            "errors"
        };
        self.emit(Map::from_iter([(name.to_owned(), json!(trouble.causes))]));
        if self.aloud {
            self.screen
                .print(|| print::trouble(trouble, Some(&self.node)));
        }
        trouble.exit
    }

    /// A line for people.
    pub(crate) fn say(&mut self, text: &str) {
        self.clear();
        if self.aloud {
            self.screen
                .tell(&Page::of(format_args!("{}: {text}", self.node)));
        }
    }

    /// Tells an event as it happens.
    pub(crate) fn event(&mut self, event: &Event) {
        self.hear(event, Place::Live);
    }

    /// Tells an event that the node's log has, where it ends at byte `end`, unless it was told.
    pub(crate) fn logged(&mut self, event: &Event, end: u64) {
        self.hear(event, Place::Log(end));
    }

    /// Tells what was not told yet of a node's whole log.
    pub(crate) fn log(&mut self, log: &str) {
        for (event, end) in self.unread(log) {
            self.logged(&event, end);
        }
    }

    /// Whether a node's whole log has all that was read of it.
    pub(crate) fn goes_on(&self, log: &str) -> bool {
        self.recorder.heard().goes_on(log)
    }

    /// What this log has was told by an earlier command.
    pub(crate) fn known(&mut self, log: &str) {
        for (event, end) in self.unread(log) {
            self.recorder.hear(&event, Place::Log(end));
        }
    }

    fn unread(&self, log: &str) -> Vec<(Event, u64)> {
        let lines = self.recorder.heard().unread(log);
        lines
            .filter_map(|(line, end)| Some((answers::event(line.as_bytes())?, end)))
            .collect()
    }

    fn hear(&mut self, event: &Event, place: Place) {
        let Ok(Value::Object(fields)) = serde_json::to_value(event) else {
            return;
        };
        match self.recorder.hear(event, place) {
            News::Old | News::TooMuch => return,
            News::Last => {
                self.say("note: it says more than is kept of a run: nothing more is told");
            }
            News::New => {}
        }
        self.emit(fields);
        self.show(&event.what);
    }

    fn show(&mut self, what: &What) {
        if !self.aloud {
            return;
        }
        match what {
            What::Begin { task } => self.begin(&task.to_string()),
            What::Progress { task, done, total } => {
                self.progress(&task.to_string(), *done, *total);
            }
            _ => {
                self.clear();
                self.screen.tell(&render::event(what, &self.margin));
            }
        }
    }

    fn begin(&mut self, step: &str) {
        self.clear();
        let step = format!("{}{step}", self.margin);
        self.bar = Some(self.screen.spinner(&step));
        self.beat = Instant::now();
    }

    /// How far something has come, in bytes.
    pub(crate) fn progress(&mut self, what: &str, done: u64, total: u64) {
        if !self.aloud {
            return;
        }
        let what = &format!("{}{what}", self.margin);
        let shown = shown::line(what);
        let fits = |bar: &ProgressBar| bar.length() == Some(total) && bar.message() == shown;
        if !self.bar.as_ref().is_some_and(fits) {
            self.clear();
            self.bar = Some(self.screen.bar(total, what));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
        if self.beat.elapsed() > HEARTBEAT && !Screen::has_bars() {
            self.beat = Instant::now();
            let told = format_args!("  ..  {what}: {} of {}", Size(done), Size(total));
            self.screen.tell(&Page::of(told));
        }
    }

    /// Takes an unfinished bar off the screen.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            self.screen.clear(&bar);
        }
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.clear();
    }
}
