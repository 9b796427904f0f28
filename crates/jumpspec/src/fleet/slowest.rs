//! Which nodes took longest for which part of their way.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::entry::{Known, Time};
use super::lanes::{Lane, Picture, is_whole};

/// The parts of a way, in order.
const PARTS: [&str; 7] = [
    "staging",
    "reboot into jump",
    "prove",
    "replace",
    "reboot into the new system",
    "confirm",
    "out of service",
];

/// One part of the way of all nodes that have it behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slowest<'a> {
    /// Its name.
    pub part: &'static str,
    /// How many nodes have it behind them.
    pub count: usize,
    /// What half of them took at most, in milliseconds.
    pub median: u64,
    /// Those that took longest, the slowest first, each with its time in milliseconds.
    pub nodes: Vec<(&'a str, u64)>,
}

/// The parts of a node's way that are behind it, each with its time in milliseconds.
pub fn parts(lane: &Lane, times: &[Time]) -> Vec<(&'static str, u64)> {
    let mut has_left_jump = false;
    let mut parts: Vec<_> = lane
        .staging()
        .map(|time| ("staging", time))
        .into_iter()
        .collect();
    for Time { name, millis } in times.iter().filter(|time| !is_whole(&time.name)) {
        let name = match name.as_str() {
            "reboot" if has_left_jump => "reboot into the new system",
            "reboot" => "reboot into jump",
            other => other,
        };
        has_left_jump |= name == "replace";
        if let Some(part) = PARTS.into_iter().find(|part| *part == name) {
            parts.push((part, *millis));
        }
    }
    parts.extend(lane.out_of_service().map(|time| ("out of service", time)));
    parts
}

/// Of each part that some node has behind it, the `most` nodes that took longest.
pub fn slowest<'a>(
    picture: &'a Picture,
    known: &BTreeMap<String, Known>,
    most: usize,
) -> Vec<Slowest<'a>> {
    let mut all: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
    for (node, lane) in &picture.lanes {
        let times = known.get(node).map_or(&[][..], |known| &known.times);
        for (part, millis) in parts(lane, times) {
            all.entry(part).or_default().push((node, millis));
        }
    }
    let known = PARTS.into_iter().filter_map(|part| {
        let mut nodes = all.remove(part)?;
        nodes.sort_by_key(|(_, millis)| Reverse(*millis));
        let count = nodes.len();
        let (_, median) = *nodes.get(count / 2)?;
        nodes.truncate(most);
        Some(Slowest {
            part,
            count,
            median,
            nodes,
        })
    });
    known.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::entry::replay;

    #[test]
    fn each_part_has_its_slowest_and_what_half_of_the_nodes_took() {
        let line = |at: u64, node: u64, rest: &str| {
            format!("{{\"at\":{at},\"node\":\"n{node}\",{rest}}}\n")
        };
        let nodes = || 1..=5_u64;
        let begun = nodes().map(|node| {
            line(
                10,
                node,
                &format!(r#""event":"staging","run":"{node:016x}""#),
            )
        });
        let staged = nodes().map(|node| line(10 + node, node, r#""event":"staged""#));
        let jumping = nodes().map(|node| line(100, node, r#""event":"jumping""#));
        let done = nodes().map(|node| {
            let times = [
                ("stage", 1),
                ("reboot", node * 10),
                ("replace", 100 - node),
                ("reboot", 7),
                ("of a later version", 9),
                ("total", 1),
            ];
            let times =
                times.map(|(name, millis)| format!(r#"{{"name":"{name}","millis":{millis}}}"#));
            line(
                300,
                node,
                &format!(r#""event":"done","times":[{}]"#, times.join(",")),
            )
        });
        let journal: String = begun.chain(staged).chain(jumping).chain(done).collect();
        let picture = Picture::of(&journal, None);
        let (known, _) = replay(&journal);
        let found = slowest(&picture, &known, 2);
        let of = |part, median, nodes: [(&'static str, u64); 2]| Slowest {
            part,
            count: 5,
            median,
            nodes: nodes.to_vec(),
        };
        assert_eq!(
            found,
            [
                of("staging", 3, [("n5", 5), ("n4", 4)]),
                of("reboot into jump", 30, [("n5", 50), ("n4", 40)]),
                of("replace", 97, [("n1", 99), ("n2", 98)]),
                of("reboot into the new system", 7, [("n1", 7), ("n2", 7)]),
                of("out of service", 200, [("n1", 200), ("n2", 200)]),
            ]
        );
        assert_eq!(slowest(&Picture::default(), &known, 2), []);
    }
}
