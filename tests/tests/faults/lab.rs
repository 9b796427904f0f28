//! A node with a fault: boots what GRUB chooses, again and again, until it has settled, and looks at it
//! through `jumpimg status`, whose SSH checks the host key.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumplab::experiments::faults::End;
use jumplab::run;
use jumplab::small::{Checkpoint, SmallNode, SmallWorld};
use jumplab::vm::loader::Choice;
use jumplab::vm::{Board, Guest as _, Network, Role, SWAP_UUID, Uml, until};
use jumpspec::render;
use jumpspec::run::failure::Failure;
use serde_json::Value;

/// More boots than these are a loop: jump, three tries of the new system or of the replacement, and
/// what comes then.
const MOST_BOOTS: usize = 8;
/// How long one system may take to what it has to do, on a busy machine.
pub(crate) const BOOT: Duration = Duration::from_mins(4);
/// From power-on to SSH, whatever lies between.
const BOUND: Duration = Duration::from_mins(6);
/// How often a guest is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What the jump system says when it stays.
pub(crate) const WAITS: &str = "the jump system stays up and waits";
/// A kernel that finds no root file system panics and reboots.
const NO_ROOT: &str = "/dev/nonexistent";
/// What [`jumplab::vm::loader`] says of a kernel with a wrong `root=`.
const WRONG_ROOT: &str = "there is no file system";
/// Prints what is amiss with the node's own things.
const SOUND: &str = "cd /data && sha256sum --check --quiet SHA256SUMS 2>&1; \
    [ \"$(uname -n)\" = node07 ] || uname -n; \
    grep -q Ada /root/notes.txt || echo no notes";

/// Prints the UUID of the swap in use, and what else is not as after a finished run.
const FINISHED: &str = "swapon --noheadings --raw --show=UUID; ls -d /usr/lib/jump 2>&-; \
    [ -e /var/log/jump/report.json ] || echo no report";

/// A node with a fault.
pub(crate) struct Lab {
    pub(crate) node: SmallNode,
    pub(crate) network: Network,
    /// The hardware of its old and its new system.
    pub(crate) board: Board,
    /// The hardware of its jump system.
    pub(crate) jump_board: Board,
    /// What is wrong, in words.
    pub(crate) fault: String,
}

/// Where a node has settled.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) end: End,
    /// From power-on to SSH.
    pub(crate) ssh: Duration,
    /// What was booted, in its order.
    pub(crate) booted: Vec<Choice>,
    /// The reason that it gives.
    pub(crate) reason: Option<String>,
    /// All that `jumpimg status` said.
    pub(crate) said: Value,
}

impl Lab {
    pub(crate) fn new(
        world: &SmallWorld,
        checkpoint: Checkpoint,
        name: &str,
        fault: &str,
    ) -> Result<Self> {
        let node = world.copy(name, checkpoint)?;
        let board = Board::of(&node.node);
        Ok(Self {
            network: Network::make(name)?,
            jump_board: board.clone(),
            board,
            node,
            fault: fault.to_owned(),
        })
    }

    /// What GRUB would boot; none is a kernel whose root file system is not there.
    fn choose(&self) -> Result<Option<Choice>> {
        match self.node.choose() {
            Ok(boot) => Ok(Some(boot.choice)),
            Err(error) if format!("{error:#}").contains(WRONG_ROOT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Starts a system on its hardware.
    pub(crate) fn start(&self, choice: Choice) -> Result<Uml<'_>> {
        let board = if choice == Choice::Jump {
            &self.jump_board
        } else {
            &self.board
        };
        self.node.start_on(&self.network, choice, board)
    }

    /// Starts what GRUB chooses, which is `choice`.
    pub(crate) fn boot(&self, choice: Choice) -> Result<Uml<'_>> {
        let chosen = self.node.choose()?;
        let (found, log) = (chosen.choice, &chosen.log);
        ensure!(
            found == choice,
            "GRUB boots the {} system:\n{log}",
            found.name()
        );
        self.start(choice)
    }

    /// Boots `choice` and cuts its power once it has said `line`, `after` that.
    pub(crate) fn cut(&self, choice: Choice, line: &str, after: Duration) -> Result<()> {
        let guest = self.boot(choice)?;
        until(line, BOOT, || said(&guest, line))?;
        std::thread::sleep(after);
        guest.kill()
    }

    /// Boots `choice` and lets it come to its end by itself.
    pub(crate) fn pass(&self, choice: Choice) -> Result<()> {
        self.boot(choice)?.wait_for_end(BOOT).map(drop)
    }

    /// Boots the node until it has settled.
    pub(crate) fn settle(&self) -> Result<Seen> {
        let power_on = Instant::now();
        let mut booted = Vec::new();
        while booted.len() < MOST_BOOTS {
            let chosen = self.choose()?;
            let choice = chosen.unwrap_or(Choice::New);
            booted.push(choice);
            let mut guest = match chosen {
                Some(choice) => self.start(choice)?,
                None => self.start_rootless()?,
            };
            let what = || format!("boot {}: the {} system", booted.len(), choice.name());
            let Some((end, said)) = self.watch(&mut guest, choice).with_context(what)? else {
                continue;
            };
            let ssh = power_on.elapsed();
            ensure!(ssh < BOUND, "it took {} s to SSH", ssh.as_secs());
            guest.kill()?;
            self.stays(choice)?;
            let reason = reason(&said);
            return Ok(Seen {
                end,
                ssh,
                booted,
                reason,
                said,
            });
        }
        bail!("it has not settled, after {booted:?}")
    }

    fn start_rootless(&self) -> Result<Uml<'_>> {
        let board = Board {
            root: Some(NO_ROOT.to_owned()),
            ..self.board.clone()
        };
        self.node.start_on(&self.network, Choice::New, &board)
    }

