//! How far a fleet is, for Prometheus: a file that node_exporter's textfile collector reads.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use jumpspec::fleet::Sets;
use jumpspec::words::run_id::RunId;
use jumpsys::files::atomic::write_atomic;

/// The collector is another user.
const MODE: u32 = 0o644;

/// Replaces the file. The collector sees the old one or the new one, never a part.
pub(super) fn write(file: &Path, run: &RunId, sets: &Sets, is_stopped: bool) -> Result<()> {
    let text = text(run, sets, is_stopped);
    Ok(write_atomic(file, text.as_bytes(), MODE)?)
}

/// The text exposition format of Prometheus. Here those that are staged are no part of the untouched: the
/// states add up.
fn text(run: &RunId, sets: &Sets, is_stopped: bool) -> String {
    let mut text = String::from(
        "# HELP jump_fleet_nodes Nodes of a fleet by what has become of them.\n# TYPE jump_fleet_nodes gauge\n",
    );
    for (state, nodes) in sets.named() {
        let mut count = nodes.len();
        if state == "untouched" {
            count -= sets.staged.len();
        }
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "jump_fleet_nodes{{fleet=\"{run}\",state=\"{state}\"}} {count}"
        );
    }
    let _ = writeln!(
        text,
        "# HELP jump_fleet_stopped Whether nothing more is begun.\n# TYPE jump_fleet_stopped gauge\njump_fleet_stopped{{fleet=\"{run}\"}} {}",
        u8::from(is_stopped)
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::fleet::State;

    #[test]
    fn the_states_of_all_nodes_add_up() {
        let states = [
            State::Ok,
            State::Ok,
            State::Ko,
            State::Down,
            State::Planned,
            State::Staged,
            State::Staged,
        ];
        let sets = Sets::of(&states);
        insta::assert_snapshot!(text(&RunId::new(7), &sets, true), @r#"
        # HELP jump_fleet_nodes Nodes of a fleet by what has become of them.
        # TYPE jump_fleet_nodes gauge
        jump_fleet_nodes{fleet="0000000000000007",state="ok"} 2
        jump_fleet_nodes{fleet="0000000000000007",state="ko"} 1
        jump_fleet_nodes{fleet="0000000000000007",state="untouched"} 1
        jump_fleet_nodes{fleet="0000000000000007",state="inflight"} 1
        jump_fleet_nodes{fleet="0000000000000007",state="staged"} 2
        # HELP jump_fleet_stopped Whether nothing more is begun.
        # TYPE jump_fleet_stopped gauge
        jump_fleet_stopped{fleet="0000000000000007"} 1
        "#);
    }
}
