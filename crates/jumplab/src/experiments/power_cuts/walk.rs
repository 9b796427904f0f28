//! A node's life: boots what GRUB chooses, again and again, and follows which moment of its jump it has
//! come to. Whoever walks along looks at every step of a few milliseconds, and may stop it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use jumpspec::run::event::{Event, What};
use jumpspec::step::Stage;

use super::admin::{Admin, Comes};
use super::moment::{ARMED, Moment, Sign, need};
use crate::interrupt::Interrupt;
use crate::journey::Push;
use crate::small::{Checkpoint, SmallNode};
use crate::vm::loader::Choice;
use crate::vm::{Network, Uml};

/// How often the node is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// How long a life may take on a busy machine; it takes a quarter of a minute.
const LIMIT: Duration = Duration::from_mins(6);
/// How long the old system may take to SSH.
const BOOT: Duration = Duration::from_mins(2);
/// How long a node is watched after its last word.
const AFTER: Duration = Duration::from_secs(1);

/// Where a life is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// The moment's index; none before the first.
    pub(super) moment: Option<usize>,
    /// Since when.
    pub(super) begun: Instant,
}

/// What becomes of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// It goes on.
    On,
    /// Its power is cut.
    Cut,
}

/// A node that lives, in a network, by the moments that it is expected to come to.
pub(super) struct Walk<'a> {
    pub(super) node: &'a SmallNode,
    pub(super) network: &'a Network,
    pub(super) checkpoint: Checkpoint,
    pub(super) moments: &'a [Moment],
    pub(super) interrupt: &'a Interrupt,
}

impl Walk<'_> {
    /// Lives to the last moment and a little longer, unless `look` ends it. `look` gets the running
    /// guest, and a way to learn the position anew once that stands still.
    pub(super) fn live(
        &self,
        mut look: impl FnMut(&Uml<'_>, Position, &mut dyn FnMut() -> Result<Position>) -> Result<Then>,
    ) -> Result<Position> {
        let started = Instant::now();
        let mut trail = Trail {
            moments: self.moments,
            position: Position {
                moment: None,
                begun: started,
            },
        };
        let mut admin = self.admin()?;
        loop {
            let choice = self.node.choose()?.choice;
            let mut guest = self.node.start(self.network, choice)?;
            trail.meet(&Sign::Power(choice));
            let push = match choice {
                Choice::Old => Some(self.push(&mut guest)?),
                Choice::Jump | Choice::New => None,
            };
            let mut read = 0;
            while !guest.has_ended()? {
                self.interrupt.check()?;
                if started.elapsed() > LIMIT {
                    bail!("a life without a cut came to no end");
                }
                let heard = self.hear(&guest, &mut read, &mut trail)?;
                if let Some(admin) = &mut admin {
                    admin.hear(&heard, &guest)?;
                }
                let position = trail.position;
                let mut again = || {
                    self.hear(&guest, &mut read, &mut trail)?;
                    Ok(trail.position)
                };
                let then = look(&guest, position, &mut again)?;
                if then == Then::Cut || trail.is_over() {
                    guest.cut_power()?;
                    self.hear(&guest, &mut read, &mut trail)?;
                    push.map_or(Ok(()), Push::end)?;
                    return Ok(trail.position);
                }
                std::thread::sleep(LOOK_EVERY);
            }
            self.hear(&guest, &mut read, &mut trail)?;
            if let Some(push) = push {
                push.end()?;
                return Ok(trail.position);
            }
        }
    }

    /// Who sends an image that a jump system in memory waits for. Before there is one there is no plan.
    fn admin(&self) -> Result<Option<Admin<'_>>> {
        match self.checkpoint {
            Checkpoint::Fresh => Ok(None),
            Checkpoint::Armed => {
                let plan = self.node.plan()?;
                let admin = Admin::new((self.node, self.network), &plan, Comes::InTime);
                Ok(Some(admin))
            }
        }
    }

    /// The admin pushes, once the old system can be reached.
    fn push(&self, old: &mut Uml<'_>) -> Result<Push> {
        old.wait_for_ssh(BOOT)?;
        let push = self.node.job.push(old.ssh_config(), &["--yes"]);
        Push::start(
            self.network.inside(&push),
            &self.node.node.folder.join("push.log"),
        )
    }

    /// Takes in what the node has said since, and gives it.
    fn hear(&self, guest: &Uml<'_>, read: &mut u64, trail: &mut Trail<'_>) -> Result<String> {
        let mut bytes = match self.checkpoint {
            Checkpoint::Fresh => events(&self.node.run_folder(), *read)?,
            Checkpoint::Armed => guest.said(*read)?,
        };
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(whole.map_or(0, |end| end + 1));
        *read += bytes.len() as u64;
        let heard = String::from_utf8_lossy(&bytes).into_owned();
        for line in heard.lines() {
            let line = match self.checkpoint {
                Checkpoint::Fresh => event_line(line),
                Checkpoint::Armed => console_line(line),
            };
            if let Some(line) = line {
                trail.meet(&Sign::Line(line));
            }
        }
        Ok(heard)
    }
}

