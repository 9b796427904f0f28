//! Whether the new system is sound: its network, its sshd, the units that the job names; and
//! whether it is still the node that it was made. All waits together end when the boot is as
//! old as the job allows. Only looks.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumpspec::places::SYSTEMCTL;
use jumpsys::cmd::Program;
use jumpsys::kernel::system::uptime_ms;

use crate::run::context::Context;

/// How often a unit is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a unit may stay failed before nothing more is expected of it: what starts one anew
/// besides systemd, such as ifupdown's hooks for sshd, does so within seconds of the network.
const FAILED_FOR: Duration = Duration::from_secs(10);
/// The names of sshd's units: Debian's, and everybody else's.
const SSHD: [&str; 4] = ["ssh.service", "sshd.service", "ssh.socket", "sshd.socket"];
/// How long the rest of the boot is waited for before the node's identity is looked at: what
/// changes it may come late. Half of what is left, if that is less.
const SETTLE_LIMIT: Duration = Duration::from_mins(2);
/// How long systemctl may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Network, sshd and the job's units are sound, within the deadline; then the node is who it
/// was.
pub(crate) fn check(cx: &mut Context) -> Result<()> {
    let planned = cx.plan.network.as_ref();
    crate::steps::reachable::wait_for_network(
        planned.filter(|network| network.target.is_some()),
        time_left(cx),
    )?;
    wait_for_sshd(cx)?;
    for unit in &cx.plan.health.units {
        wait_for_unit(unit, time_left(cx))?;
    }
    settle(cx);
    crate::steps::identity::check(cx, time_left(cx))
}

