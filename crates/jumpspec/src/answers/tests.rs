use std::time::Duration;

use super::*;
use crate::disk::{DiskIdentity, FoundPartition};
use crate::job::{LONGEST_WAIT, Wait};
use crate::node::facts::{Facts, Mount};
use crate::planner::sample::{self, facts, job};
use crate::run::event::{Next, What};
use crate::run::failure::{Code, Failure};
use crate::run::status::{Kept, Status};
use crate::words::size::Size;

/// What the fuzz target `answers` begins with.
const FACTS: &str = include_str!("../../../../tests/fuzz/seeds/answers/facts");
const STATUS: &str = include_str!("../../../../tests/fuzz/seeds/answers/status");
const KEPT: &str = include_str!("../../../../tests/fuzz/seeds/answers/kept");
const REPORT: &str = include_str!("../../../../tests/fuzz/seeds/answers/report");
const EVENTS: &str = include_str!("../../../../tests/fuzz/seeds/answers/events");

fn kept() -> Kept {
    read(KEPT).unwrap()
}

/// More of anything than any node has.
const MANY: usize = 20_000;

/// What is said of an answer of which there is too much.
fn excess<A: Answer + serde::Serialize>(answer: &A) -> String {
    let said = serde_json::to_string(answer).unwrap();
    let error = read::<A>(&said).err().expect("an excess");
    assert!(matches!(error, AnswerError::Excess(_)), "{error}");
    error.to_string()
}

#[test]
fn every_seed_is_the_answer_that_it_is_called() {
    sample::planned(&read::<Facts>(FACTS).unwrap(), &job()).unwrap();
    assert!(read::<Status>(STATUS).unwrap().journal.is_some());
    assert!(kept().facts.is_some());
    read::<crate::run::report::NodeReport>(REPORT).unwrap();
    let lines = EVENTS.lines().count();
    assert!(lines > 6 && events(EVENTS).len() == lines, "{lines}");
}

#[test]
fn words_of_a_login_come_before_an_answer_and_nothing_after_it() {
    assert!(read::<Status>(&format!("Welcome\n{STATUS}")).is_ok());
    assert!(read::<Status>(&format!("{STATUS}{STATUS}")).is_err());
    assert!(read::<Status>("Welcome").is_err() && read::<Status>(KEPT).is_err());
}

#[test]
fn only_this_runs_report_counts() {
    let said = r#"{"run":"00000000000000aa","hostname":"n","os":"o","kernel":"k","boot_id":"b"}"#;
    let said = format!("boot b\nprogram\n{said}\n");
    assert!(report(&said, &RunId::new(0xaa)).is_some());
    assert!(report(&said, &RunId::new(0xbb)).is_none());
    assert!(report("boot b\n", &RunId::new(0xaa)).is_none());
}

#[test]
fn what_is_no_event_is_passed_over() {
    let one = EVENTS.lines().next().unwrap();
    let long = one.replace(
        "\"begin\"",
        &format!("{}\"begin\"", " ".repeat(LONGEST_EVENT)),
    );
    assert!(long.len() > LONGEST_EVENT && event(long.as_bytes()).is_none());
    let said = format!("==> file <==\n{one}\n\n{{\"uptime_ms\":-1}}\n{one}");
    assert_eq!(events(&said).len(), 2);
}

#[test]
fn a_line_that_is_cut_off_is_heard_again() {
    let line = EVENTS.split_inclusive('\n').next().unwrap().as_bytes();
    let mut tail = Tail::new(7);
    assert!(tail.line(&line[..line.len() - 1]).is_none());
    assert_eq!(tail.offset(), 7);
    assert!(tail.line(line).is_some());
    tail.piece(b"xyz");
    assert_eq!(tail.offset(), 10 + line.len() as u64);
}

#[test]
fn deep_and_long_answers_are_not_read() {
    let deep = format!("{{\"x\":{}", "[".repeat(1 << 20));
    assert!(matches!(read::<Facts>(&deep), Err(AnswerError::Json(_))));
    let mut status: Status = read(STATUS).unwrap();
    status.os = "x".repeat(1 << 20);
    assert!(excess(&status).contains("bytes"));
}

