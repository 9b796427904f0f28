//! What can be read without a script, and printed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jumpspec::fleet::State;
use jumpspec::fleet::lanes::{End, Lane, Phase};
use jumpspec::fleet::slowest::{Slowest, slowest as slowest_parts};
use jumpspec::render::seconds;

use super::{Links, Node, Told, clock};
use crate::html::escaped;
use crate::node::nodes::fold::folded;

/// So many nodes are named that took longest for a part of their way.
const SLOWEST: usize = 10;
/// So many failed nodes stand one by one: a page of more is not read, and the timeline has them all.
const FAILED: usize = 200;

/// A table; each head says whether numbers stand below it.
fn table(class: &str, heads: &[(&str, bool)], rows: impl IntoIterator<Item = String>) -> String {
    let mut html = format!("<div class=\"scroll\"><table class=\"{class}\"><thead><tr>");
    for (head, is_number) in heads {
        let class = if *is_number { " class=\"n\"" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(html, "<th scope=\"col\"{class}>{head}</th>");
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in rows {
        let _ = writeln!(html, "<tr>{row}</tr>");
    }
    html + "</tbody></table></div>\n"
}

fn section(title: &str, body: &str) -> String {
    format!("<section><h2>{title}</h2>\n{body}</section>\n")
}

fn set<'n>(nodes: impl IntoIterator<Item = &'n str>) -> String {
    let nodes = escaped(&folded(nodes));
    format!("<td><div class=\"set\">{nodes}</div></td>")
}

/// Which nodes are where.
pub(super) fn counts(told: &Told, links: &Links) -> String {
    let names = &told.record.nodes;
    let rows = told.sets.named().map(|(name, of)| {
        let words = match name {
            "ok" => "run their new system",
            "ko" => "do not, for a reason",
            "untouched" => "run their old system, as ever",
            "inflight" => "are on their way",
            _ => "of the untouched: have all, and wait",
        };
        let nodes = of.iter().filter_map(|node| names.get(*node));
        format!(
            "<th scope=\"row\"><a href=\"{}{name}.nodes\">{name}</a></th><td class=\"n\">{}</td><td>{words}</td>{}",
            escaped(&links.fleet),
            of.len(),
            set(nodes.map(String::as_str))
        )
    });
    let heads = [
        ("Set", false),
        ("Nodes", true),
        ("They", false),
        ("Which", false),
    ];
    table("counts", &heads, rows)
}

/// Nodes before the same cause.
#[derive(Default)]
struct Reason<'a> {
    nodes: Vec<&'a str>,
    words: BTreeSet<&'a str>,
    phases: BTreeMap<Option<Phase>, usize>,
}

fn end(node: &Node<'_>) -> End {
    let end = node.lane.and_then(|lane| lane.end);
    end.map_or(End::Failed, |(_, end)| end)
}

fn word(end: End) -> &'static str {
    match end {
        End::LeftOut => "left out",
        End::Apart => "unreachable",
        End::Failed | End::Done => "failed",
    }
}

fn phase(phase: Option<Phase>) -> &'static str {
    match phase {
        None => "the survey",
        Some(Phase::Staging) => "staging",
        Some(Phase::Waiting) => "waiting, staged",
        Some(Phase::Reboot) => "a reboot",
        Some(Phase::Jump) => "the jump system",
        Some(Phase::New) => "the new system",
    }
}

/// Those that are not their new system, and will not be, with code and words.
fn failures(told: &Told) -> impl Iterator<Item = (Node<'_>, &str, &str)> {
    told.nodes().filter_map(|node| {
        let (code, words) = node.known?.why.as_ref()?;
        (node.state() == State::Ko).then_some((node, code.as_str(), words.as_str()))
    })
}

/// Why nodes are not their new system, folded by the codes.
pub(super) fn reasons(told: &Told) -> String {
    let mut reasons: BTreeMap<(End, &str), Reason<'_>> = BTreeMap::new();
    for (node, code, words) in failures(told) {
        let reason = reasons.entry((end(&node), code)).or_default();
        reason.nodes.push(node.name);
        reason.words.insert(words);
        let last = node.lane.and_then(Lane::last);
        *reason.phases.entry(last).or_default() += 1;
    }
    if reasons.is_empty() {
        return String::new();
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, reason)| Reverse(reason.nodes.len()));
    let rows = reasons.into_iter().map(|((end, code), reason)| {
        let phases = reason.phases.iter();
        let phases = phases.map(|(last, count)| format!("{} {count}", phase(*last)));
        let more = match reason.words.len() {
            0 | 1 => String::new(),
            count => format!(" <span class=\"soft\">(one of {count} wordings)</span>"),
        };
        format!(
            "<th scope=\"row\">{}</th><td>{}</td><td class=\"n\">{}</td><td>{}</td><td class=\"words\">{}{more}</td>{}",
            escaped(code),
            word(end),
            reason.nodes.len(),
            phases.collect::<Vec<_>>().join(", "),
            escaped(reason.words.first().unwrap_or(&"")),
            set(reason.nodes)
        )
    });
    let heads = [
        ("Code", false),
        ("Outcome", false),
        ("Nodes", true),
        ("In", false),
        ("Words", false),
        ("Which", false),
    ];
    section("Reasons", &table("reasons", &heads, rows))
}

