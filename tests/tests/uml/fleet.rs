//! Six real nodes that one command takes from one system to another: a canary and two batches, with a power
//! cut, a disk that fails and a node that is off among them; and a fleet that ends at its canary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use jump_tests::machines::disk;
use jumplab::journey::{BOOT, Job, Push};
use jumplab::small::{Checkpoint, SmallNode, SmallWorld};
use jumplab::vm::loader::Choice;
use jumplab::vm::{Network, Role, Table, Uml, until};
use serde_json::Value;

/// All of a fleet.
const ALL: Duration = Duration::from_mins(20);
/// What the jump system says when it begins to unpack.
const UNPACKING: &str = "jump: unpack the new system";
/// How often a machine is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What happens to a machine besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Sound,
    /// Its power is cut while it unpacks, and comes back.
    PowerCut,
    /// From the middle of the new root on nothing can be written.
    DiskFails,
    /// It is off.
    Off,
}

/// A machine and the network that it is in.
struct Machine {
    name: &'static str,
    fate: Fate,
    small: SmallNode,
    network: Network,
}

impl Machine {
    fn install(world: &SmallWorld, test: &str, name: &'static str, fate: Fate) -> Result<Self> {
        let folder = format!("{test}-{name}");
        Ok(Self {
            name,
            fate,
            small: world.copy(&folder, Checkpoint::Fresh)?,
            network: Network::make(&folder)?,
        })
    }

    /// Boots what GRUB chooses, again and again, until it is `over`; how often each system was booted.
    fn run(&self, over: &AtomicBool) -> Result<Boots> {
        let mut boots = Boots::default();
        let mut fate = self.fate;
        while !over.load(Ordering::Relaxed) {
            let choice = self.small.choose()?.choice;
            boots.count(choice);
            let mut guest = self.small.start(&self.network, choice)?;
            while !guest.has_ended()? && !over.load(Ordering::Relaxed) {
                if choice == Choice::Jump && fate != Fate::Sound && says(&guest, UNPACKING)? {
                    self.strikes(&mut guest, fate)?;
                    fate = Fate::Sound;
                }
                std::thread::sleep(LOOK);
            }
            guest.kill()?;
        }
        Ok(boots)
    }

    fn strikes(&self, guest: &mut Uml<'_>, fate: Fate) -> Result<()> {
        match fate {
            Fate::PowerCut => guest.cut_power(),
            Fate::DiskFails => {
                let root = disk::place(&self.small.node, Role::Root)?;
                guest.fail_writes_from(root.start + (64 << 20))
            }
            Fate::Sound | Fate::Off => Ok(()),
        }
    }

    fn start<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        over: &'s AtomicBool,
    ) -> Option<ScopedJoinHandle<'s, Result<Boots>>> {
        (self.fate != Fate::Off).then(|| scope.spawn(move || self.run(over)))
    }
}

fn says(guest: &Uml<'_>, line: &str) -> Result<bool> {
    Ok(String::from_utf8_lossy(&guest.said(0)?).contains(line))
}

/// How often each system of a machine was booted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Boots {
    old: u32,
    jump: u32,
    new: u32,
}

impl Boots {
    fn count(&mut self, choice: Choice) {
        match choice {
            Choice::Old => self.old += 1,
            Choice::Jump => self.jump += 1,
            Choice::New => self.new += 1,
        }
    }
}

/// Six machines, and one admin host that reaches all of them.
struct Rack {
    machines: Vec<Machine>,
    /// The admin host's files.
    folder: PathBuf,
    job: Job,
    ssh_config: PathBuf,
}

impl Rack {
    fn install(test: &str, fates: [(&'static str, Fate); 6], job: &str) -> Result<Self> {
        let world = SmallWorld::prepare()?;
        let machines: Result<Vec<_>> = fates
            .into_iter()
            .map(|(name, fate)| Machine::install(&world, test, name, fate))
            .collect();
        let machines = machines?;
        let folder = machines[0].small.node.folder.join("admin");
        let (files, table) = (Job::write(&folder, Table::Small)?, job);
        files.append(table)?;
        let identity = &machines[0].small.node.identity;
        let hosts = machines
            .iter()
            .map(|machine| (machine.name, machine.network.proxy_command()));
        let ssh_config = identity.write_ssh_config_of(&folder, hosts)?;
        Ok(Self {
            machines,
            folder,
            job: files,
            ssh_config,
        })
    }

    /// Runs the machines while `command` is at work, which is begun when all that run answer; what it said,
    /// its exit code, and how often each machine was booted.
    fn conduct(&self, options: &[&str]) -> Result<Conducted> {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let running: Vec<_> = self
                .machines
                .iter()
                .map(|machine| (machine.name, machine.start(scope, &over)))
                .collect();
            let pushed = self.push(options);
            over.store(true, Ordering::Relaxed);
            let mut boots = BTreeMap::new();
            for (name, machine) in running {
                let Some(machine) = machine else { continue };
                let ended = machine.join().map_err(|_| anyhow!("a machine panicked"))?;
                boots.insert(name, ended.with_context(|| name.to_owned())?);
            }
            let (code, said) = pushed?;
            Ok(Conducted { code, said, boots })
        })
    }

    fn push(&self, options: &[&str]) -> Result<(Option<i32>, String)> {
        let on = || self.machines.iter().filter(|it| it.fate != Fate::Off);
        until("the machines answer", BOOT, || {
            let mut all = true;
            for machine in on() {
                all &= machine.network.greets()?;
            }
            Ok(all)
        })?;
        let nodes: Vec<&str> = self.machines.iter().map(|it| it.name).collect();
        let command = self.job.push_to(&self.ssh_config, options, &nodes);
        let mut push = Push::start(command, &self.folder.join("push.log"))?;
        let (ended, said) = push.wait(ALL)?;
        Ok((ended.code(), said))
    }

