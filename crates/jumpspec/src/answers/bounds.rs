//! How much an honest answer has at most, with room to spare. A bound is there for work that
//! grows with two lists at once, lines of fstab by partitions, say: at the bounds it takes
//! minutes and not days.

use super::Answer;
use crate::job::{LONGEST_WAIT, Waits};
use crate::node::facts::Facts;
use crate::plan::Plan;
use crate::run::failure::{self, Failure};
use crate::run::report::NodeReport;
use crate::run::status::{Kept, Status};

/// Bytes of an answer that says where a run stands.
const SHORT: usize = 1 << 20;
/// Bytes of an answer with all that a node is.
const LONG: usize = 16 << 20;

/// Disks: each path to a volume of a storage network is one.
const DISKS: usize = 4096;
/// What a large machine has thousands of: partitions, mounts, links of containers, people.
const MANY: usize = 16_384;
/// What no machine has many of.
const FEW: usize = 1024;
/// Bytes of `/etc/fstab`.
const FSTAB: usize = 64 << 10;
/// Bytes of `/etc/passwd` or `/etc/group`, of some ten thousand people.
const ACCOUNTS: usize = 1 << 20;
/// Owners of files; jumpinit tells 10 000 of a file system.
const OWNERS: usize = 100_000;

/// Something of which an answer has more than any honest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it has {there} {what}, and no honest answer has more than {most}")]
pub struct Excess {
    /// Of what.
    pub what: &'static str,
    /// How much.
    pub there: usize,
    /// How much there may be.
    pub most: usize,
}

/// The first of these, each with how many there are and may be, of which there are too many.
pub(super) fn first(
    counted: impl IntoIterator<Item = (&'static str, usize, usize)>,
) -> Option<Excess> {
    let mut counted = counted.into_iter();
    let (what, there, most) = counted.find(|(_, there, most)| there > most)?;
    Some(Excess { what, there, most })
}

impl Answer for Status {
    const LONGEST: usize = SHORT;

    fn excess(&self) -> Option<Excess> {
        let journals = self.journal.as_ref().and_then(|it| it.failure.as_ref());
        let failures = [self.failure.as_ref(), journals];
        of_failures(failures.into_iter().flatten())
    }
}

impl Answer for NodeReport {
    const LONGEST: usize = SHORT;

    fn excess(&self) -> Option<Excess> {
        let failures = &self.failures;
        first([("failures", failures.len(), FEW)]).or_else(|| of_failures(failures))
    }
}

impl Answer for Facts {
    const LONGEST: usize = LONG;

    fn excess(&self) -> Option<Excess> {
        of_disks(self)
            .or_else(|| of_firmware(self))
            .or_else(|| of_mounts(self))
            .or_else(|| of_people(self))
    }
}

impl Answer for Kept {
    const LONGEST: usize = LONG;

    fn excess(&self) -> Option<Excess> {
        let facts = self.facts.as_ref().and_then(Facts::excess);
        facts.or_else(|| of_plan(&self.plan))
    }
}

fn of_failures<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Option<Excess> {
    let lengths = failures.into_iter().map(Failure::length);
    first(lengths.map(|length| ("bytes of a failure", length, failure::LONGEST)))
}

fn of_disks(facts: &Facts) -> Option<Excess> {
    let disks = &facts.disks;
    let on_one = disks.iter().map(|disk| disk.partitions.len());
    let identities = disks.iter().map(|disk| disk.identities.len());
    let links = disks.iter().map(|disk| disk.links.len());
    let links_of_partitions = facts.partitions().map(|(_, it)| it.links.len());
    let seals = facts.luks.iter().map(|it| it.seals.len());
    first([
        ("disks", disks.len(), DISKS),
        ("partitions", facts.partitions().count(), MANY),
        ("partitions of one disk", on_one.max().unwrap_or(0), FEW),
        ("names of one disk", identities.max().unwrap_or(0), FEW),
        ("LUKS volumes", facts.luks.len(), MANY),
        ("keys of one LUKS volume", seals.max().unwrap_or(0), FEW),
        ("links to one disk", links.max().unwrap_or(0), FEW),
        (
            "links to one partition",
            links_of_partitions.max().unwrap_or(0),
            FEW,
        ),
    ])
}

fn of_firmware(facts: &Facts) -> Option<Excess> {
    let uefi = facts.uefi.as_ref()?;
    let files = uefi.esps.iter().map(|esp| esp.files.len());
    first([
        ("boot entries", uefi.entries.len(), FEW),
        (
            "entries in BootOrder",
            uefi.order.as_ref().map_or(0, |order| order.0.len()),
            FEW,
        ),
        ("EFI system partitions", uefi.esps.len(), FEW),
        ("files of loaders", files.max().unwrap_or(0), FEW),
    ])
}

fn of_mounts(facts: &Facts) -> Option<Excess> {
    let trees = facts.copies.iter().filter_map(|it| it.tree.as_ref());
    let below = trees.map(|it| it.below.len());
    let places = facts.copies.iter().map(|it| it.places.len());
    first([
        ("mounts", facts.mounts.len(), MANY),
        ("remote mounts", facts.remote_mounts.len(), MANY),
        ("swap areas", facts.swaps.len(), FEW),
        ("swap areas", facts.swap_use.len(), FEW),
        ("saved paths", facts.saved.len(), MANY),
        ("interpreters", facts.interpreters.len(), FEW),
        ("copies", facts.copies.len(), FEW),
        ("mounts below a copy", below.max().unwrap_or(0), MANY),
        ("places for a copy", places.max().unwrap_or(0), FEW),
        ("bytes of fstab", facts.fstab.len(), FSTAB),
        ("network links", facts.network.links.len(), MANY),
        ("host keys", facts.host_keys.len(), FEW),
    ])
}

fn of_people(facts: &Facts) -> Option<Excess> {
    let owners = facts.mounts.iter().filter_map(|it| it.owners.as_ref());
    let trees = facts.copies.iter().filter_map(|it| it.tree.as_ref());
    let owners = owners.chain(trees.map(|it| &it.owners));
    let owners = owners.map(|it| it.uids.len() + it.gids.len());
    first([
        ("people", facts.accounts.len(), MANY),
        (
            "bytes of passwd",
            facts.public_accounts.passwd.len(),
            ACCOUNTS,
        ),
        (
            "bytes of group",
            facts.public_accounts.group.len(),
            ACCOUNTS,
        ),
        ("owners of files", owners.sum(), OWNERS),
    ])
}

fn of_plan(plan: &Plan) -> Option<Excess> {
    let (steps, all) = (&plan.steps, plan.disks());
    first([
        (
            "partitions",
            all.map(|disk| disk.before.len()).max().unwrap_or(0),
            MANY,
        ),
        ("partitions", plan.disk.after.len(), MANY),
        ("file systems", plan.filesystems.len(), FEW),
        ("files made of templates", plan.files.len(), FEW),
        ("steps", steps.old.len(), FEW),
        ("steps", steps.prove.len(), FEW),
        ("steps", steps.replace.len(), FEW),
        ("steps", steps.new.len(), FEW),
    ])
    .or_else(|| of_waits(&plan.wait))
}

/// They are added up and counted from now on, which overflows for what nobody waits for.
fn of_waits(waits: &Waits) -> Option<Excess> {
    let seconds = |time: std::time::Duration| usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
    [waits.boot, waits.prove, waits.replace, waits.health]
        .into_iter()
        .find_map(|wait| first([("seconds to wait", seconds(wait.0), seconds(LONGEST_WAIT))]))
}
