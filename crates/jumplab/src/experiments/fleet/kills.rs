//! SIGKILL for jumpimg at drawn instants of a fleet, which somebody takes up again then.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use serde::Serialize;

use super::scenario::Scenario;
use crate::interrupt::Interrupt;
use crate::random::SplitMix;
use crate::table::Table;

/// What came of a kill.
#[derive(Debug, Serialize)]
pub(super) struct Kill {
    /// When it was, since the push began.
    millis: u64,
    /// Seconds that the rest took.
    rest: f64,
    ok: usize,
    ko: usize,
    untouched: usize,
    /// Why it was stopped, if it was.
    stopped: Option<String>,
    /// Every promise that was broken.
    broken: Vec<String>,
    /// Where its files are, if one was.
    kept: Option<String>,
}

impl Kill {
    /// Whether a promise was broken.
    pub(super) fn is_bad(&self) -> bool {
        !self.broken.is_empty()
    }
}

/// How often to kill, and how.
#[derive(Clone, Copy, Debug)]
pub struct Kills {
    /// Nodes of each fleet.
    pub nodes: usize,
    /// How often.
    pub count: usize,
    /// So many fleets at once.
    pub jobs: usize,
}

/// Kills in the time that the fleet takes, each time in another world of the same kind.
pub(super) fn kills(
    scenario: &Scenario,
    (seed, kills): (u64, Kills),
    jumpimg: &Path,
) -> Result<Vec<Kill>> {
    let interrupt = Interrupt::listen()?;
    let whole = scenario.trial.push(jumpimg)?;
    let seconds = whole.cost.seconds;
    let (broken, kept) = whole.verdict();
    if let Some(kept) = kept {
        bail!(
            "without a kill: {} (see {})",
            broken.join("; "),
            kept.display()
        );
    }
    eprintln!("without a kill it takes {seconds:.1} s");
    let mut random = SplitMix::new(seed);
    let whole = u64::try_from(Duration::from_secs_f64(seconds).as_millis())?;
    let instants: Vec<u64> = (0..kills.count)
        .map(|_| random.draw() % whole.max(1))
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<()> {
        while let Some(millis) = instants.get(next.fetch_add(1, Ordering::Relaxed)) {
            interrupt.check()?;
            let kill = kill(scenario, *millis, jumpimg)?;
            eprintln!("after {millis} ms: {}", verdict(&kill));
            done.lock()
                .map_err(|_| anyhow!("another kill panicked"))?
                .push(kill);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..kills.jobs).map(|_| scope.spawn(work)).collect();
        let mut ended = workers.into_iter().map(thread::ScopedJoinHandle::join);
        ended.try_for_each(|ended| ended.map_err(|_| anyhow!("a kill panicked"))?)
    })?;
    let mut kills = done.into_inner().map_err(|_| anyhow!("a kill panicked"))?;
    kills.sort_by_key(|kill| kill.millis);
    Ok(kills)
}

fn kill(scenario: &Scenario, millis: u64, jumpimg: &Path) -> Result<Kill> {
    let ended = scenario
        .trial
        .push_killed(jumpimg, Duration::from_millis(millis))?;
    let size = |set: &str| ended.evidence.set(set).count();
    let mut kill = Kill {
        millis,
        rest: ended.cost.seconds,
        ok: size("ok"),
        ko: size("ko"),
        untouched: size("untouched"),
        stopped: ended.evidence.stopped().map(|rule| format!("{rule:?}")),
        broken: Vec::new(),
        kept: None,
    };
    let (broken, kept) = ended.verdict();
    kill.broken = broken;
    kill.kept = kept.map(|kept| kept.display().to_string());
    Ok(kill)
}

fn verdict(kill: &Kill) -> String {
    match (kill.broken.first(), &kill.kept) {
        (Some(broken), Some(kept)) => format!("{broken} (see {kept})"),
        _ => "all promises kept".to_owned(),
    }
}

/// As a table.
pub(super) fn text(kills: &[Kill]) -> String {
    let mut table = Table::new(
        1,
        &[
            "killed after s",
            "rest s",
            "ok",
            "ko",
            "untouched",
            "broken",
        ],
    );
    for kill in kills {
        table.row(vec![
            format!("{:.1}", Duration::from_millis(kill.millis).as_secs_f64()),
            format!("{:.1}", kill.rest),
            kill.ok.to_string(),
            kill.ko.to_string(),
            kill.untouched.to_string(),
            kill.broken.len().to_string(),
        ]);
    }
    let mut text = table.text();
    for kill in kills.iter().filter(|kill| kill.is_bad()) {
        for broken in &kill.broken {
            // Writing to a string cannot fail.
            writeln!(text, "broken: killed after {} ms: {broken}", kill.millis).ok();
        }
    }
    text
}
