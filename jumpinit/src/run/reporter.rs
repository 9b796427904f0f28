//! Tells what happens: to standard output as JSON lines, to a log file, to the console
//! in words. Telling never fails a step: a full log must not cost a node.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use jumpspec::render;
use jumpspec::run::event::{Event, What};
use jumpspec::run::task::Task;
use jumpspec::step::Stage;
use jumpspec::words::shown;
use jumpsys::kernel::console::Console;
use jumpsys::kernel::system::uptime_ms;

/// Progress is told at most this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Where events go.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    stage: Option<Stage>,
    stdout: bool,
    log: Option<File>,
    console: Option<Console>,
    last_progress: Option<Instant>,
}

impl Reporter {
    /// Tells standard output: for a run that someone watches over SSH.
    pub(crate) fn to_stdout() -> Self {
        Self {
            stdout: true,
            ..Self::default()
        }
    }

    /// Tells the console: for a run that nobody watches.
    pub(crate) fn to_console() -> Self {
        Self {
            console: Some(Console::open()),
            ..Self::default()
        }
    }

    /// Also appends to a log file from now on.
    pub(crate) fn log_to(&mut self, path: &Path) {
        let open = || {
            path.parent().map(std::fs::create_dir_all).transpose()?;
            OpenOptions::new().append(true).create(true).open(path)
        };
        match open() {
            Ok(file) => self.log = Some(file),
            Err(error) => eprintln!("jumpinit: cannot log to {}: {error}", path.display()),
        }
    }

    /// Stops appending to the log file, which is then on disk.
    pub(crate) fn close_log(&mut self) {
        if let Some(log) = self.log.take() {
            log.sync_all()
                .unwrap_or_else(|error| eprintln!("jumpinit: cannot sync the log: {error}"));
        }
    }

    /// The stage that events are told of from now on.
    pub(crate) fn enter(&mut self, stage: Stage) {
        self.stage = Some(stage);
    }

    /// Tells one event.
    pub(crate) fn tell(&mut self, what: What) {
        let console = render::console(&what);
        let event = Event {
            uptime_ms: uptime_ms(),
            stage: self.stage.unwrap_or(Stage::Stage),
            what,
        };
        let mut line = serde_json::to_string(&event).unwrap_or_default();
        line.push('\n');
        if self.stdout {
            let mut out = std::io::stdout().lock();
            // A reader that went away is no reason to stop half way.
            let _gone = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
        if let Some(log) = &mut self.log {
            let _full = log.write_all(line.as_bytes());
        }
        if let (Some(out), Some(text)) = (&mut self.console, console) {
            out.line(&shown::line(&format!("jump: {text}")));
        }
    }

    /// Tells something the admin should know.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.tell(What::Note { text: text.into() });
    }

    /// Tells how far `task` has come, now and then.
    pub(crate) fn progress(&mut self, task: &Task, done: u64, total: u64) {
        let now = Instant::now();
        if self
            .last_progress
            .is_some_and(|last| now.duration_since(last) < PROGRESS_EVERY)
        {
            return;
        }
        self.last_progress = Some(now);
        self.tell(What::Progress {
            task: task.clone(),
            done,
            total,
        });
    }
}
