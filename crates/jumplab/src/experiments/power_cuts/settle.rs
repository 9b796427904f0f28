//! Power is restored: boots what GRUB chooses, again and again, until the node has settled, and looks
//! whether it may settle so.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jumpsys::disk::partition::read_table;
use serde::Serialize;

use super::admin::{Admin, Comes, WAITS};
use super::leads::{is_rid_of_the_selector, leads_to_its_own_loader};
use super::life::Cut;
use super::moment::{COMPLETE, expected, is_confirmed};
use super::stage::End;
use crate::interrupt::Interrupt;
use crate::run;
use crate::small::SmallNode;
use crate::vm::loader::Choice;
use crate::vm::{Guest as _, Network, Role, SWAP_UUID, Uml};

/// More boots than these are a loop.
const MOST_BOOTS: u32 = 8;
/// How long one system may take to what it has to do. It takes a quarter of a minute at most; machines
/// that run this are busy.
const BOOT: Duration = Duration::from_mins(4);
/// How often a guest is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Whether the node is whole: it prints what is amiss.
const SOUND: &str = "cd /data && sha256sum --check --quiet SHA256SUMS 2>&1; \
    [ \"$(uname -n)\" = node07 ] || uname -n; \
    [ \"$(cat /root/notes.txt | wc -c)\" -gt 9 ] || echo no notes";
/// Prints the swap of a new system that has finished. On a busy machine the disk may have been seen too
/// late for it, so fstab gets a second chance.
const FINISHED: &str = "[ -e /var/log/jump/report.json ] && [ ! -e /usr/lib/jump ] \
    || { echo jump has not finished; exit; }; \
    swapon --all; swapon --noheadings --raw --show=UUID";

/// How a node settled.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Settled {
    pub(super) end: End,
    /// Systems that were booted.
    pub(super) boots: u32,
    /// From power to the first SSH server of whichever system, seconds.
    pub(super) ssh: f64,
    /// From power to the end, seconds.
    pub(super) whole: f64,
}

/// Boots the cut node, or rather a copy of it named `name`, until it settles. An error is a lost node,
/// whose end can be looked at in `keep`.
pub(super) fn settle(
    cut: &Cut<'_>,
    node: &SmallNode,
    network: &Network,
    interrupt: &Interrupt,
) -> Result<Settled> {
    let mut power = Power {
        on: Instant::now(),
        ssh: None,
    };
    let comes = Comes::drawn(cut.draw.seed);
    let mut admin = Admin::new((node, network), &node.plan()?, comes);
    if is_confirmed(&cut.course.moments, cut.moment) {
        leads_to_its_own_loader(node)?;
    }
    for boots in 1..=MOST_BOOTS {
        let choice = node.choose()?.choice;
        if boots == 1 {
            let may = expected(&cut.course.moments, cut.moment);
            ensure!(
                may.contains(&choice),
                "GRUB boots the {} system, which cannot be after this moment",
                choice.name()
            );
        }
        let mut guest = node.start(network, choice)?;
        let mut watch = Watch {
            node,
            admin: &mut admin,
            power: &mut power,
            interrupt,
        };
        let end = watch.boot(&mut guest, choice);
        let Some(end) = end.with_context(|| {
            let (system, said) = (choice.name(), admin.said());
            format!("boot {boots}: the {system} system; jumpimg resume said: {said:?}")
        })?
        else {
            continue;
        };
        if cut.by_kill {
            ask_jumpimg(node, &guest, end)?;
            if end == End::New {
                admin.sees_the_end()?;
            }
        }
        guest.kill()?;
        stays(node, end)?;
        ensure!(
            cut.stage().allows(end),
            "it must not end as {}",
            end.letter()
        );
        let seconds = |time: Duration| time.as_secs_f64();
        return Ok(Settled {
            end,
            boots,
            ssh: power.ssh.map(seconds).context("no SSH")?,
            whole: seconds(power.on.elapsed()),
        });
    }
    bail!("{MOST_BOOTS} boots, and it has not settled")
}

/// Since power was restored.
struct Power {
    on: Instant,
    /// How long until an SSH server greeted.
    ssh: Option<Duration>,
}

/// Who watches a node.
struct Watch<'s, 'a> {
    node: &'s SmallNode,
    admin: &'s mut Admin<'a>,
    power: &'s mut Power,
    interrupt: &'s Interrupt,
}

