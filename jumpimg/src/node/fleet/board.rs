//! What people see of a fleet while it takes its course: a line a stage on a terminal, else a line when a
//! count has changed; and each failure.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use jumpspec::fleet::{Course, State};
use jumpspec::render::page::{Ink, Page};
use jumpspec::render::seconds;
use serde_json::{Map, json};

use crate::error::Trouble;
use crate::terminal::print;
use crate::terminal::screen::Screen;

/// How often lines are told at most where there are no bars.
const APART: Duration = Duration::from_secs(2);
/// So many nodes are named that take the longest.
const SLOWEST: usize = 5;

/// How far nodes have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    all: usize,
    staged: usize,
    down: usize,
    ok: usize,
    ko: usize,
}

impl Counts {
    fn of(course: &Course, all: usize) -> Self {
        Self {
            all,
            staged: course.count(State::Staged),
            down: course.count(State::Down),
            ok: course.count(State::Ok),
            ko: course.count(State::Ko),
        }
    }

    /// Those that have got as far as being staged, or further.
    fn reached(self) -> usize {
        self.staged + self.down + self.ok
    }
}

/// The board of one fleet.
pub(super) struct Board<'a> {
    screen: &'a Screen,
    json: bool,
    all: usize,
    bars: Option<Bars>,
    last: Option<Counts>,
    told: Option<Instant>,
}

struct Bars {
    staged: ProgressBar,
    done: ProgressBar,
    slowest: ProgressBar,
}

impl<'a> Board<'a> {
    pub(super) fn new(screen: &'a Screen, json: bool, all: usize) -> Self {
        let bars = Screen::has_bars().then(|| Bars {
            staged: screen.count(all, "staged"),
            done: screen.count(all, "done"),
            slowest: screen.remark(),
        });
        Self {
            screen,
            json,
            all,
            bars,
            last: None,
            told: None,
        }
    }

    /// Shows how far nodes have come; `slowest` names those that are on their way for the longest time.
    pub(super) fn show(
        &mut self,
        course: &Course,
        slowest: impl FnOnce() -> Vec<(String, Duration)>,
    ) {
        let counts = Counts::of(course, self.all);
        let is_new = self.last != Some(counts);
        let may_tell = self.told.is_none_or(|told| told.elapsed() >= APART);
        if let Some(bars) = &self.bars {
            if is_new || may_tell {
                bars.show(&counts, course.most_down(), slowest());
                self.told = Some(Instant::now());
            }
        } else if is_new && may_tell {
            self.screen.tell(&Page::of(line(&counts)));
            self.told = Some(Instant::now());
        } else {
            // What is not told now is told when there is more.
            return;
        }
        if is_new && self.json {
            self.object(
                "fleet",
                Map::from_iter([
                    ("staged".to_owned(), json!(counts.staged)),
                    ("inflight".to_owned(), json!(counts.down)),
                    ("ok".to_owned(), json!(counts.ok)),
                    ("ko".to_owned(), json!(counts.ko)),
                    ("count".to_owned(), json!(counts.all)),
                ]),
            );
        }
        self.last = Some(counts);
    }

    /// One object for programs.
    pub(super) fn object(&self, event: &str, mut fields: Map<String, serde_json::Value>) {
        if self.json {
            fields.insert("event".to_owned(), json!(event));
            let line = serde_json::Value::Object(fields).to_string();
            // Whoever reads may have gone; the fleet goes on.
            self.screen.print(|| print::try_json_line(&line)).ok();
        }
    }

    /// Tells of a node that has failed, in one line.
    pub(super) fn failure(&self, node: &str, trouble: &Trouble) {
        let mut page = Page::default();
        for cause in &trouble.causes {
            let told = format_args!(": {node}: {} [{}]", cause.message, cause.code);
            page.marked("", Ink::BoldRed, "failed", told);
        }
        self.screen.tell(&page);
    }

    /// Tells of a batch that begins, and how many seconds are left with it, if that is known.
    pub(super) fn batch(&self, number: usize, count: usize, left: Option<u64>) {
        let what = match number {
            0 => "the canary's batch".to_owned(),
            number => format!("batch {number}"),
        };
        let left = left.map(|left| format!("; some {} to the end", seconds(left * 1000)));
        self.say(&format!(
            "{what}: {count} nodes{}",
            left.unwrap_or_default()
        ));
    }

    /// Tells of a node that takes much longer than others.
    pub(super) fn straggler(&self, node: &str, part: &str, time: Duration, usual: Duration) {
        let (time, usual) = (shown(time), shown(usual));
        self.say(&format!(
            "{node}: {part} for {time}, which takes half of the nodes {usual} at most"
        ));
        self.object(
            "straggler",
            Map::from_iter([
                ("node".to_owned(), json!(node)),
                ("part".to_owned(), json!(part)),
            ]),
        );
    }

    /// A line for people.
    pub(super) fn say(&self, text: &str) {
        self.screen.tell(&Page::of(text));
    }
}

impl Drop for Board<'_> {
    fn drop(&mut self) {
        if let Some(bars) = &self.bars {
            for bar in [&bars.staged, &bars.done, &bars.slowest] {
                self.screen.clear(bar);
            }
        }
    }
}

impl Bars {
    fn show(&self, counts: &Counts, most_down: usize, slowest: Vec<(String, Duration)>) {
        let place = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        self.staged.set_position(place(counts.reached()));
        self.done.set_position(place(counts.ok));
        self.done.set_message(format!(
            "out of service {} of {most_down} at most, failed {}",
            counts.down, counts.ko
        ));
        let names: Vec<String> = slowest
            .into_iter()
            .take(SLOWEST)
            .map(|(what, time)| format!("{what} {}", shown(time)))
            .collect();
        self.slowest.set_message(if names.is_empty() {
            String::new()
        } else {
            format!("  slowest: {}", names.join(", "))
        });
    }
}

fn shown(time: Duration) -> String {
    seconds(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn line(counts: &Counts) -> String {
    format!(
        "staged {} of {}, out of service {}, done {}, failed {}",
        counts.reached(),
        counts.all,
        counts.down,
        counts.ok,
        counts.ko
    )
}