    /// Watches a boot to the node's end, or to the guest's.
    fn watch(&self, guest: &mut Uml<'_>, choice: Choice) -> Result<Option<(End, Value)>> {
        let started = Instant::now();
        let mut problem = anyhow::anyhow!("no SSH");
        while !guest.has_ended()? {
            if started.elapsed() > BOOT {
                let what = format!("not settled within {} s", BOOT.as_secs());
                return Err(problem.context(what).context(guest.console()));
            }
            let may_be_asked = choice != Choice::Jump || said(guest, WAITS)?;
            if may_be_asked && guest.offers_ssh()? {
                match self.look(guest, choice) {
                    Ok(Some(found)) => return Ok(Some(found)),
                    Ok(None) => problem = anyhow::anyhow!("it is still at work"),
                    // It may be on its way down.
                    Err(error) => problem = error,
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(None)
    }

    /// Asks the node; none is one that has still something to do.
    fn look(&self, guest: &Uml<'_>, choice: Choice) -> Result<Option<(End, Value)>> {
        let said = self.status(guest)?;
        let system = said["system"].as_str().unwrap_or_default();
        let end = match (choice, system) {
            (Choice::Old, "old" | "none") => End::Old,
            (Choice::Jump, "jump") => End::Jump,
            // It is over: nothing of a run is there any more, but for its report.
            (Choice::New, "none") => End::New,
            (Choice::New, "new") => return Ok(None),
            _ => bail!("in the {} system the status is {said}", choice.name()),
        };
        if end != End::Jump {
            let amiss = guest.ssh(SOUND)?;
            ensure!(amiss.is_empty(), "it is not the node it was: {amiss}");
        }
        if end == End::New {
            let left = guest.ssh(FINISHED)?;
            let swap = self.node.node.table.partition(Role::Swap);
            ensure!(
                left.trim() == swap.map_or("", |_| SWAP_UUID),
                "its swap, and what is left of jump: {left}"
            );
        }
        Ok(Some((end, said)))
    }

    /// What `jumpimg status --json` says.
    pub(crate) fn status(&self, guest: &Uml<'_>) -> Result<Value> {
        let status = self.node.job.status(guest.ssh_config());
        let said = run::capture(&mut self.network.inside(&status))?;
        Ok(serde_json::from_str(&said)?)
    }

    /// The next boots are no surprise.
    fn stays(&self, choice: Choice) -> Result<()> {
        for _ in 0..2 {
            let next = self.node.choose()?.choice;
            let (is, next) = (choice.name(), next.name());
            ensure!(
                is == next,
                "it settled in the {is} system, and the next boot is the {next} one"
            );
        }
        Ok(())
    }
}

/// Whether the guest has said `line` in this boot.
pub(crate) fn said(guest: &Uml<'_>, line: &str) -> Result<bool> {
    Ok(String::from_utf8_lossy(&guest.said(0)?).contains(line))
}

/// Why the last attempt failed, by the status.
fn reason(said: &Value) -> Option<String> {
    let failures = [&said["failure"], &said["journal"]["failure"]];
    failures.into_iter().find_map(|failure| {
        let failure: Failure = serde_json::from_value(failure.clone()).ok()?;
        Some(render::coded(&failure))
    })
}
