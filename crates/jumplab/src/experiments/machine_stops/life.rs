//! The journey that is stopped: it goes on after each stop, while another machine shows what that boots.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::Options;
use super::answer::answer;
use super::pace::Pace;
use super::report::Outcome;
use super::stop::Stop;
use super::story::Story;
use super::writes::{self, Tail, Writes};
use crate::interrupt::Interrupt;
use crate::journey::{BOOT, Job, Push};
use crate::vm::{Hardware, Machine, Node, Role, Victim};

/// What the node's folder is called.
const NAME: &str = "machine-stops";
/// How often the machine is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long the journey may take on a busy machine.
const LIMIT: Duration = Duration::from_hours(1);
/// The disks that wait for a machine at most: they take room. An instant that would add one passes.
const WAITING: usize = 8;
/// The first stop of a stretch is after one of so many writes of the store, or of the partition.
const FIRST_OF_STORE: u64 = 64;
const FIRST_OF_ESP: u64 = 4;

/// Lives a journey, and looks at what its stops boot.
pub(super) fn live(
    victim: &Victim,
    options: &Options,
    interrupt: &Interrupt,
) -> Result<Vec<Outcome>> {
    let node = victim.copy(NAME)?;
    let waiting = AtomicUsize::new(0);
    let (stops, stopped) = channel();
    std::thread::scope(|scope| {
        let looks = scope.spawn(|| {
            let mut outcomes = Vec::new();
            for stop in stopped {
                // A journey that was given up leaves nothing to be seen.
                interrupt.check()?;
                let outcome = Outcome::of(&stop, answer(&stop), options.keep)?;
                eprintln!("{}", outcome.line());
                outcomes.push(outcome);
                waiting.fetch_sub(1, Ordering::Relaxed);
            }
            Ok(outcomes)
        });
        let lived =
            Life::begin(&node, options).and_then(|mut life| life.live(&stops, &waiting, interrupt));
        drop(stops);
        let outcomes = looks.join().map_err(|_| anyhow!("a look panicked"))?;
        lived.context("the journey itself failed")?;
        outcomes
    })
}

struct Life<'a> {
    node: &'a Node,
    machine: Machine,
    push: Push,
    /// The EFI system partition, in bytes.
    esp: Range<u64>,
    trace: Tail,
    console: Tail,
    said: Tail,
    story: Story,
    /// The writes since the last step.
    after: Writes,
    paces: [Pace; 2],
}

impl<'a> Life<'a> {
    /// Starts the node and a push to it.
    fn begin(node: &'a Node, options: &Options) -> Result<Self> {
        let (trace, log) = (node.folder.join("trace.log"), node.folder.join("push.log"));
        let hardware = Hardware {
            more: writes::options(&trace),
            ..Hardware::default()
        };
        let mut machine = Machine::start(node, &hardware)?;
        machine.wait_for_ssh(BOOT)?;
        let mut tails = [&trace, machine.serial_log()].map(Tail::of);
        // What came before is the old system's boot.
        for tail in &mut tails {
            tail.lines()?;
        }
        let [trace, console] = tails;
        let job = Job::write(&node.folder, node.table)?;
        job.set("landing", "partition", "esp")?;
        let push = Push::start(job.push(machine.ssh_config(), &["--yes"]), &log)?;
        Ok(Self {
            node,
            machine,
            push,
            esp: node.table.place(Role::Esp).context("it has an ESP")?,
            trace,
            console,
            said: Tail::of(&log),
            story: Story::begin(),
            after: Writes::default(),
            paces: [
                Pace::new(options.seed, options.count, FIRST_OF_STORE),
                Pace::new(!options.seed, options.count, FIRST_OF_ESP),
            ],
        })
    }

    /// Lives to the end of the push, and hands over every stop.
    fn live(
        &mut self,
        stops: &Sender<Stop>,
        waiting: &AtomicUsize,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let (started, mut made) = (Instant::now(), 0);
        while !self.push.has_ended()? {
            interrupt.check()?;
            ensure!(started.elapsed() < LIMIT, "it came to no end");
            let writes = self.hear()?;
            let now = Instant::now();
            let [of_store, of_esp] = &mut self.paces;
            // Both take in what was written.
            let due = of_store.saw(writes.store, now) | of_esp.saw(writes.esp, now);
            if due && waiting.load(Ordering::Relaxed) < WAITING {
                made += 1;
                waiting.fetch_add(1, Ordering::Relaxed);
                stops.send(self.stop(made)?)?;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let (ended, said) = self.push.wait(BOOT)?;
        ensure!(ended.success(), "{ended}\n{said}");
        Ok(())
    }

    /// Takes in what has happened since; gives the writes.
    fn hear(&mut self) -> Result<Writes> {
        let mut writes = Writes::default();
        for line in self.trace.lines()? {
            writes.count(&line, &self.esp);
        }
        let before = self.story.step().to_owned();
        for line in self.said.lines()? {
            self.story.hear_push(&line);
        }
        for line in self.console.lines()? {
            self.story.hear(&line);
        }
        self.story.see(writes);
        if self.story.step() != before {
            self.after = Writes::default();
        }
        self.after.add(writes);
        Ok(writes)
    }

    /// Copies what the machine would leave if it was ended now.
    fn stop(&mut self, number: usize) -> Result<Stop> {
        let frozen = self.machine.freeze()?;
        // What it has said until it stood.
        self.hear()?;
        let node = self.node.copy(&format!("{NAME}-{number}"))?;
        frozen.thaw()?;
        Ok(Stop {
            number,
            who: self.story.who(),
            step: self.story.step().to_owned(),
            after: self.after,
            may_boot: self.story.may_boot(),
            node,
        })
    }
}
