use proptest::prelude::*;

use super::*;

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("n{number}")).collect()
}

fn planned(wish: &str, count: usize) -> Course {
    let wish = toml::from_str(wish).unwrap();
    Course::new(wish, &names(count), vec![State::Planned; count])
}

/// Takes turns until there is none without something that has to end first.
fn turns(course: &mut Course, now: u64) -> Vec<Turn> {
    let mut turns = Vec::new();
    loop {
        let turn = course.next(Duration::from_secs(now));
        if matches!(turn, Turn::Wait(_) | Turn::Over) {
            return turns;
        }
        turns.push(turn);
    }
}

fn stage_all(course: &mut Course) {
    for turn in turns(course, 0) {
        if let Turn::Stage(node) = turn {
            course.staged(node, &Outcome::Well);
        }
    }
}

#[test]
fn all_are_staged_before_the_canary_jumps_and_the_canary_is_confirmed_before_the_others_do() {
    let mut course = planned("canary = ['n3']\nstagger = '0s'\nbatches = ['2']", 6);
    assert_eq!(turns(&mut course, 0).len(), 6);
    for node in [0, 1, 2, 3, 4] {
        course.staged(node, &Outcome::Well);
        assert_eq!(turns(&mut course, 1), []);
    }
    course.staged(5, &Outcome::Failed("mkfs-failed".to_owned()));
    assert_eq!(turns(&mut course, 1), [Turn::Batch(0, 1), Turn::Jump(2)]);
    course.jumped(2, &Outcome::Well);
    let second = [Turn::Batch(1, 2), Turn::Jump(0), Turn::Jump(1)];
    assert_eq!(turns(&mut course, 2), second);
    course.jumped(0, &Outcome::Well);
    assert_eq!(turns(&mut course, 3), []);
    course.jumped(1, &Outcome::Well);
    let third = [Turn::Batch(2, 2), Turn::Jump(3), Turn::Jump(4)];
    assert_eq!(turns(&mut course, 4), third);
    for node in [3, 4] {
        course.jumped(node, &Outcome::Well);
    }
    assert_eq!(course.next(Duration::from_secs(5)), Turn::Over);
    assert_eq!((course.sets().ok.len(), course.sets().ko), (5, vec![5]));
}

#[test]
fn a_canary_that_fails_leaves_all_others_as_they_were() {
    let mut course = planned("", 6);
    stage_all(&mut course);
    assert_eq!(turns(&mut course, 1), [Turn::Batch(0, 1), Turn::Jump(0)]);
    course.jumped(0, &Outcome::Failed("health-timeout".to_owned()));
    assert_eq!(course.next(Duration::from_secs(9)), Turn::Over);
    assert_eq!(course.stopped().unwrap().rule, Rule::Canary);
    let sets = course.sets();
    assert_eq!((sets.ko, sets.untouched), (vec![0], vec![1, 2, 3, 4, 5]));
    assert_eq!(sets.staged.len(), 5);
}

#[test]
fn reboots_are_apart_and_batches_wait_for_their_pause_or_an_answer() {
    let mut course = planned("canary = 1\nstagger = '10s'\npause = '60s'", 3);
    stage_all(&mut course);
    assert_eq!(turns(&mut course, 0).len(), 2);
    course.jumped(0, &Outcome::Well);
    let wait = |seconds| Turn::Wait(Some(Duration::from_secs(seconds)));
    assert_eq!(course.next(Duration::from_secs(100)), wait(60));
    assert_eq!(turns(&mut course, 160), [Turn::Batch(1, 1), Turn::Jump(1)]);
    course.jumped(1, &Outcome::Well);

    let mut course = planned("pause = 'ask'\nstagger = '0s'", 2);
    stage_all(&mut course);
    assert_eq!(turns(&mut course, 0), [Turn::Batch(0, 1), Turn::Jump(0)]);
    course.jumped(0, &Outcome::Well);
    let asked = [Turn::Ask(1), Turn::Batch(1, 1), Turn::Jump(1)];
    assert_eq!(turns(&mut course, 1), asked);
}

#[test]
fn only_those_that_are_named_take_their_turn_and_one_of_them_goes_first() {
    let wish: FleetWish = toml::from_str("canary = ['n1']\nstagger = '0s'").unwrap();
    let staged = vec![State::Staged; 4];
    let mut course = Course::of_some(wish, &names(4), staged, &BTreeSet::from([1, 3]));
    assert_eq!(turns(&mut course, 0), [Turn::Batch(0, 1), Turn::Jump(1)]);
    course.jumped(1, &Outcome::Well);
    assert_eq!(turns(&mut course, 1), [Turn::Batch(2, 2), Turn::Jump(3)]);
    course.jumped(3, &Outcome::Well);
    assert_eq!(course.next(Duration::from_secs(2)), Turn::Over);
    assert_eq!(course.sets().staged, [0, 2]);
}