#[test]
fn lists_that_are_longer_than_any_node_has_are_not_read() {
    type Change = fn(&mut Facts);
    let changes: [(&str, Change); 6] = [
        ("partitions", |facts| many(&mut facts.disks[0].partitions)),
        ("disks", |facts| {
            facts.disks[0].partitions.clear();
            many(&mut facts.disks);
        }),
        ("mounts", |facts| many(&mut facts.mounts)),
        ("bytes of fstab", |facts| {
            facts.fstab = "#\n".repeat(1 << 17);
        }),
        ("bytes of passwd", |facts| {
            facts.public_accounts.passwd = "a:x:1:1:::\n".repeat(1 << 17);
        }),
        ("people", |facts| many(&mut facts.accounts)),
    ];
    for (what, change) in changes {
        let mut facts = facts();
        change(&mut facts);
        let said = excess(&facts);
        assert!(said.contains(what), "{said}");
    }
    let mut kept = kept();
    kept.facts.as_mut().unwrap().fstab = "#\n".repeat(1 << 17);
    assert!(excess(&kept).contains("bytes of fstab"));
    kept.facts = None;
    many(&mut kept.plan.steps.prove);
    assert!(excess(&kept).contains("steps"));
}

fn many<T: Clone>(list: &mut Vec<T>) {
    *list = vec![list[0].clone(); MANY];
}

/// `Duration` panics when it overflows, and so does a moment on the clock.
#[test]
fn waits_that_no_job_may_have_are_not_taken_over_from_a_node() {
    let mut kept = kept();
    kept.plan.wait.prove = Wait(LONGEST_WAIT);
    let said = serde_json::to_string(&kept).unwrap();
    assert!(read::<Kept>(&said).is_ok());
    kept.plan.wait.prove = Wait(Duration::from_secs(u64::MAX));
    assert!(excess(&kept).contains("seconds to wait"));
}

/// Every number of a node is the largest, or none: what is refused is refused in words.
#[test]
fn the_largest_and_the_smallest_numbers_are_planned_with() {
    let set = |facts: &mut Facts, number: u64| {
        let disk = &mut facts.disks[0];
        disk.sectors = number;
        let table = disk.table.as_mut().unwrap();
        (table.first_usable, table.last_usable) = (number, number);
        let move_to = |partition: &mut FoundPartition| {
            (partition.start, partition.sectors) = (number, number);
        };
        disk.partitions.iter_mut().for_each(move_to);
        disk.identities = vec![DiskIdentity::Serial("S".to_owned())];
        let size = Size(number);
        facts.memory_available = Some(size);
        for area in &mut facts.swap_use {
            (area.size, area.used) = (size, size);
        }
        for path in &mut facts.saved {
            path.size = Some(size);
        }
        facts.saved.extend(facts.saved.clone());
        let used = |mount: &mut Mount| mount.used = size;
        facts.mounts.iter_mut().for_each(used);
    };
    for number in [0, 1, u64::MAX / 512, u64::MAX - 1, u64::MAX] {
        let mut facts = facts();
        set(&mut facts, number);
        let refusals = sample::planned(&facts, &job()).unwrap_err();
        assert!(!refusals.is_empty());
        let mut kept = kept();
        kept.plan.disk.sectors = number;
        for partition in &mut kept.plan.disk.after {
            (partition.start, partition.sectors) = (number, number);
        }
        kept.plan.disk.before.clone_from(&facts.disks[0].partitions);
        assert!(!crate::render::plan(&kept.plan, &facts).is_empty());
    }
}

/// What another version tells is less than ours would be, and no error.
#[test]
fn failures_of_older_and_newer_programs_are_unknown_ones() {
    let old = STATUS.replace(
        r#"{"code":"no-network","step":"prove-network","error":"no link"}"#,
        r#""no link""#,
    );
    let newer = STATUS.replace("no-network", "no-light");
    for said in [old, newer] {
        let status: Status = read(&said).unwrap();
        let failure = status.reason().unwrap();
        assert_eq!(
            (failure.code, failure.error.as_str()),
            (Code::Unknown, "no link")
        );
    }
    let line =
        r#"{"uptime_ms":1,"stage":"stage","event":"failed","step":"stage","error":"e","next":"n"}"#;
    let Some(What::Failed { failure, next }) = event(line.as_bytes()).map(|event| event.what)
    else {
        panic!("no failure");
    };
    assert_eq!(
        (failure, next),
        (Failure::new(Code::Unknown, "e"), Next::Unknown)
    );
}

#[test]
fn a_failure_without_an_end_is_not_read() {
    let long = STATUS.replace("no link", &"x".repeat(1 << 17));
    let error = read::<Status>(&long).expect_err("an excess");
    assert!(error.to_string().contains("bytes of a failure"), "{error}");
}