/// The failed nodes one by one, with their logs.
pub(super) fn failed(told: &Told, links: &Links) -> String {
    let all = failures(told).count();
    if all == 0 {
        return String::new();
    }
    let rows = failures(told).take(FAILED).map(|(node, code, words)| {
        let lane = node.lane;
        let at = lane.and_then(|lane| lane.end).map(|(at, _)| clock(at));
        let run = node.known.and_then(|known| known.run.as_ref());
        let log = run.map(|run| {
            let log = format!("{run}/{}", jumpspec::places::EVENTS_NAME);
            format!("<a href=\"{}{log}\">{run}</a>", escaped(&links.runs))
        });
        let (name, code) = (escaped(node.name), escaped(code));
        format!(
            "<th scope=\"row\" data-node=\"{name}\">{name}</th><td>{code}</td><td>{}</td><td class=\"words\">{}</td><td class=\"time\">{}</td><td class=\"run\">{}</td>",
            phase(lane.and_then(Lane::last)),
            escaped(words),
            at.unwrap_or_default(),
            log.unwrap_or_else(|| "–".to_owned())
        )
    });
    let heads = [
        ("Node", false),
        ("Code", false),
        ("In", false),
        ("Words", false),
        ("When", false),
        ("Log", false),
    ];
    let mut body = table("failed", &heads, rows);
    if all > FAILED {
        let _ = writeln!(body, "<p class=\"quiet\">And {} more.</p>", all - FAILED);
    }
    section("Nodes that are not their new system", &body)
}

/// Who took longest for what.
pub(super) fn slowest(told: &Told) -> String {
    let parts = slowest_parts(&told.picture, &told.known, SLOWEST);
    if parts.is_empty() {
        return String::new();
    }
    let parts: String = parts.iter().map(part).collect();
    section(
        "Slowest stages",
        &format!("<div class=\"parts\">\n{parts}</div>\n"),
    )
}

fn part(part: &Slowest<'_>) -> String {
    let Slowest {
        part: name,
        count,
        median,
        nodes,
    } = part;
    let rows = nodes.iter().map(|(node, millis)| {
        let (node, tenths) = (escaped(node), millis.saturating_mul(10) / (*median).max(1));
        format!(
            "<th scope=\"row\" data-node=\"{node}\">{node}</th><td class=\"n\">{}</td><td class=\"n\">{}.{} ×</td>",
            seconds(*millis),
            tenths / 10,
            tenths % 10
        )
    });
    let heads = [("Node", false), ("Time", true), ("Median", true)];
    format!(
        "<div class=\"part\"><h3>{name}</h3><p class=\"quiet\">median {} of {count} nodes</p>{}</div>\n",
        seconds(*median),
        table("slowest", &heads, rows)
    )
}

/// The plans, once for all nodes that have the same.
pub(super) fn groups(told: &Told) -> String {
    let mut html = String::new();
    for (number, group) in (1..).zip(&told.groups) {
        let plan = anstream::adapter::strip_str(&group.plan).to_string();
        let (nodes, first) = match group.count {
            1 => ("node", ""),
            _ => ("nodes", "; as on the first of them"),
        };
        let _ = write!(
            html,
            "<article class=\"group\"><h3>{number}: {} {nodes}{first}</h3><p class=\"set\">{}</p><pre>{}</pre>",
            group.count,
            escaped(&group.nodes),
            escaped(&plan)
        );
        for (nodes, note) in &group.notes {
            let (nodes, note) = (escaped(nodes), escaped(note));
            let _ = write!(
                html,
                "<p class=\"note\"><span class=\"set\">{nodes}</span>: {note}</p>"
            );
        }
        html.push_str("</article>\n");
    }
    if html.is_empty() {
        return html;
    }
    section("Plans, with the disk before and after", &html)
}