#[test]
fn a_canary_that_is_on_its_way_is_still_the_canary() {
    let states = vec![State::Down, State::Staged, State::Staged];
    let some = BTreeSet::from([1, 2]);
    let mut course = Course::of_some(FleetWish::default(), &names(3), states, &some);
    assert_eq!(turns(&mut course, 0), []);
    course.jumped(0, &Outcome::Well);
    assert_eq!(turns(&mut course, 1), [Turn::Batch(1, 1), Turn::Jump(1)]);
}

#[test]
fn canaries_that_are_not_there_leave_it_to_the_first() {
    let course = planned("canary = ['elsewhere']", 3);
    assert_eq!(course.canaries(), [0]);
    assert_eq!(planned("canary = 0", 3).canaries(), [0_usize; 0]);
}

#[test]
fn what_is_left_takes_as_many_rounds_as_slots_ask_for() {
    let mut course = planned(
        "down = 2\nstagger = '1s'\nbatches = ['100%']\npause = '10s'",
        6,
    );
    stage_all(&mut course);
    assert_eq!(turns(&mut course, 0).len(), 2);
    course.jumped(0, &Outcome::Well);
    let minute = Duration::from_mins(1);
    // Five nodes, two at once; their reboots; and the pause before them.
    assert_eq!(
        course.time_left(minute),
        minute * 3 + Duration::from_secs(5 + 10)
    );
}

/// What becomes of whoever was told to do something, drawn.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Well,
    Failed(u8),
    Unreachable,
    Killed,
}

fn fates() -> impl Strategy<Value = Vec<(Fate, prop::sample::Index)>> {
    let fate = prop_oneof![
        12 => Just(Fate::Well),
        2 => (0_u8..4).prop_map(Fate::Failed),
        1 => Just(Fate::Unreachable),
        1 => Just(Fate::Killed),
    ];
    prop::collection::vec((fate, any::<prop::sample::Index>()), 200..600)
}

proptest! {
    /// Also when the admin host dies and takes the fleet up again, over and over.
    #[test]
    fn no_more_are_down_than_may_be_and_nothing_is_begun_after_a_stop(
        count in 1_usize..40,
        down in 1_u32..20,
        transfer in 1_u32..20,
        canary in 0_u32..4,
        batches in prop::collection::vec(1_u32..30, 1..4),
        fates in fates(),
    ) {
        let wish = format!(
            "down = {down}\ntransfer = {transfer}\ncanary = {canary}\nbatches = {batches:?}\nstagger = '0s'"
        );
        let wish: FleetWish = toml::from_str(&wish).unwrap();
        let names = names(count);
        let mut course = Course::new(wish.clone(), &names, vec![State::Planned; count]);
        let mut fates = fates.into_iter();
        let mut over = false;
        while !over {
            let has_stopped = course.stopped().is_some();
            let mut begun = Vec::new();
            loop {
                match course.next(Duration::ZERO) {
                    Turn::Wait(time) => {
                        prop_assert_eq!(time, None);
                        break;
                    }
                    Turn::Over => {
                        over = true;
                        break;
                    }
                    turn @ (Turn::Stage(_) | Turn::Jump(_)) => begun.push(turn),
                    Turn::Batch(..) | Turn::Ask(_) => {}
                }
            }
            prop_assert!(!has_stopped || begun.is_empty());
            prop_assert!(course.count(State::Down) <= course.most_down());
            prop_assert!(course.count(State::Staging) <= transfer as usize);
            if begun.iter().any(|turn| matches!(turn, Turn::Jump(_))) {
                prop_assert_eq!(course.count(State::Planned) + course.count(State::Staging), 0);
            }
            let later = (0..count).any(|it| course.batch_of[it] > 0
                && matches!(course.state(it), State::Down | State::Ok));
            let canaries = course.canaries().iter();
            if later {
                prop_assert!(canaries.clone().all(|it| course.state(*it) == State::Ok));
            }
            let at_work: Vec<usize> = (0..count)
                .filter(|it| matches!(course.state(*it), State::Staging | State::Down))
                .collect();
            if at_work.is_empty() {
                prop_assert!(over);
                break;
            }
            let Some((fate, index)) = fates.next() else { break };
            let node = *index.get(&at_work);
            let is_down = course.state(node) == State::Down;
            let outcome = match fate {
                Fate::Well => Outcome::Well,
                Fate::Failed(code) => Outcome::Failed(code.to_string()),
                Fate::Unreachable => Outcome::Unreachable,
                Fate::Killed => {
                    // The journal keeps where each was; those that were being staged go on.
                    let states = (0..count).map(|it| match course.state(it) {
                        State::Staging => State::Planned,
                        state => state,
                    });
                    let states = states.collect();
                    course = Course::new(wish.clone(), &names, states);
                    continue;
                }
            };
            if is_down {
                course.jumped(node, &outcome);
            } else {
                course.staged(node, &outcome);
            }
            let sets = course.sets();
            let all = [sets.ok, sets.ko, sets.untouched, sets.inflight].concat();
            prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), count);
            prop_assert_eq!(all.len(), count);
        }
    }
}
