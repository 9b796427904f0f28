//! Whether the new system is sound: its network, its sshd, the units that the job names. All
//! waits together end when the boot is as old as the job allows. Only looks.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jumpsys::cmd::Program;

use crate::context::Context;
use crate::reporter::uptime_ms;

/// How often a unit is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long systemctl may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Network, sshd and the job's units are sound, within the deadline.
pub(crate) fn check(cx: &mut Context) -> Result<()> {
    let planned = cx.plan.network.as_ref();
    crate::prove::wait_for_network(
        planned.filter(|network| network.target.is_some()),
        time_left(cx),
    )?;
    crate::prove::wait_for_sshd(cx.plan.ssh_port, time_left(cx))?;
    for unit in &cx.plan.health.units {
        wait_for_unit(unit, time_left(cx))?;
    }
    Ok(())
}

/// How long this boot may still take to be confirmed.
pub(crate) fn time_left(cx: &Context) -> Duration {
    let age = Duration::from_millis(uptime_ms());
    cx.plan.wait.health.0.saturating_sub(age)
}

fn wait_for_unit(unit: &str, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let too_late = Instant::now() > deadline;
        // systemd may be too busy to answer.
        let state = match ask(unit) {
            Err(error) if too_late => return Err(error),
            answer => answer.unwrap_or_default(),
        };
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
    let shown = Program::new("/usr/bin/systemctl")
        .args(["show", "--property=LoadState,ActiveState,SubState", "--"])
        .arg(unit)
        .timeout(ANSWER_LIMIT)
        .run()
        .with_context(|| format!("cannot ask systemd about {unit}"))?;
    Ok(UnitState::parse(&shown.stdout_text()))
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
    fn any_kind_of_unit_counts_when_it_is_active() {
        let shown = "LoadState=loaded\nActiveState=active\nSubState=exited\n";
        assert_eq!(verdict(shown), Verdict::Active);
    }
}