/// Waits until all that starts at boot has been started, within bounds.
fn settle(cx: &mut Context) {
    let deadline = Instant::now() + SETTLE_LIMIT.min(time_left(cx) / 2);
    loop {
        let state = show(&["--property=SystemState"]).unwrap_or_default();
        if has_settled(&state) {
            return;
        }
        if Instant::now() > deadline {
            cx.reporter.note(
                "the boot of the new system was not over when it was looked at: something may change it later",
            );
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Whether nothing of the boot is left to do (systemctl(1), `is-system-running`).
fn has_settled(shown: &str) -> bool {
    let state = shown
        .lines()
        .find_map(|line| line.strip_prefix("SystemState="));
    state.is_some_and(|state| !matches!(state, "" | "initializing" | "starting"))
}

/// How long this boot may still take to be confirmed.
pub(crate) fn time_left(cx: &Context) -> Duration {
    let age = Duration::from_millis(uptime_ms());
    cx.plan.wait.health.0.saturating_sub(age)
}

/// Waits until sshd answers, or its unit has failed and stays so.
fn wait_for_sshd(cx: &Context) -> Result<()> {
    let mut since = [None; SSHD.len()];
    loop {
        let left = time_left(cx);
        let answer = crate::steps::reachable::wait_for_sshd(cx.plan.ssh_port, left.min(LOOK_EVERY));
        if answer.is_ok() || left.is_zero() {
            return answer;
        }
        for (unit, since) in SSHD.iter().zip(&mut since) {
            // systemd may be too busy to answer.
            refuse_failed(unit, &ask(unit).unwrap_or_default(), since)?;
        }
    }
}

fn wait_for_unit(unit: &str, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    let mut since = None;
    loop {
        let too_late = Instant::now() > deadline;
        // systemd may be too busy to answer.
        let state = match ask(unit) {
            Err(error) if too_late => return Err(error),
            answer => answer.unwrap_or_default(),
        };
        refuse_failed(unit, &state, &mut since)?;
        match state.judge() {
            Verdict::Active => return Ok(()),
            Verdict::Never => bail!("{unit} cannot be started: it is {}", state.load),
            Verdict::NotYet if too_late => bail!(
                "{unit} is {} ({}) when the new system has to be sound",
                state.active,
                state.sub
            ),
            Verdict::NotYet => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// Refuses a unit that has been failed for [`FAILED_FOR`]; `since` is when it was first seen so.
/// One that systemd starts again by itself is `activating` meanwhile.
fn refuse_failed(unit: &str, state: &UnitState, since: &mut Option<Instant>) -> Result<()> {
    if state.active != "failed" {
        *since = None;
        return Ok(());
    }
    let since = since.get_or_insert_with(Instant::now);
    ensure!(
        since.elapsed() < FAILED_FOR,
        "{unit} has failed, and nothing starts it again"
    );
    Ok(())
}

/// What systemd says of a unit (systemctl(1), `show`).
#[derive(Debug, Default, PartialEq, Eq)]
struct UnitState {
    load: String,
    active: String,
    sub: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Active,
    NotYet,
    Never,
}

impl UnitState {
    fn parse(shown: &str) -> Self {
        let value = |name: &str| {
            let line = shown.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or("unknown").to_owned()
        };
        Self {
            load: value("LoadState="),
            active: value("ActiveState="),
            sub: value("SubState="),
        }
    }

    fn judge(&self) -> Verdict {
        match (self.load.as_str(), self.active.as_str()) {
            (_, "active") => Verdict::Active,
            ("not-found" | "masked" | "bad-setting" | "error", _) => Verdict::Never,
            _ => Verdict::NotYet,
        }
    }
}

fn ask(unit: &str) -> Result<UnitState> {
    let shown = show(&["--property=LoadState,ActiveState,SubState", "--", unit])
        .with_context(|| format!("cannot ask systemd about {unit}"))?;
    Ok(UnitState::parse(&shown))
}

/// What `systemctl show` says.
fn show(arguments: &[&str]) -> Result<String> {
    let shown = Program::new(Path::new("/").join(SYSTEMCTL))
        .arg("show")
        .args(arguments)
        .timeout(ANSWER_LIMIT)
        .run()?;
    Ok(shown.stdout_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(shown: &str) -> Verdict {
        UnitState::parse(shown).judge()
    }

    #[test]
    fn a_unit_that_is_not_there_is_not_waited_for() {
        let shown = "LoadState=not-found\nActiveState=inactive\nSubState=dead\n";
        assert_eq!(verdict(shown), Verdict::Never);
        let shown = "LoadState=masked\nActiveState=inactive\nSubState=dead\n";
        assert_eq!(verdict(shown), Verdict::Never);
    }

    #[test]
    fn a_unit_that_starts_or_has_failed_may_still_come() {
        for active in ["activating", "failed", "inactive"] {
            let shown = format!("LoadState=loaded\nActiveState={active}\nSubState=x\n");
            assert_eq!(verdict(&shown), Verdict::NotYet, "{active}");
        }
        assert_eq!(verdict(""), Verdict::NotYet);
    }

    #[test]
    fn a_unit_that_stays_failed_is_told_at_once_and_not_at_the_deadline() {
        let state = |active: &str| UnitState {
            active: active.to_owned(),
            ..UnitState::default()
        };
        let mut since = None;
        refuse_failed("a.service", &state("failed"), &mut since).unwrap();
        since = since.and_then(|since| since.checked_sub(FAILED_FOR));
        let refused = refuse_failed("a.service", &state("failed"), &mut since);
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("a.service has failed")
        );
        refuse_failed("a.service", &state("activating"), &mut since).unwrap();
        assert_eq!(since, None, "one that is started again begins anew");
    }

    #[test]
    fn a_boot_is_over_once_nothing_is_left_to_start() {
        for state in ["running", "degraded"] {
            assert!(has_settled(&format!("SystemState={state}\n")), "{state}");
        }
        for state in ["initializing", "starting", ""] {
            assert!(!has_settled(&format!("SystemState={state}\n")), "{state}");
        }
        assert!(!has_settled(""));
    }

    #[test]
    fn any_kind_of_unit_counts_when_it_is_active() {
        let shown = "LoadState=loaded\nActiveState=active\nSubState=exited\n";
        assert_eq!(verdict(shown), Verdict::Active);
    }
}
