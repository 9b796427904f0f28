//! What a fleet run promises, held against what its journal says and what happened in the world. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jumpspec::fleet::{Entry, Rule, What};

use super::service;
use crate::acted::{Change, Fault, Moment, State};

/// What is known of a run once it is over.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// All nodes.
    pub nodes: Vec<String>,
    /// The journal of the fleet.
    pub entries: Vec<Entry>,
    /// The sets, by their files' names.
    pub sets: BTreeMap<String, BTreeSet<String>>,
    /// The world's log.
    pub moments: Vec<Moment>,
    /// Where each node stands in truth.
    pub states: BTreeMap<String, State>,
    /// What goes wrong on which node.
    pub faults: BTreeMap<String, Fault>,
    /// `[fleet] down`, in nodes.
    pub down: usize,
    /// The nodes that go first.
    pub canaries: BTreeSet<String>,
    /// How `jumpimg` ended.
    pub code: Option<i32>,
}

/// The sets that are a partition.
const PARTS: [&str; 4] = ["ok", "ko", "untouched", "inflight"];

impl Evidence {
    /// Every promise that was broken, in words.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        self.counted_once(&mut broken);
        self.as_they_are(&mut broken);
        self.armed_as_journalled(&mut broken);
        self.none_armed_in_vain(&mut broken);
        self.canaries_first(&mut broken);
        let most = service::most_out(&self.moments, &self.entries);
        if most > self.down {
            broken.push(format!(
                "{most} nodes were out of service at once, not {}",
                self.down
            ));
        }
        let unknown = self.moments.iter().find(|it| it.change == Change::Unknown);
        broken.extend(
            unknown.map(|it| format!("{} was sent what no node knows: {}", it.node, it.text)),
        );
        broken
    }

    /// The same of a fleet that was to be refused before anything was begun.
    pub fn broken_refusal(&self) -> Vec<String> {
        let mut broken = Vec::new();
        // The refusals' exit status; docs of jumpimg.
        if self.code != Some(3) {
            broken.push(format!("it ended with {:?}, not 3", self.code));
        }
        let begun = self.moments.first().map(|it| it.node.clone());
        broken.extend(begun.map(|node| format!("{node} was begun, though all was refused")));
        broken
    }

    /// Why the fleet was stopped, if it was.
    pub fn stopped(&self) -> Option<Rule> {
        let mut entries = self.entries.iter().rev();
        entries.find_map(|entry| match &entry.what {
            What::Stopped { rule, .. } => Some(*rule),
            _ => None,
        })
    }

    /// The nodes of a set.
    pub fn set(&self, name: &str) -> impl Iterator<Item = &str> {
        let set = self.sets.get(name).into_iter().flatten();
        set.map(String::as_str)
    }

    fn counted_once(&self, broken: &mut Vec<String>) {
        for node in &self.nodes {
            let in_sets = PARTS
                .iter()
                .filter(|part| self.set(part).any(|it| it == node));
            let names: Vec<&str> = in_sets.copied().collect();
            if names.len() != 1 {
                broken.push(format!("{node} is counted as {names:?}"));
            }
        }
        let unknown = PARTS.iter().flat_map(|part| self.set(part));
        let unknown = unknown.filter(|node| !self.nodes.iter().any(|it| it == node));
        broken.extend(unknown.map(|node| format!("{node} is counted and none of the fleet")));
    }

    /// What the sets say is so.
    fn as_they_are(&self, broken: &mut Vec<String>) {
        for part in PARTS {
            for node in self.set(part) {
                let state = self.states.get(node).copied();
                let is_new = state == Some(State::Finished);
                let was_armed = self.was(node, Change::Armed);
                let wrong = match part {
                    "ok" => !is_new,
                    "ko" => is_new,
                    "untouched" => was_armed || state != Some(State::Old),
                    _ => true,
                };
                if wrong {
                    let armed = if was_armed { ", and was armed" } else { "" };
                    broken.push(format!(
                        "{node} is counted as {part}: it is {state:?}{armed}"
                    ));
                }
            }
        }
        if self.stopped().is_none() {
            let sound = |node: &&String| {
                let fault = self.faults.get(*node);
                matches!(fault, None | Some(Fault::Slow | Fault::BreaksInStaging))
            };
            let ok: BTreeSet<&str> = self.set("ok").collect();
            let lost = self
                .nodes
                .iter()
                .filter(sound)
                .filter(|it| !ok.contains(it.as_str()));
            broken.extend(lost.map(|node| format!("{node} is sound and not ok")));
        }
        let all_ok = self.set("ok").count() == self.nodes.len();
        let wanted = if all_ok { 0 } else { 4 };
        if self.code != Some(wanted) {
            broken.push(format!("it ended with {:?}, not {wanted}", self.code));
        }
    }

    fn was(&self, node: &str, change: Change) -> bool {
        let mut moments = self.moments.iter();
        moments.any(|moment| moment.node == node && moment.change == change)
    }

    /// What was armed stood in the journal before, and in none that was stopped.
    fn armed_as_journalled(&self, broken: &mut Vec<String>) {
        let jumping: BTreeMap<&str, u64> = self.jumping().collect();
        let arms = self.moments.iter().filter(|it| it.change == Change::Armed);
        for arm in arms {
            let at = jumping.get(arm.node.as_str());
            if at.is_none_or(|at| *at > arm.at) {
                broken.push(format!("{} was armed before the journal said so", arm.node));
            }
        }
        let mut stopped = None;
        for entry in &self.entries {
            match &entry.what {
                What::Stopped { rule, .. } => stopped = Some(*rule),
                What::Resumed => stopped = None,
                What::Jumping { node } => {
                    broken.extend(
                        stopped.map(|rule| format!("{node} was begun after the stop by {rule:?}")),
                    );
                }
                _ => {}
            }
        }
    }

    fn jumping(&self) -> impl Iterator<Item = (&str, u64)> {
        // The first of each counts.
        self.entries
            .iter()
            .rev()
            .filter_map(|entry| match &entry.what {
                What::Jumping { node } => Some((node.as_str(), entry.at)),
                _ => None,
            })
    }

    /// Whoever was armed was told to reboot, and not armed again after that.
    fn none_armed_in_vain(&self, broken: &mut Vec<String>) {
        let mut rebooted: BTreeSet<&str> = BTreeSet::new();
        for moment in &self.moments {
            let node = moment.node.as_str();
            match moment.change {
                Change::Disarmed => {
                    broken.push(format!("{node} was armed and never told to reboot"));
                }
                Change::Reboot => {
                    rebooted.insert(node);
                }
                Change::Armed if rebooted.contains(node) => {
                    broken.push(format!("{node} was armed again after its reboot"));
                }
                Change::TakenBack => {
                    rebooted.remove(node);
                }
                _ => {}
            }
        }
    }

    fn canaries_first(&self, broken: &mut Vec<String>) {
        let is_canary = |moment: &&Moment| self.canaries.contains(&moment.node);
        let first = self
            .moments
            .iter()
            .find(|it| it.change == Change::Armed && !is_canary(it));
        let Some(first) = first else { return };
        let sound = |node: &&String| {
            let mut moments = self.moments.iter().rev();
            moments
                .find(|it| it.node == **node && it.at <= first.at)
                .is_none_or(|it| it.change != Change::Finished)
        };
        let early = self.canaries.iter().find(sound);
        broken.extend(early.map(|canary| {
            format!(
                "{} was armed before the canary {canary} was confirmed",
                first.node
            )
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence() -> Evidence {
        let moment = |at, node: &str, change| Moment {
            at,
            node: node.to_owned(),
            change,
            text: String::new(),
        };
        let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
        let entry = |at, node: &str| Entry {
            at,
            what: What::Jumping {
                node: node.to_owned(),
            },
        };
        Evidence {
            nodes: vec!["a".to_owned(), "b".to_owned()],
            entries: vec![entry(9, "a"), entry(29, "b")],
            sets: [("ok".to_owned(), names(&["a", "b"]))].into(),
            moments: vec![
                moment(10, "a", Change::Armed),
                moment(11, "a", Change::Reboot),
                moment(20, "a", Change::Finished),
                moment(30, "b", Change::Armed),
                moment(31, "b", Change::Reboot),
                moment(40, "b", Change::Finished),
            ],
            states: [
                ("a".to_owned(), State::Finished),
                ("b".to_owned(), State::Finished),
            ]
            .into(),
            faults: BTreeMap::new(),
            down: 1,
            canaries: names(&["a"]),
            code: Some(0),
        }
    }

    #[test]
    fn a_run_that_keeps_all_promises_breaks_none() {
        assert_eq!(evidence().broken(), Vec::<String>::new());
    }

    #[test]
    fn each_broken_promise_is_told() {
        let told = |change: fn(&mut Evidence)| {
            let mut evidence = evidence();
            change(&mut evidence);
            evidence.broken().join("; ")
        };
        let untouched = told(|it| {
            let ok = it.sets.remove("ok").unwrap_or_default();
            it.sets.insert("untouched".to_owned(), ok);
        });
        assert!(
            untouched.contains("a is counted as untouched: it is Some(Finished), and was armed")
        );
        assert!(told(|it| it.sets.clear()).contains("a is counted as []"));
        assert!(told(|it| it.code = Some(4)).contains("it ended with Some(4), not 0"));
        assert!(told(|it| it.moments[2].at = 35).contains("before the canary a was confirmed"));
        assert!(told(|it| it.moments.swap(2, 4)).contains("2 nodes were out of service at once"));
        assert!(told(|it| it.entries.truncate(1)).contains("b was armed before the journal"));
        let late = told(|it| {
            let what = What::Stopped {
                rule: Rule::Same,
                message: String::new(),
            };
            it.entries.insert(1, Entry { at: 28, what });
        });
        assert!(
            late.contains("b was begun after the stop by Same"),
            "{late}"
        );
        let twice = told(|it| {
            let again = it.moments[3].clone();
            it.moments.push(Moment { at: 41, ..again });
        });
        assert!(twice.contains("b was armed again after its reboot"));
    }
}
