//! The journal of a fleet: what has happened, a line an event, and what follows from it for whoever takes
//! the fleet up again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::state::State;
use super::stop::{Rule, Stop};
use crate::words::run_id::RunId;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds of Unix time.
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What has happened. Nodes are named as on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A node was looked at, and its plan agreed to.
    Planned {
        /// The node.
        node: String,
    },
    /// A node was refused, or did not answer, before anything was agreed to.
    LeftOut {
        /// The node.
        node: String,
        /// Why, as a code.
        code: String,
        /// Why, in words.
        message: String,
    },
    /// A node is being staged, by a run of its own.
    Staging {
        /// The node.
        node: String,
        /// Its run.
        run: RunId,
    },
    /// It has all.
    Staged {
        /// The node.
        node: String,
    },
    /// A batch begins to jump.
    Batch {
        /// Its number; the canaries' is 0.
        number: usize,
        /// How many nodes it has.
        count: usize,
    },
    /// A node is about to be armed and to reboot.
    Jumping {
        /// The node.
        node: String,
    },
    /// A node was seen for the first time in this part of its jump.
    Stage {
        /// The node.
        node: String,
        /// Which system answers.
        stage: Part,
    },
    /// A node is its new system.
    Done {
        /// The node.
        node: String,
        /// How long each part took.
        times: Vec<Time>,
    },
    /// A node is not, and will not be.
    Failed {
        /// The node.
        node: String,
        /// Why, as a code.
        code: String,
        /// Why, in words.
        message: String,
        /// Whether it did not answer before anything was changed on it.
        apart: bool,
    },
    /// Nothing more is begun.
    Stopped {
        /// Why.
        rule: Rule,
        /// The same in words.
        message: String,
    },
    /// The fleet was taken up again.
    Resumed,
    /// Whoever conducted it has gone home.
    Over,
}

/// A part of a jump, by the system that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The jump system, which proves itself and replaces.
    Jump,
    /// The new system.
    New,
}

/// How long a part of a jump took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// Its name, as in [`Span`](crate::run::timeline::Span).
    pub name: String,
    /// How long.
    pub millis: u64,
}

/// What a journal says of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub state: State,
    /// Its run, if one was begun.
    pub run: Option<RunId>,
    /// Why it is no new system, if that is known: code and words.
    pub why: Option<(String, String)>,
    /// How long each part of its jump took.
    pub times: Vec<Time>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            state: State::Planned,
            run: None,
            why: None,
            times: Vec::new(),
        }
    }
}

/// The lines of a journal. One that was cut off, or is of a later version, says nothing.
pub fn entries(journal: &str) -> impl Iterator<Item = Entry> {
    let lines = journal.lines().map(serde_json::from_str);
    lines.filter_map(Result::ok)
}

/// What a journal comes to: each node that it names, and why the fleet was stopped, if it was and was not
/// taken up again.
pub fn replay(journal: &str) -> (BTreeMap<String, Known>, Option<Stop>) {
    let mut nodes: BTreeMap<String, Known> = BTreeMap::new();
    let mut stopped = None;
    for Entry { what, .. } in entries(journal) {
        match what {
            What::Planned { node } => {
                nodes.insert(node, Known::default());
            }
            What::Staging { node, run } => {
                let known = nodes.entry(node).or_default();
                *known = Known {
                    state: State::Staging,
                    run: Some(run),
                    ..Known::default()
                };
            }
            What::Staged { node } => nodes.entry(node).or_default().state = State::Staged,
            What::Jumping { node } => nodes.entry(node).or_default().state = State::Down,
            What::Done { node, times } => {
                let known = nodes.entry(node).or_default();
                (known.state, known.times) = (State::Ok, times);
            }
            What::LeftOut {
                node,
                code,
                message,
            }
            | What::Failed {
                node,
                code,
                message,
                ..
            } => {
                let known = nodes.entry(node).or_default();
                (known.state, known.why) = (State::Ko, Some((code, message)));
            }
            What::Stopped { rule, message: why } => stopped = Some(Stop { rule, why }),
            What::Resumed => stopped = None,
            What::Batch { .. } | What::Stage { .. } | What::Over => {}
        }
    }
    (nodes, stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_that_was_cut_off_says_where_each_node_was() {
        let run = RunId::new(7);
        let of = |name: &str| name.to_owned();
        let entries = [
            What::Planned { node: of("a") },
            What::Planned { node: of("b") },
            What::LeftOut {
                node: of("c"),
                code: of("unreachable"),
                message: of("no route"),
            },
            What::Staging {
                node: of("a"),
                run: run.clone(),
            },
            What::Staged { node: of("a") },
            What::Batch {
                number: 0,
                count: 1,
            },
            What::Jumping { node: of("a") },
        ];
        let mut text: String = entries
            .into_iter()
            .map(|what| serde_json::to_string(&Entry { at: 5, what }).unwrap() + "\n")
            .collect();
        text.push_str("{\"at\":6,\"event\":\"done\",\"node\":\"a");
        let (nodes, stopped) = replay(&text);
        assert_eq!(stopped, None);
        let states: Vec<_> = nodes.values().map(|known| known.state).collect();
        assert_eq!(states, [State::Down, State::Planned, State::Ko]);
        assert_eq!(nodes["a"].run, Some(run));
        assert!(text.contains(r#"{"at":5,"event":"left-out","node":"c""#));
        // The fleet was stopped before its turn came.
        let staged = What::Staged { node: of("a") };
        let put_back = serde_json::to_string(&Entry {
            at: 7,
            what: staged,
        })
        .unwrap();
        let (nodes, _) = replay(&format!("{text}\n{put_back}\n"));
        assert_eq!(nodes["a"].state, State::Staged);
    }
}