impl Watch<'_, '_> {
    /// Watches one boot to the node's end, or to the guest's: then the next system's turn comes.
    fn boot(&mut self, guest: &mut Uml<'_>, choice: Choice) -> Result<Option<End>> {
        let started = Instant::now();
        let mut problem = anyhow::anyhow!("no SSH");
        let mut goes_on = false;
        while !guest.has_ended()? {
            self.interrupt.check()?;
            if started.elapsed() > BOOT {
                let what = format!("not settled within {} s", BOOT.as_secs());
                return Err(problem.context(what).context(guest.console()));
            }
            if guest.offers_ssh()? {
                let power = &mut *self.power;
                power.ssh.get_or_insert_with(|| power.on.elapsed());
                let end = match choice {
                    Choice::Old => look_at_old(guest).map(Some),
                    Choice::Jump => self.look_at_jump(guest, &mut goes_on),
                    Choice::New if is_at_work(guest)? => Ok(None),
                    Choice::New => look_at_new(self.node, guest).map(Some),
                };
                match end {
                    Ok(Some(end)) => return Ok(Some(end)),
                    Ok(None) => problem = anyhow::anyhow!("it is still at work"),
                    // It may be on its way down.
                    Err(error) => problem = error,
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(None)
    }

    /// It is asked through jumpimg, which knows its host key. One that had given up and was told to go
    /// on has not settled.
    fn look_at_jump(&mut self, guest: &Uml<'_>, goes_on: &mut bool) -> Result<Option<End>> {
        let said = guest.said(0)?;
        let said = String::from_utf8_lossy(&said);
        *goes_on |= self.admin.hear(&said, guest)?;
        if *goes_on || !said.contains(WAITS) {
            return Ok(None);
        }
        ask_jumpimg(self.node, guest, End::Jump)?;
        Ok(Some(End::Jump))
    }
}

/// What `jumpimg status` may say of a node that has settled so. Asking takes three connections, so
/// one cut of each life is asked: that which was made by a SIGKILL.
fn says(end: End) -> &'static [&'static str] {
    match end {
        End::Old => &[r#""system":"old""#, r#""system":"none""#],
        End::Jump => &[r#""system":"jump""#],
        // It knows nothing of a run any more.
        End::New => &[r#""os":"Debian GNU/Linux 13"#],
    }
}

fn ask_jumpimg(node: &SmallNode, guest: &Uml<'_>, end: End) -> Result<()> {
    let status = node.job.status(guest.ssh_config());
    let said = run::capture(&mut guest.network().inside(&status))?;
    let known = says(end).iter().any(|answer| said.contains(answer));
    ensure!(known, "jumpimg status says of it: {said}");
    Ok(())
}

/// SSH checks the host key against the node's own.
fn look_at_old(guest: &Uml<'_>) -> Result<End> {
    let amiss = guest.ssh(SOUND)?;
    ensure!(
        amiss.is_empty(),
        "the old system is not what it was: {amiss}"
    );
    Ok(End::Old)
}

/// Whether jumpinit has something to do in this boot, which may be a reset: a connection hangs for half a
/// minute in one.
fn is_at_work(guest: &Uml<'_>) -> Result<bool> {
    let said = guest.said(0)?;
    let said = String::from_utf8_lossy(&said);
    Ok(said.contains("jump: ") && !said.contains(COMPLETE))
}

fn look_at_new(node: &SmallNode, guest: &Uml<'_>) -> Result<End> {
    let amiss = guest.ssh(&format!("{FINISHED}; {SOUND}"))?;
    let swap = node.node.table.partition(Role::Swap);
    ensure!(
        amiss.trim() == swap.map_or("", |_| SWAP_UUID),
        "the new system is not as it should be; its swap, and what is amiss: {amiss}"
    );
    Ok(End::New)
}

/// The next boot is no surprise: what the last one left is what GRUB boots again.
fn stays(node: &SmallNode, end: End) -> Result<()> {
    let (again, wanted) = (
        node.choose()?.choice,
        match end {
            End::Old => Choice::Old,
            End::Jump => Choice::Jump,
            End::New => Choice::New,
        },
    );
    ensure!(
        again == wanted,
        "it settled in the {} system, and the next boot is the {} one",
        wanted.name(),
        again.name()
    );
    if end == End::New {
        leads_to_its_own_loader(node)?;
        is_rid_of_the_selector(node)?;
        has_its_partitions(node)?;
    }
    Ok(())
}

/// Those of the plan, and none that was made for the run.
fn has_its_partitions(node: &SmallNode) -> Result<()> {
    let plan = node.plan()?;
    let landing = plan.landing;
    let mut wanted = plan.disk.after;
    wanted.retain(|it| !(landing.is_made() && it.number == landing.number));
    let table = read_table(&node.node.disk)?;
    ensure!(table.partitions() == wanted, "its table is {table:?}");
    Ok(())
}
