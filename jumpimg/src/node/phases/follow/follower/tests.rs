use std::time::Duration;

use jumpspec::job::Waits;
use jumpspec::run::event::{Destination, Event, Next, What};
use jumpspec::run::failure::{Code, Failure};
use jumpspec::run::journal::Journal;
use jumpspec::run::report::NodeReport;
use jumpspec::run::status::{Status, System};
use jumpspec::step::{ImageRole, Stage};
use jumpspec::words::run_id::RunId;

use super::{Action, Ending, Follower};
use crate::node::lookout::Sight;

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

fn follower() -> Follower {
    Follower::new(Waits::default())
}

fn nothing() -> Sight {
    Sight::Nothing("Connection refused".to_owned())
}

fn status(system: System, stage: Stage, failure: Option<&str>) -> Status {
    let mut journal = Journal::new(&RunId::new(0xaa), &[]);
    journal.stage = stage;
    journal.failure = failure.map(no_network);
    Status {
        system,
        hostname: "n".to_owned(),
        os: "Debian".to_owned(),
        kernel: "6".to_owned(),
        boot_id: "b".to_owned(),
        uptime_ms: 1,
        run: Some(RunId::new(0xaa)),
        journal: Some(journal),
        selector_state: None,
        failure: None,
        step: None,
        origin: None,
        live: false,
        gave_up: stage == Stage::Stuck,
    }
}

fn no_network(error: &str) -> Failure {
    Failure::new(Code::NoNetwork, error)
}

fn waits(action: &Action) -> bool {
    matches!(action, Action::Wait(_))
}

#[test]
fn a_run_goes_by_way_of_the_jump_system_to_its_report() {
    let mut follower = follower();
    assert!(waits(&follower.next(Sight::SameBoot, minutes(0))));
    assert!(waits(&follower.next(nothing(), minutes(1))));
    let jump = Sight::Jump(status(System::Jump, Stage::Prove, None));
    assert_eq!(follower.next(jump, minutes(2)), Action::Follow);
    assert!(waits(&follower.next(nothing(), minutes(20))));
    let new = Sight::New(status(System::New, Stage::Try, None));
    assert!(waits(&follower.next(new, minutes(21))));
    let report = NodeReport {
        run: RunId::new(0xaa),
        hostname: "n".to_owned(),
        os: "Debian 13".to_owned(),
        kernel: "6.12".to_owned(),
        boot_id: "c".to_owned(),
        notes: Vec::new(),
        failures: Vec::new(),
    };
    assert_eq!(
        follower.next(Sight::Finished(report.clone()), minutes(22)),
        Action::End(Ending::Finished(report))
    );
}

#[test]
fn the_old_system_that_comes_back_is_made_as_it_was_and_says_why() {
    let mut first = follower();
    let old = Sight::Old(status(System::Old, Stage::Prove, Some("no link")));
    assert_eq!(
        first.next(old, minutes(3)),
        Action::TakeBack(no_network("no link"))
    );
    let old = Sight::Old(status(System::Old, Stage::Armed, None));
    let Action::TakeBack(reason) = follower().next(old, minutes(3)) else {
        panic!()
    };
    assert_eq!(reason.code, Code::NotProved);
    assert!(reason.error.contains("did not come up"));
}

#[test]
fn a_rehearsal_is_over_when_the_old_system_is_back_with_the_last_proof_done() {
    let back = |step: u32, done: bool, failure: Option<&str>| {
        let mut old = status(System::Old, Stage::Prove, failure);
        if let Some(journal) = &mut old.journal {
            (journal.step, journal.done) = (step, done);
        }
        Sight::Old(old)
    };
    let rehearsal = || Follower::of_rehearsal(Waits::default(), 3);
    let next = |sight| rehearsal().next(sight, minutes(3));
    assert_eq!(next(back(3, true, None)), Action::Rehearsed);
    for short in [
        back(3, false, None),
        back(2, true, None),
        back(3, true, Some("no link")),
    ] {
        assert!(matches!(next(short), Action::TakeBack(_)));
    }
    assert!(matches!(
        follower().next(back(3, true, None), minutes(3)),
        Action::TakeBack(_)
    ));
}

fn told(what: What) -> Event {
    Event {
        uptime_ms: 1,
        stage: Stage::Prove,
        what,
    }
}

