//! The planned disk among those that are there: who is it, and who is not.

use super::*;

const SECTORS: u64 = 1 << 21;

/// Identities by short words: `w=…`, `s=…`, `t=…`.
fn identities(words: &str) -> Vec<DiskIdentity> {
    let read = |word: &str| {
        let (kind, value) = word.split_once('=').unwrap();
        let value = value.to_owned();
        match kind {
            "w" => DiskIdentity::Wwid(value),
            "s" => DiskIdentity::Serial(value),
            _ => DiskIdentity::TableId(value),
        }
    };
    words.split_whitespace().map(read).collect()
}

/// Disks called a, b, c; each by its identities, with `+` in front if it has grown and `-` if it
/// has shrunk.
fn disks(all: &[&str]) -> Vec<Disk> {
    let disk = |(index, words): (usize, &&str)| {
        let sectors = match words.chars().next() {
            Some('+') => SECTORS * 2,
            Some('-') => SECTORS / 2,
            _ => SECTORS,
        };
        let name = char::from(b'a' + u8::try_from(index).unwrap()).to_string();
        Disk {
            device: name.clone(),
            name,
            identities: identities(words.trim_start_matches(['+', '-'])),
            sectors,
            logical_sector: 512,
            model: None,
            table: None,
            partitions: Vec::new(),
            kernel_partitions: None,
            content: None,
            loader: None,
            links: Vec::new(),
            holders: Vec::new(),
            removable: false,
        }
    };
    all.iter().enumerate().map(disk).collect()
}

/// What is there, what was planned, and what is taken for it: a device, or in doubt why not.
type Case = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const CASES: &[Case] = &[
    (
        "alone and as it was",
        "w=1 s=A t=77",
        &["w=1 s=A t=77"],
        "a",
    ),
    (
        "among others",
        "w=1 s=A t=77",
        &["w=2 s=B t=78", "w=1 s=A t=77"],
        "b",
    ),
    (
        "under another name",
        "s=A t=77",
        &["s=B t=77", "s=C t=79", "s=A t=77"],
        "c",
    ),
    ("gone", "w=1 s=A t=77", &["w=2 s=B t=78"], "missing"),
    ("gone, and no other there", "s=A", &[], "missing"),
    (
        "a clone with its table is there too",
        "s=A t=77",
        &["s=B t=77", "s=A t=77"],
        "b",
    ),
    (
        "only a clone with its table is there",
        "s=A t=77",
        &["s=B t=77"],
        "missing",
    ),
    (
        "a clone without serials: no telling",
        "t=77",
        &["t=77", "t=77"],
        "several",
    ),
    (
        "virtio without a serial, known by its table",
        "t=77",
        &["t=78", "t=77"],
        "b",
    ),
    (
        "virtio without a serial, and a newer table",
        "t=77",
        &["t=78"],
        "missing",
    ),
    (
        "virtio without a serial, and its table lost",
        "t=77",
        &[""],
        "missing",
    ),
    (
        "two equal serials",
        "s=A t=77",
        &["s=A t=77", "s=A t=78"],
        "several",
    ),
    (
        "two equal serials of two lengths",
        "s=A t=77",
        &["s=A t=77", "+s=A t=78"],
        "a",
    ),
    (
        "its serial is missing now",
        "w=1 s=A t=77",
        &["w=1 t=77"],
        "a",
    ),
    (
        "all that its hardware said is missing now",
        "s=A t=77",
        &["t=77"],
        "missing",
    ),
    (
        "a serial that the plan did not know",
        "w=1 t=77",
        &["w=1 s=A t=77"],
        "a",
    ),
    (
        "no table is left, by a cut while it was written",
        "s=A t=77",
        &["s=A"],
        "a",
    ),
    (
        "its table was made anew since",
        "s=A t=77",
        &["s=A t=99"],
        "other table",
    ),
    ("it had no table", "s=A", &["s=A t=99"], "a"),
    (
        "two namespaces of one NVMe",
        "w=1 s=A t=77",
        &["w=2 s=A t=78", "w=1 s=A t=77"],
        "b",
    ),
    (
        "only the other namespace is there",
        "w=1 s=A t=77",
        &["w=2 s=A t=77"],
        "missing",
    ),
    (
        "two namespaces that have no wwid",
        "s=A t=77",
        &["s=A t=77", "s=A t=78"],
        "several",
    ),
    ("it has grown", "s=A t=77", &["+s=A t=77"], "missing"),
    ("it has shrunk", "s=A t=77", &["-s=A t=77"], "missing"),
    (
        "the same serial behind another wwid",
        "w=1 s=A t=77",
        &["w=2 s=A t=77"],
        "missing",
    ),
    (
        "the same wwid with another serial",
        "w=1 s=A t=77",
        &["w=1 s=B t=77"],
        "missing",
    ),
    (
        "a bridge gives its serial to another disk",
        "s=BRIDGE t=77",
        &["s=BRIDGE t=78"],
        "other table",
    ),
    (
        "a bridge gives its serial to two",
        "s=BRIDGE t=77",
        &["s=BRIDGE t=77", "s=BRIDGE t=78"],
        "several",
    ),
    (
        "two paths to one disk",
        "w=1 s=A t=77",
        &["w=1 s=A t=77", "w=1 s=A t=77"],
        "several",
    ),
    (
        "a serial of zeros tells nothing",
        "s=0000 t=77",
        &["s=0000 t=78", "s=0000 t=77"],
        "b",
    ),
    (
        "a signature of zeros tells nothing",
        "t=00000000",
        &["t=00000000"],
        "missing",
    ),
    ("zeros and no table", "s=0000", &["s=0000"], "missing"),
    ("nothing was known of it", "", &["s=A t=77"], "missing"),
    (
        "identities in another order",
        "t=77 s=A w=1",
        &["w=1 s=A t=77"],
        "a",
    ),
    (
        "a serial that is the other's table",
        "s=77",
        &["t=77"],
        "missing",
    ),
];

#[test]
fn in_doubt_no_disk_is_the_planned_one() {
    for (what, wanted, there, expected) in CASES {
        let there = disks(there);
        let found = match planned(&there, &identities(wanted), SECTORS) {
            Ok(disk) => disk.device.as_str(),
            Err(Doubt::Missing) => "missing",
            Err(Doubt::Several(_)) => "several",
            Err(Doubt::OtherTable(_)) => "other table",
        };
        assert_eq!(found, *expected, "{what}");
    }
}

#[test]
fn whoever_could_be_the_planned_one_counts_as_a_twin() {
    let twins = disks(&["s=A t=77", "s=A t=78"]);
    assert!(twins[1].is_like(&twins[0].identities, SECTORS));
}
