//! Nodes whose plans have the same shape, which are shown once.

use std::collections::BTreeMap;

use jumpspec::fleet::shape;
use jumpspec::render;
use jumpspec::render::page::{Ink, Page};
use jumpspec::words::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::node::nodes::fold::folded;
use crate::node::phases::survey::Planned;

/// Nodes of one shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Which shape.
    pub(crate) shape: Digest,
    /// Which, folded.
    pub(crate) nodes: String,
    /// How many.
    pub(crate) count: usize,
    /// The plan of the first of them, with its disk before and after.
    pub(crate) plan: String,
    /// What is told of some of them, and not of the first: the nodes, and the words.
    pub(crate) notes: Vec<(String, String)>,
}

/// The groups of nodes, the largest first.
pub(crate) fn of<'p, 'a: 'p>(
    planned: impl IntoIterator<Item = (&'p str, &'p Planned<'a>)>,
) -> Vec<Group> {
    let mut alike: BTreeMap<_, Vec<(&str, &Planned<'_>)>> = BTreeMap::new();
    for (node, planned) in planned {
        let shape = shape(planned.plan(), planned.facts());
        alike.entry(shape).or_default().push((node, planned));
    }
    let groups = alike
        .iter()
        .filter_map(|(shape, nodes)| group(*shape, nodes));
    let mut groups: Vec<Group> = groups.collect();
    groups.sort_by(|a, b| (b.count, &a.nodes).cmp(&(a.count, &b.nodes)));
    groups
}

fn group(shape: Digest, nodes: &[(&str, &Planned<'_>)]) -> Option<Group> {
    let (_, first) = nodes.first()?;
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (node, planned) in nodes {
        for note in &planned.plan().notes {
            if !first.plan().notes.contains(note) {
                notes.entry(note).or_default().push(node);
            }
        }
    }
    Some(Group {
        shape,
        nodes: folded(nodes.iter().map(|(node, _)| *node)),
        count: nodes.len(),
        plan: render::plan(first.plan(), first.facts())
            .as_str()
            .to_owned(),
        notes: notes
            .into_iter()
            .map(|(note, nodes)| (folded(nodes), note.to_owned()))
            .collect(),
    })
}

/// A group as people see it.
pub(crate) fn shown(group: &Group) -> Page {
    let mut page = Page::default();
    let (count, nodes) = (group.count, &group.nodes);
    let like = if count == 1 {
        ""
    } else {
        ", as on the first of them"
    };
    page.marked(
        "",
        Ink::Bold,
        format_args!("{count}"),
        format_args!(" nodes: {nodes}{like}:"),
    );
    for line in group.plan.lines() {
        page.line(format_args!("  {line}"));
    }
    for (nodes, note) in &group.notes {
        page.line(format_args!("  note of {nodes}: {note}"));
    }
    page.blank();
    page
}
