//! The windows: the stretches of a journey in which the next boot changes hands.

use std::ops::Range;

use anyhow::{Context as _, Result};

use super::log::Log;
use super::story::{Says, Story, first_write};

/// Flushes before and behind a turn that belong to its window.
const MARGIN: usize = 3;

/// A stretch of a journey.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Its name: the stage of faults.md.
    pub(super) name: &'static str,
    /// The epochs in it, as [`Log::epochs`] counts them.
    pub(super) epochs: Range<usize>,
    /// The epoch of the write that it is about.
    pub(super) turn: usize,
    /// Whether the jump system has one try in it, and the old one is booted after that.
    pub(super) jumps_once: bool,
}

/// Where things are on the disk, in sectors.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The landing partition.
    pub(super) landing: Range<u64>,
    /// The first sector of the first partition.
    pub(super) partitions: u64,
    /// The disk's end.
    pub(super) end: u64,
}

/// Finds the windows.
pub(super) fn windows(log: &Log, story: &Story, places: &Places) -> Result<Vec<Window>> {
    let state = |from, word: &str, what: &str| {
        story.turn(
            from,
            what,
            |says| matches!(says, Says::State(state, _) if state == word),
        )
    };
    let epochs = log.epochs();
    let of = |at: usize| epochs.partition_point(|epoch| epoch.end < at);
    let missing = |what: &str| format!("the log shows no {what}");
    let arm = story.turns.first().with_context(|| missing("arming"))?.at;
    let window = |name, first: usize, last: usize, turn: usize| Window {
        name,
        epochs: of(first)..of(last) + 2,
        turn: of(turn),
        jumps_once: turn == arm,
    };
    let last_write = |before: usize, sectors: Range<u64>| {
        let writes = log
            .writes(0..before)
            .filter(|(_, write)| write.touches(&sectors));
        writes.last().map(|(at, _)| at)
    };

    let core = last_write(arm, story.selector..story.selector + 1);
    let core = core.with_context(|| missing("core image of the selector"))?;
    let spent = state(arm, "old", "try that is spent")?;
    let commit = state(spent, "jump", "commit")?;
    let replace = [
        0..1,
        places.partitions..places.landing.start,
        places.landing.end..places.end,
    ]
    .iter()
    .filter_map(|sectors| first_write(log, commit, sectors))
    .min()
    .with_context(|| missing("replacement"))?;
    let place = first_write(log, commit, &(1..story.selector));
    let place = place.with_context(|| missing("core image of the new system"))?;
    let attempt = state(place, "try", "try")?;
    let tried = story.turn(attempt + 1, "try that is spent", |_| true)?;
    let confirm = story.turn(tried, "confirmation", |says| {
        *says == Says::Sector(story.standard)
    })?;
    let swap = last_write(
        log.entries().len(),
        places.landing.start..places.landing.start + 8,
    );
    let swap = swap.with_context(|| missing("swap made again"))?;
    let mut confirmed = window("confirm", confirm, confirm, confirm);
    confirmed.epochs = confirmed.epochs.start.saturating_sub(MARGIN)..confirmed.epochs.end + MARGIN;
    let mut finish = window("finish", swap, swap, swap);
    finish.epochs = confirmed.epochs.end..epochs.len();
    let mut commit = window("commit", commit, replace, commit);
    commit.epochs.start = commit.epochs.start.saturating_sub(MARGIN);
    let windows = vec![
        window("arm", core, spent, arm),
        commit,
        window("new loader", place, tried, attempt),
        confirmed,
        finish,
    ];
    Ok(windows
        .into_iter()
        .map(|mut window| {
            window.epochs.end = window.epochs.end.min(epochs.len());
            window
        })
        .collect())
}

/// The epochs and windows of a node that sends no flush while in a window: each is one epoch.
pub(super) fn without_flushes(
    epochs: &[Range<usize>],
    windows: Vec<Window>,
) -> (Vec<Range<usize>>, Vec<Window>) {
    let (mut merged, mut next) = (Vec::new(), 0);
    let mut renumbered = Vec::new();
    for window in windows {
        let Range { start, end } = window.epochs.start.max(next)..window.epochs.end;
        let Some(within) = epochs.get(start..end).filter(|within| !within.is_empty()) else {
            continue;
        };
        merged.extend_from_slice(&epochs[next..start]);
        let number = merged.len();
        merged.push(within[0].start..within[within.len() - 1].end);
        renumbered.push(Window {
            epochs: number..number + 1,
            turn: number,
            ..window
        });
        next = end;
    }
    merged.extend_from_slice(&epochs[next..]);
    (merged, renumbered)
}

#[cfg(test)]
mod tests {
    use super::{Window, without_flushes};

    #[test]
    fn a_window_without_flushes_is_one_epoch() {
        let epochs = [0..2, 3..4, 5..6, 7..9];
        let window = Window {
            name: "commit",
            epochs: 1..3,
            turn: 2,
            jumps_once: false,
        };
        let (epochs, windows) = without_flushes(&epochs, vec![window]);
        assert_eq!(epochs, [0..2, 3..6, 7..9]);
        assert_eq!((windows[0].epochs.clone(), windows[0].turn), (1..2, 1));
    }
}
