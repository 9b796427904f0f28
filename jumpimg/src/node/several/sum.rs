//! What several nodes come to: those that are done, and of the others which stand before the same
//! cause, as node sets.

use std::collections::{BTreeMap, BTreeSet};

use jumpspec::render::page::{Ink, Page};
use serde_json::{Map, Value, json};

use crate::error::{Exit, Trouble};
use crate::node::nodes::fold::folded;
use crate::terminal::print;
use crate::terminal::screen::Screen;

/// The outcomes of nodes.
pub(crate) struct Sum<'n> {
    nodes: &'n [String],
    /// Those that have come to something.
    told: BTreeSet<&'n str>,
    done: Vec<&'n str>,
    /// By exit and code: the nodes, and what the first of them said.
    others: BTreeMap<(&'static str, String), (Vec<&'n str>, String)>,
    exits: Vec<Result<(), Exit>>,
}

impl<'n> Sum<'n> {
    /// Of these nodes, none of which has come to anything yet.
    pub(crate) fn of(nodes: &'n [String]) -> Self {
        Self {
            nodes,
            told: BTreeSet::new(),
            done: Vec::new(),
            others: BTreeMap::new(),
            exits: Vec::new(),
        }
    }

    /// Takes what a node has come to.
    pub(crate) fn add(&mut self, node: &'n str, outcome: Result<(), Trouble>) {
        self.told.insert(node);
        self.exits
            .push(outcome.as_ref().map(drop).map_err(|trouble| trouble.exit));
        let Err(trouble) = outcome else {
            return self.done.push(node);
        };
        for cause in trouble.causes {
            let key = (word(trouble.exit), cause.code);
            let (nodes, _) = self
                .others
                .entry(key)
                .or_insert_with(|| (Vec::new(), cause.message));
            if nodes.last() != Some(&node) {
                nodes.push(node);
            }
        }
    }

    /// Those that were not come to.
    fn untouched(&self) -> Vec<&'n str> {
        let nodes = self.nodes.iter().map(String::as_str);
        nodes.filter(|node| !self.told.contains(node)).collect()
    }

    /// Tells it, where there are several nodes.
    pub(crate) fn tell(&self, json: bool, screen: &Screen) -> Result<(), Trouble> {
        if self.nodes.len() < 2 {
            return Ok(());
        }
        if json {
            return screen.print(|| print::json_line(&self.object()));
        }
        screen.tell(&self.page());
        Ok(())
    }

    fn object(&self) -> Value {
        let others = self
            .others
            .iter()
            .map(|((outcome, code), (nodes, message))| {
                json!({
                    "outcome": outcome, "code": code, "count": nodes.len(),
                    "nodes": folded(nodes.iter().copied()), "message": message,
                })
            });
        let untouched = self.untouched();
        Value::Object(Map::from_iter([
            ("event".to_owned(), json!("nodes")),
            ("count".to_owned(), json!(self.nodes.len())),
            ("done".to_owned(), json!(folded(self.done.iter().copied()))),
            ("others".to_owned(), others.collect()),
            (
                "untouched".to_owned(),
                json!(folded(untouched.iter().copied())),
            ),
        ]))
    }

    fn page(&self) -> Page {
        let mut page = Page::default();
        let whom = folded(self.done.iter().copied());
        let counted = format!("{} of {} nodes", self.done.len(), self.nodes.len());
        let whom = if whom.is_empty() {
            whom
        } else {
            format!(": {whom}")
        };
        page.marked("", Ink::Bold, "done", format_args!(": {counted}{whom}"));
        self.write_reasons(&mut page);
        let untouched = self.untouched();
        if !untouched.is_empty() {
            let whom = folded(untouched.iter().copied());
            let told = format_args!(": {}: {whom}", untouched.len());
            page.marked("", Ink::Bold, "untouched", told);
        }
        page
    }

    /// What stands before those that are not done, by its causes.
    pub(crate) fn reasons(&self) -> Page {
        let mut page = Page::default();
        self.write_reasons(&mut page);
        page
    }

    fn write_reasons(&self, page: &mut Page) {
        for ((outcome, code), (nodes, message)) in &self.others {
            let count = nodes.len();
            let whom = folded(nodes.iter().copied());
            let told = format_args!(": {count}: {whom}: {message} [{code}]");
            page.marked("", Ink::BoldRed, outcome, told);
        }
    }

    /// The one's own exit code, 3 when all were refused, 4 when only some are done.
    pub(crate) fn exit(&self) -> Result<(), Trouble> {
        let exits = &self.exits;
        let first = exits.iter().find_map(|exit| exit.err());
        let Some(first) = first else {
            return if self.untouched().is_empty() {
                Ok(())
            } else {
                Err(Trouble::told(Exit::SomeNodes))
            };
        };
        let all = |wanted: Exit| exits.iter().all(|exit| *exit == Err(wanted));
        let exit = match exits.as_slice() {
            _ if exits.contains(&Err(Exit::Interrupted)) => Exit::Interrupted,
            [_] => first,
            _ if all(Exit::Refused) => Exit::Refused,
            _ => Exit::SomeNodes,
        };
        Err(Trouble::told(exit))
    }
}

/// How an outcome is told.
fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Refused => "refused",
        Exit::Interrupted => "interrupted",
        Exit::Failed | Exit::Usage | Exit::SomeNodes => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(exit: Exit, code: &str) -> Result<(), Trouble> {
        Err(Trouble::new(exit, code, format!("why {code}")))
    }

    fn names(count: usize) -> Vec<String> {
        (1..=count).map(|n| format!("node{n:02}")).collect()
    }

    #[test]
    fn one_refused_of_two_is_a_run_that_some_did_not_finish() {
        let exit = |outcomes: Vec<Result<(), Trouble>>| {
            let nodes = names(outcomes.len());
            let mut sum = Sum::of(&nodes);
            for (node, outcome) in nodes.iter().zip(outcomes) {
                sum.add(node, outcome);
            }
            sum.exit().map_err(|trouble| trouble.exit)
        };
        let refused = || trouble(Exit::Refused, "x");
        assert_eq!(exit(vec![Ok(()), refused()]), Err(Exit::SomeNodes));
        assert_eq!(exit(vec![refused(), refused()]), Err(Exit::Refused));
        assert_eq!(exit(vec![trouble(Exit::Failed, "x")]), Err(Exit::Failed));
        assert_eq!(exit(vec![Ok(()), Ok(())]), Ok(()));
    }

    #[test]
    fn nodes_before_the_same_cause_are_told_together() {
        let nodes = names(9);
        let mut sum = Sum::of(&nodes);
        for (at, node) in nodes[..8].iter().enumerate() {
            sum.add(
                node,
                match at {
                    2 | 3 | 6 => trouble(Exit::Refused, "landing-too-small"),
                    7 => trouble(Exit::Interrupted, "interrupted"),
                    _ => Ok(()),
                },
            );
        }
        let page = anstream::adapter::strip_str(sum.page().as_str()).to_string();
        insta::assert_snapshot!(page, @"
        done: 4 of 9 nodes: node[01-02,05-06]
        interrupted: 1: node08: why interrupted [interrupted]
        refused: 3: node[03-04,07]: why landing-too-small [landing-too-small]
        untouched: 1: node09
        ");
        insta::assert_json_snapshot!(sum.object());
    }
}
