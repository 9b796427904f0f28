//! What the page's script draws. The script knows the short names.

use jumpspec::fleet::State;
use jumpspec::fleet::lanes::{Bar, End, Mark, Moment, Phase};
use jumpspec::fleet::slowest::parts;
use jumpspec::words::run_id::RunId;
use serde::Serialize;

use super::{Links, Node, Told};

/// The page's data; times are milliseconds since `begun`.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    /// Unix time.
    begun: u64,
    periods: Vec<(u64, u64)>,
    marks: Vec<Label<'a>>,
    /// The beginning of a log's address, and its end.
    runs: &'a str,
    events: String,
    nodes: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Label<'a> {
    at: u64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(rename = "n")]
    name: &'a str,
    #[serde(rename = "s")]
    state: &'static str,
    #[serde(rename = "b")]
    bars: Vec<(&'static str, u64, u64)>,
    #[serde(rename = "e", skip_serializing_if = "Option::is_none")]
    end: Option<(&'static str, u64)>,
    #[serde(rename = "k", skip_serializing_if = "Option::is_none")]
    batch: Option<usize>,
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    run: Option<&'a RunId>,
    /// Code and words.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    why: Option<&'a (String, String)>,
    #[serde(rename = "t", skip_serializing_if = "Vec::is_empty")]
    times: Vec<(&'static str, u64)>,
}

impl<'a> Data<'a> {
    pub(super) fn of(told: &'a Told, links: &'a Links) -> Self {
        let picture = &told.picture;
        let begun = picture.periods.first().map_or(0, |(from, _)| *from);
        let since = |at: u64| at.saturating_sub(begun);
        let periods = picture.periods.iter();
        Self {
            begun,
            periods: periods
                .map(|(from, to)| (since(*from), since(*to)))
                .collect(),
            marks: picture
                .marks
                .iter()
                .map(|mark| label(mark, since))
                .collect(),
            runs: &links.runs,
            events: format!("/{}", jumpspec::places::EVENTS_NAME),
            nodes: told.nodes().map(|node| row(&node, since)).collect(),
        }
    }
}

fn label(mark: &Mark, since: impl Fn(u64) -> u64) -> Label<'_> {
    let label = |kind| Label {
        at: since(mark.at),
        kind,
        number: None,
        count: None,
        why: None,
    };
    match &mark.moment {
        Moment::Batch(number, count) => Label {
            number: Some(*number),
            count: Some(*count),
            ..label("batch")
        },
        Moment::Stopped(_, why) => Label {
            why: Some(why),
            ..label("stopped")
        },
        Moment::Resumed => label("resumed"),
    }
}

fn row<'a>(node: &Node<'a>, since: impl Fn(u64) -> u64) -> Row<'a> {
    let state = match node.state() {
        State::Planned | State::Staging => "untouched",
        State::Staged => "staged",
        State::Down => "inflight",
        State::Ok => "ok",
        State::Ko => "ko",
    };
    let bars = node.lane.map_or(&[][..], |lane| &lane.bars).iter();
    let times = node.known.map_or(&[][..], |known| &known.times);
    Row {
        name: node.name,
        state,
        bars: bars
            .map(|Bar { phase, from, to }| (short(*phase), since(*from), since(*to)))
            .collect(),
        end: node.lane.and_then(|lane| lane.end).map(|(at, end)| {
            let how = match end {
                End::Done => "done",
                End::LeftOut => "left out",
                End::Apart => "unreachable",
                End::Failed => "failed",
            };
            (how, since(at))
        }),
        batch: node.lane.and_then(|lane| lane.batch),
        run: node.known.and_then(|known| known.run.as_ref()),
        why: node.known.and_then(|known| known.why.as_ref()),
        times: node.lane.map_or_else(Vec::new, |lane| parts(lane, times)),
    }
}

fn short(phase: Phase) -> &'static str {
    match phase {
        Phase::Staging => "s",
        Phase::Waiting => "w",
        Phase::Reboot => "r",
        Phase::Jump => "j",
        Phase::New => "n",
    }
}