#[test]
fn a_rehearsal_in_memory_is_let_go_once_its_end_was_heard() {
    let jump = || Sight::Jump(status(System::Jump, Stage::Prove, None));
    let back = || Sight::Stranger(status(System::None, Stage::Prove, None));
    let failure = no_network("no link");
    let failed = What::Failed {
        failure: failure.clone(),
        next: Next::OldReturns,
    };
    for (end, why) in [(What::Complete, None), (failed, Some(failure))] {
        let mut follower = Follower::in_memory(Waits::default());
        assert!(waits(&follower.next(Sight::SameBoot, minutes(0))));
        assert_eq!(follower.next(jump(), minutes(1)), Action::Follow);
        let note = What::Note {
            text: "a note".to_owned(),
        };
        assert!(follower.hear(&told(note), minutes(1)));
        assert!(!follower.hear(&told(end), minutes(1)));
        assert_eq!(follower.next(jump(), minutes(1)), Action::Release);
        assert!(waits(&follower.next(nothing(), minutes(2))));
        assert_eq!(follower.next(back(), minutes(3)), Action::Returned(why));
    }
}

#[test]
fn a_rehearsal_in_memory_that_told_no_end_proved_nothing() {
    let returned = |sights: Vec<Sight>| {
        let mut follower = Follower::in_memory(Waits::default());
        for sight in sights {
            follower.next(sight, minutes(1));
        }
        // What another run has left there is not its word.
        let old = Sight::Old(status(System::Old, Stage::Prove, Some("another run's")));
        match follower.next(old, minutes(2)) {
            Action::Returned(Some(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let unseen = returned(vec![nothing()]);
    assert_eq!(unseen.code, Code::NotProved);
    assert!(unseen.error.contains("kexec did not start it"), "{unseen}");
    let jump = Sight::Jump(status(System::Jump, Stage::Prove, None));
    assert!(returned(vec![jump]).error.contains("was reset before"));
}

#[test]
fn a_jump_system_that_has_given_up_ends_the_watch() {
    let stuck = Sight::Jump(status(System::Jump, Stage::Stuck, Some("no space")));
    assert_eq!(
        follower().next(stuck, minutes(9)),
        Action::End(Ending::Stuck(no_network("no space")))
    );
}

#[test]
fn a_node_that_does_not_reboot_is_given_up_after_the_boot_wait() {
    assert!(waits(&follower().next(Sight::SameBoot, minutes(14))));
    assert_eq!(
        follower().next(Sight::SameBoot, minutes(16)),
        Action::End(Ending::NoReboot)
    );
}

#[test]
fn silence_is_allowed_for_a_trial_and_the_way_back() {
    let mut follower = follower();
    assert!(waits(&follower.next(nothing(), minutes(34))));
    assert!(matches!(
        follower.next(nothing(), minutes(36)),
        Action::End(Ending::Silent(_))
    ));
}

#[test]
fn silence_counts_from_the_last_word() {
    let mut follower = follower();
    let jump = Sight::Jump(status(System::Jump, Stage::Replace, None));
    follower.next(jump, minutes(5));
    let event = Event {
        uptime_ms: 1,
        stage: Stage::Replace,
        what: What::Complete,
    };
    assert!(follower.hear(&event, minutes(60)));
    assert!(waits(&follower.next(nothing(), minutes(90))));
}

#[test]
fn work_that_never_ends_is_given_up() {
    let mut follower = follower();
    let jump = || Sight::Jump(status(System::Jump, Stage::Replace, None));
    assert_eq!(follower.next(jump(), minutes(1)), Action::Follow);
    assert!(matches!(
        follower.next(jump(), minutes(127)),
        Action::End(Ending::TooSlow(..))
    ));
    let new = || Sight::New(status(System::New, Stage::Try, Some("sshd is not active")));
    assert!(waits(&follower.next(new(), minutes(128))));
    let Action::End(Ending::TooSlow(why, _)) = follower.next(new(), minutes(160)) else {
        panic!()
    };
    assert!(why.contains("sshd is not active"));
}

#[test]
fn where_systems_are_booted_twice_they_have_the_time_for_it() {
    let jump = || Sight::Jump(status(System::Jump, Stage::Replace, None));
    let at = |twice, minute| {
        let mut follower = follower().with_boots(twice);
        follower.next(jump(), minutes(1));
        follower.next(jump(), minutes(minute))
    };
    assert_eq!(at(true, 127), Action::Follow);
    assert!(matches!(at(false, 127), Action::End(Ending::TooSlow(..))));
    assert!(matches!(at(true, 160), Action::End(Ending::TooSlow(..))));
}

#[test]
fn hooks_of_the_new_system_are_waited_for_once_it_is_the_default() {
    let ends = |stage, minute| {
        let mut follower = follower().with_hooks(minutes(30));
        let new = || Sight::New(status(System::New, stage, None));
        follower.next(new(), minutes(0));
        !waits(&follower.next(new(), minutes(minute)))
    };
    assert!(ends(Stage::Try, 26) && !ends(Stage::Finish, 26));
    assert!(ends(Stage::Finish, 56));
}

#[test]
fn a_reboot_or_a_failure_ends_the_following() {
    let event = |what| Event {
        uptime_ms: 1,
        stage: Stage::Replace,
        what,
    };
    let mut follower = follower();
    assert!(!follower.hear(
        &event(What::Reboot {
            into: Destination::New
        }),
        minutes(1)
    ));
    let failed = What::Failed {
        failure: no_network("e"),
        next: Next::JumpStays,
    };
    assert!(!follower.hear(&event(failed), minutes(1)));
}

#[test]
fn a_silent_node_is_waited_for_as_long_as_is_said() {
    let mut follower = follower();
    let waiting = follower.waiting(&nothing(), minutes(3)).unwrap();
    assert_eq!((waiting.since, waiting.left), (minutes(3), minutes(32)));
    assert!(waiting.maybe.contains("another address"), "{waiting}");
    assert!(waits(&follower.next(nothing(), minutes(35))));
    let ended = follower.next(nothing(), minutes(36));
    assert!(matches!(ended, Action::End(Ending::Silent(_))), "{ended:?}");
}

#[test]
fn what_is_waited_for_follows_the_system_that_was_seen() {
    let mut follower = follower();
    let until = |follower: &Follower| follower.waiting(&nothing(), minutes(9)).unwrap().until;
    assert!(until(&follower).contains("old"));
    let jump = Sight::Jump(status(System::Jump, Stage::Prove, None));
    assert!(follower.waiting(&jump, minutes(1)).is_none());
    follower.next(jump, minutes(1));
    assert!(until(&follower).contains("new system"));
    let same = follower.waiting(&Sight::SameBoot, minutes(2)).unwrap();
    assert_eq!(same.left, minutes(13));
}

#[test]
fn a_new_system_that_tidies_up_is_not_called_unconfirmed() {
    let mut follower = follower();
    let new = |stage| Sight::New(status(System::New, stage, None));
    follower.next(new(Stage::Try), minutes(20));
    let said = |follower: &Follower, stage| {
        let waiting = follower.waiting(&new(stage), minutes(22));
        waiting.unwrap().to_string()
    };
    assert!(said(&follower, Stage::Try).contains("up and not confirmed"));
    let tidying = said(&follower, Stage::Finish);
    assert!(
        tidying.contains("is the default and tidies up"),
        "{tidying}"
    );
    let Action::End(Ending::TooSlow(why, _)) = follower.next(new(Stage::Finish), minutes(160))
    else {
        panic!("not too slow");
    };
    assert!(why.contains("is the default"), "{why}");
}

#[test]
fn a_slow_line_is_no_time_of_the_node_that_waits_for_its_image() {
    let jump = |follower: &mut Follower, at| {
        follower.next(Sight::Jump(status(System::Jump, Stage::Prove, None)), at)
    };
    let mut slow = follower();
    assert_eq!(jump(&mut slow, minutes(2)), Action::Follow);
    let mut same = slow.clone();
    slow.sent(minutes(600));
    assert!(waits(&slow.next(nothing(), minutes(603))));
    assert_eq!(jump(&mut slow, minutes(604)), Action::Follow);
    assert!(matches!(jump(&mut same, minutes(604)), Action::End(_)));
    for _ in 0..30 {
        same.sent(minutes(20));
    }
    assert!(matches!(jump(&mut same, minutes(604)), Action::End(_)));
}

#[test]
fn what_a_node_asked_for_before_it_was_sent_that_is_not_sent_again() {
    let mut follower = follower();
    let asks = |uptime_ms| Event {
        uptime_ms,
        stage: Stage::Prove,
        what: What::Need {
            image: ImageRole::Target,
            offset: 7,
        },
    };
    assert_eq!(follower.wanted(&asks(10_000)), Some(7));
    follower.sent_at(Some(30_000));
    assert_eq!(follower.wanted(&asks(20_000)), None);
    assert_eq!(follower.wanted(&asks(30_500)), Some(7), "it came damaged");
    follower.sent_at(None);
    assert_eq!(follower.wanted(&asks(9_000)), Some(7), "another boot");
    let other = Event {
        what: What::Complete,
        ..asks(50_000)
    };
    assert_eq!(follower.wanted(&other), None);
}
