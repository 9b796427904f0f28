//! The whole journey by `jumpimg push`, with the checks that the demo makes. The one of an MBR disk is
//! recorded, and its writes are replayed in other orders.

use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use jumplab::experiments::write_order::{self, Options, Recording};
use jumplab::journey::{self, BOOT, Portrait};
use jumplab::vm::{Hardware, Machine, Node, Table, Victim};

use crate::armed::Down;
use crate::{dry_run, one_processor, updates};

/// From the start of the jump system to the end of the push, on a busy machine.
const JUMP: Duration = Duration::from_mins(18);

/// The journey that was recorded in this run, until it is replayed. Locked while it is under way.
static RECORDED: Mutex<Option<Recording>> = Mutex::new(None);
/// Where it led to, until that is upgraded.
static ARRIVED: Mutex<Option<Arrived>> = Mutex::new(None);

/// A node with its new system, switched off.
struct Arrived {
    node: Node,
    /// The node as it was.
    before: Portrait,
}

/// p1 /boot, p2 swap, p3 /, p4 /data; the selector lies in the MBR gap.
pub(crate) fn mbr() -> Result<()> {
    record(&mut RECORDED.lock().expect("no test panics with it"))
}

fn record(recorded: &mut Option<Recording>) -> Result<()> {
    let recording = Recording::prepare(&Victim::prepare(Table::Mbr)?, "journey-mbr")?;
    let before = journey(&recording.node, recording.hardware())?;
    // The disk itself belongs to the record of its writes.
    let node = recording.node.copy("journey-mbr-later")?;
    *ARRIVED.lock().expect("no test panics with it") = Some(Arrived { node, before });
    *recorded = Some(recording);
    Ok(())
}

/// The selector lies in the BIOS boot partition.
pub(crate) fn gpt() -> Result<()> {
    let node = Victim::prepare(Table::Gpt)?.copy("journey-gpt")?;
    let before = journey(&node, Hardware::default())?;
    upgraded(&Arrived { node, before })
}

/// The distribution's own tools find all that they need, and the next boot is sound.
pub(crate) fn upgrade() -> Result<()> {
    let arrived = || ARRIVED.lock().expect("no test panics with it").take();
    let mut recorded = RECORDED.lock().expect("no test panics with it");
    let mut found = arrived();
    if found.is_none() {
        record(&mut recorded)?;
        found = arrived();
    }
    drop(recorded);
    upgraded(&found.context("the journey led nowhere")?)
}

/// What a power cut may leave of the journey's writes boots what the promise allows.
pub(crate) fn write_orders() -> Result<()> {
    let recording = recording()?;
    write_order::replay(&recording, &Options::default())?;
    let without_flushes = Options {
        without_flushes: true,
        subsets: 8,
        ..Options::default()
    };
    let Err(lost) = write_order::replay(&recording, &without_flushes) else {
        bail!("a node that sends no flush is not lost: this test sees nothing");
    };
    ensure!(lost.to_string().contains("lose the node"), "{lost:#}");
    recording.remove()
}

/// The journey's, made now if it was not.
fn recording() -> Result<Recording> {
    let mut recorded = RECORDED.lock().expect("no test panics with it");
    if recorded.is_none() {
        record(&mut recorded)?;
    }
    recorded.take().context("the journey left no recording")
}

fn journey(node: &Node, hardware: Hardware) -> Result<Portrait> {
    let down = Down::reach(node, hardware, |machine, job| {
        dry_run::changes_nothing(node, machine, job)
    })?;
    if node.table == Table::Mbr {
        down.leave_copy()?;
    }
    let Down {
        mut machine,
        mut push,
        armed,
    } = down;
    println!("the node has gone down, armed");
    machine.go_on()?;
    let (ended, said) = push.wait(JUMP)?;
    println!("{said}");
    ensure!(ended.success(), "{ended}");
    machine.wait_for_ssh(BOOT)?;
    journey::check(&armed.before, armed.node.table, &machine)?;
    journey::check_reboots(&machine)?;
    machine.kill()?;
    Ok(armed.before)
}

fn upgraded(arrived: &Arrived) -> Result<()> {
    let mut machine = Machine::start(&arrived.node, &one_processor())?;
    machine.wait_for_ssh(BOOT)?;
    updates::install(&mut machine)?;
    journey::check(&arrived.before, arrived.node.table, &machine)?;
    machine.kill()
}