/// The moments that were come to.
struct Trail<'a> {
    moments: &'a [Moment],
    position: Position,
}

impl Trail<'_> {
    /// A sign that belongs to a later moment leads there.
    fn meet(&mut self, sign: &Sign) {
        let next = self.position.moment.map_or(0, |moment| moment + 1);
        let later = self.moments.iter().enumerate().skip(next);
        let met = later.into_iter().find(|(_, moment)| moment.sign == *sign);
        if let Some((index, _)) = met {
            self.position = Position {
                moment: Some(index),
                begun: Instant::now(),
            };
        }
    }

    fn is_over(&self) -> bool {
        self.position.moment == self.moments.len().checked_sub(1)
            && matches!(self.moments.last(), Some(last) if last.sign != Sign::Line(ARMED.to_owned()))
            && self.position.begun.elapsed() > AFTER
    }
}

/// What jumpimg has noted of the run so far, from the byte `from` on.
fn events(run: &Path, from: u64) -> Result<Vec<u8>> {
    let path = run.join("events.jsonl");
    match std::fs::read(&path) {
        Ok(mut bytes) => Ok(bytes.split_off(bytes.len().min(usize::try_from(from)?))),
        // There is none before the plan is made.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The line that an event of the old system stands for.
fn event_line(line: &str) -> Option<String> {
    let event: Event = serde_json::from_str(line).ok()?;
    match event.what {
        What::Begin { task } => Some(task.to_string()),
        What::Need { image, .. } => Some(need(&image.to_string())),
        // Staging is complete before.
        What::Complete if event.stage == Stage::Armed => Some(ARMED.to_owned()),
        _ => None,
    }
}

/// What jumpinit says in a line of the console, which others write to as well.
fn console_line(line: &str) -> Option<String> {
    let (_, said) = line.split_once("jump: ")?;
    Some(said.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{console_line, event_line};

    #[test]
    fn jumpinit_is_heard_among_others() {
        let line = "[ OK ] Started x.jump: install GRUB\r";
        assert_eq!(console_line(line).as_deref(), Some("install GRUB"));
        assert_eq!(console_line("[ OK ] Started jump"), None);
    }

    #[test]
    fn an_event_in_jumpimg_s_notes_is_a_line() {
        let noted =
            r#"{"event":"begin","node":"n","stage":"stage","step":"extract","uptime_ms":1}"#;
        assert_eq!(event_line(noted).as_deref(), Some("unpack the new system"));
        let noted = r#"{"event":"complete","node":"n","stage":"armed","uptime_ms":1}"#;
        assert_eq!(event_line(noted).as_deref(), Some("armed"));
        let noted = r#"{"event":"complete","node":"n","stage":"stage","uptime_ms":1}"#;
        assert_eq!(event_line(noted), None);
    }
}
