//! Lives side by side: each worker has a network of its own, lives a life and settles its cuts.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::Options;
use super::draw::Life;
use super::life::{Cut, Ground, live};
use super::report::Outcome;
use super::settle::settle;
use crate::interrupt::Interrupt;
use crate::small::{self, SmallWorld};
use crate::vm::Network;
use crate::workspace;

/// What namespaces and folders of ours are called; this process' id follows.
const PREFIX: &str = "cuts-";

/// A network for this process' worker `name`.
pub(super) fn network(name: &str) -> Result<Network> {
    Network::make(&ours(name))
}

fn ours(name: &str) -> String {
    format!("{PREFIX}{}-{name}", std::process::id())
}

/// Ends and removes what killed processes of this program have left.
pub(super) fn sweep() -> Result<()> {
    let stale = |rest: &str| {
        let id = rest.split('-').next().unwrap_or_default();
        !PathBuf::from("/proc").join(id).exists()
    };
    Network::sweep(PREFIX, stale)?;
    small::sweep(PREFIX, stale)
}

/// Seconds of processor time that programs we started have taken, as far as they were waited for.
pub(super) fn processor() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("cannot read the usage")?;
    let taken = usage.user_time() + usage.system_time();
    let taken = Duration::from_micros(u64::try_from(taken.num_microseconds())?);
    Ok(taken.as_secs_f64())
}

/// Lives all lives. Fails where one could not be lived; a lost node is an outcome.
pub(super) fn all(
    world: &SmallWorld,
    lives: Vec<Life<'_>>,
    options: &Options,
    interrupt: &Interrupt,
) -> Result<Vec<Outcome>> {
    let count: usize = lives.iter().map(|life| life.draws.len()).sum();
    let queue = Mutex::new(VecDeque::from(lives));
    let next = || queue.lock().ok()?.pop_front();
    let (outcomes, heard) = channel();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..=options.jobs.max(1))
            .map(|number| {
                let (outcomes, next) = (outcomes.clone(), &next);
                let worker = Worker {
                    name: ours(&number.to_string()),
                    world,
                    options,
                    interrupt,
                };
                scope.spawn(move || worker.run(next, &outcomes))
            })
            .collect();
        drop(outcomes);
        let mut all = Vec::new();
        for outcome in heard {
            all.push(outcome);
            eprintln!("{:>4}/{count}  {}", all.len(), all[all.len() - 1].line());
        }
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a worker panicked"))??;
        }
        Ok(all)
    })
}

struct Worker<'a> {
    name: String,
    world: &'a SmallWorld,
    options: &'a Options,
    interrupt: &'a Interrupt,
}

impl Worker<'_> {
    fn run<'a>(
        &self,
        next: &dyn Fn() -> Option<Life<'a>>,
        outcomes: &Sender<Outcome>,
    ) -> Result<()> {
        let network = Network::make(&self.name)?;
        while let Some(life) = next() {
            let cuts = live(
                &Ground {
                    world: self.world,
                    network: &network,
                    interrupt: self.interrupt,
                    name: &self.name,
                },
                &life,
            );
            self.interrupt.check()?;
            match cuts {
                Ok(cuts) => {
                    for cut in cuts {
                        outcomes.send(self.settle(&cut, &network)?)?;
                    }
                }
                // A node that does not even live without a cut is no better than a lost one.
                Err(error) => {
                    for draw in &life.draws {
                        outcomes.send(Outcome::unlived(draw, &error))?;
                    }
                }
            }
        }
        network.remove()
    }

    /// Settles a copy, so that a lost node can be looked at as it was.
    fn settle(&self, cut: &Cut<'_>, network: &Network) -> Result<Outcome> {
        let node = cut.node.copy(&format!("{}-again", self.name))?;
        let settled = settle(cut, &node, network, self.interrupt);
        self.interrupt.check()?;
        let mut outcome = Outcome::new(cut, settled);
        if self.options.keep || outcome.is_lost() {
            let folder = workspace::target("power-cuts").join(format!(
                "{}-{}",
                cut.draw.stage.name(),
                cut.draw.seed
            ));
            cut.node.keep(&folder.join("cut"))?;
            node.keep(&folder.join("end"))?;
            outcome.kept = Some(workspace::shown(&folder));
        }
        Ok(outcome)
    }
}