    /// The names in a set of its fleet.
    fn set(&self, name: &str) -> Result<String> {
        let text = std::fs::read_to_string(self.fleet()?.join(format!("{name}.nodes")))?;
        Ok(text.trim().to_owned())
    }

    fn fleet(&self) -> Result<PathBuf> {
        let mut fleets = std::fs::read_dir(self.job.state().join("fleets"))?;
        Ok(fleets.next().context("no fleet is kept")??.path())
    }

    fn journal(&self) -> Result<Vec<Value>> {
        let text = std::fs::read_to_string(self.fleet()?.join("journal"))?;
        let lines = text.lines().map(|line| Ok(serde_json::from_str(line)?));
        lines.collect()
    }

    fn remove(self) -> Result<()> {
        self.machines
            .into_iter()
            .try_for_each(|machine| machine.network.remove())
    }
}

struct Conducted {
    code: Option<i32>,
    said: String,
    boots: BTreeMap<&'static str, Boots>,
}

/// A canary, then two batches of two; what goes wrong with three of them is no pattern.
const COURSE: &str =
    "\n[fleet]\ncanary = ['n1']\nbatches = [2]\ndown = 2\nstop = { percent = 50, same = 2 }\n";

pub(crate) fn of_six() -> Result<()> {
    let fates = [
        ("n1", Fate::Sound),
        ("n2", Fate::PowerCut),
        ("n3", Fate::Sound),
        ("n4", Fate::DiskFails),
        ("n5", Fate::Sound),
        ("n6", Fate::Off),
    ];
    let rack = Rack::install("uml-fleet", fates, COURSE)?;
    let ended = rack.conduct(&["--yes"])?;
    let said = &ended.said;
    ensure!(ended.code == Some(4), "{:?}\n{said}", ended.code);
    let sets = ["ok", "ko", "untouched", "inflight"].map(|name| rack.set(name));
    let [ok, ko, untouched, inflight] = sets;
    ensure!(ok? == "n[1-3,5]", "{said}");
    ensure!(ko? == "n[4,6]", "{said}");
    ensure!(untouched?.is_empty() && inflight?.is_empty(), "{said}");
    for (name, expected) in [
        ("n1", (1, 1)),
        ("n2", (2, 1)),
        ("n3", (1, 1)),
        ("n5", (1, 1)),
    ] {
        let boots = ended.boots[name];
        ensure!(
            (boots.jump, boots.new) == expected,
            "{name}: {boots:?}\n{said}"
        );
    }
    ensure!(ended.boots["n4"].new == 0, "{:?}\n{said}", ended.boots);
    ensure!(
        said.contains("[unreachable]") && said.contains("[stuck-in-jump]"),
        "{said}"
    );
    in_order(&rack.journal()?)?;
    rack.remove()
}

/// All were staged before the canary was armed, the canary was done before any other was, and never more than
/// two were out of service.
fn in_order(journal: &[Value]) -> Result<()> {
    let at = |event: &str, node: &str| {
        journal
            .iter()
            .position(|line| line["event"] == event && line["node"] == node)
            .with_context(|| format!("no {event} of {node}"))
    };
    let canary = at("jumping", "n1")?;
    for node in ["n1", "n2", "n3", "n4", "n5"] {
        ensure!(at("staged", node)? < canary, "{node} was staged late");
        ensure!(
            node == "n1" || at("jumping", node)? > at("done", "n1")?,
            "{node} was early"
        );
    }
    let mut down = 0_i32;
    for line in journal {
        match line["event"].as_str() {
            Some("jumping") => down += 1,
            Some("done" | "failed") => down -= 1,
            _ => {}
        }
        ensure!(down <= 2, "{down} were out of service");
    }
    Ok(())
}

/// The new system has no sshd: the canary goes back to jump, and nobody else is armed.
pub(crate) fn of_a_broken_image() -> Result<()> {
    let fates = ["n1", "n2", "n3", "n4", "n5", "n6"].map(|name| (name, Fate::Sound));
    let job = "\n[fleet]\n\n[wait]\nhealth = '20s'\n\n[[hook]]\nat = 'restored'\nrun = 'no-sshd'\n";
    let rack = Rack::install("uml-canary", fates, job)?;
    no_sshd(&rack.folder)?;
    let ended = rack.conduct(&["--yes"])?;
    let said = &ended.said;
    ensure!(ended.code == Some(4), "{:?}\n{said}", ended.code);
    ensure!(rack.set("ko")? == "n1", "{said}");
    ensure!(rack.set("untouched")? == "n[2-6]", "{said}");
    ensure!(rack.set("staged")? == "n[2-6]", "{said}");
    ensure!(said.contains("stopped: a canary has failed"), "{said}");
    for (name, boots) in &ended.boots {
        let is_canary = *name == "n1";
        ensure!(boots.old == 1, "{name}: {boots:?}\n{said}");
        ensure!(is_canary == (boots.jump > 0), "{name}: {boots:?}\n{said}");
    }
    rack.remove()
}

fn no_sshd(folder: &Path) -> Result<()> {
    let script = "#!/bin/sh\nln -sf /dev/null /etc/systemd/system/ssh.service\n";
    Ok(std::fs::write(folder.join("no-sshd"), script)?)
}
