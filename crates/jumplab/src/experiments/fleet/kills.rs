//! SIGKILL for jumpimg at drawn instants of a fleet, which somebody takes up again then.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
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

/// Kills so often in the time that the fleet takes, each time in another world of the same kind.
pub(super) fn kills(
    scenario: &Scenario,
    (seed, count): (u64, usize),
    jumpimg: &Path,
) -> Result<Vec<Kill>> {
    let interrupt = Interrupt::listen()?;
    let whole = scenario.trial.push(jumpimg)?;
    let seconds = whole.cost.seconds;
    let (broken, kept) = whole.verdict();
    if let Some(kept) = kept {
        anyhow::bail!(
            "without a kill: {} (see {})",
            broken.join("; "),
            kept.display()
        );
    }
    eprintln!("without a kill it takes {seconds:.1} s");
    let mut random = SplitMix::new(seed);
    let whole = u64::try_from(Duration::from_secs_f64(seconds).as_millis())?;
    let mut kills = Vec::new();
    for number in 0..count {
        interrupt.check()?;
        let millis = random.draw() % whole.max(1);
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
        eprintln!(
            "{} of {count}: after {millis} ms: {}",
            number + 1,
            verdict(&kill)
        );
        kills.push(kill);
    }
    Ok(kills)
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
            text += &format!("broken: killed after {} ms: {broken}\n", kill.millis);
        }
    }
    text
}
