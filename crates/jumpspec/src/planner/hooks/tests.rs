use super::*;
use crate::job::{Job, OnFailure};
use crate::planner::Rehearsal;
use crate::planner::sample::{Sample, facts, job};
use crate::run::task::Task;

/// The sample job with hooks at these joints, each called as its joint.
fn with(joints: &[Joint]) -> Job {
    let mut job = job();
    job.hook = joints.iter().map(|at| wish(*at)).collect();
    job
}

fn wish(at: Joint) -> HookWish {
    HookWish {
        at,
        run: format!("hooks/{at}"),
        timeout: Wait(std::time::Duration::from_mins(5)),
        on_failure: None,
    }
}

const ALL: [Joint; 6] = [
    Joint::Prep,
    Joint::Saved,
    Joint::Committed,
    Joint::Restored,
    Joint::Firstboot,
    Joint::Finished,
];

fn refused(sample: &Sample) -> Vec<String> {
    let refusals = sample.planned().err().unwrap_or_default();
    let said = |it: &Refusal| format!("{}: {} | {}", it.code, it.message, it.hint);
    refusals.iter().map(said).collect()
}

fn refused_with(joint: Joint, change: impl FnOnce(&mut HookWish)) -> Vec<String> {
    let mut job = with(&[joint]);
    change(&mut job.hook[0]);
    refused(&Sample::of(&facts(), &job))
}

#[test]
fn there_is_a_hook_at_every_joint_of_the_journey() {
    let plan = Sample::of(&facts(), &with(&ALL)).planned().unwrap();
    let words = |steps: &[Step]| {
        let words: Vec<_> = steps
            .iter()
            .map(|step| Task::from(step).to_string())
            .collect();
        words.join("\n")
    };
    let steps = &plan.steps;
    let parts = [&steps.old, &steps.prove, &steps.replace, &steps.new];
    insta::assert_snapshot!(parts.map(|steps| words(steps)).join("\n--\n"));
    let hooks: Vec<_> = steps.hooks().collect();
    insta::assert_json_snapshot!(hooks);
    assert!(
        plan.notes.iter().any(|note| note.contains("JUMP_TRY")),
        "{:?}",
        plan.notes
    );
}

#[test]
fn the_commit_comes_before_the_hook_that_may_do_anything_and_the_table_after_it() {
    let mut job = with(&[Joint::Committed]);
    job.layout.partitions[1].action = crate::job::Action::Create;
    job.layout.partitions[1].size = Some(crate::job::Length::Size(Size(2 << 30)));
    let steps = Sample::of(&facts(), &job).planned().unwrap().steps;
    assert_eq!(steps.prove.last(), Some(&Step::Commit));
    assert!(matches!(steps.replace[0], Step::Hook(_)));
    assert_eq!(steps.replace[1], Step::Repartition);
}

#[test]
fn several_hooks_of_a_joint_keep_their_order_and_old_names_come_first() {
    let mut job = with(&[Joint::Prep, Joint::Prep]);
    job.hook[1].run = "hooks/another".to_owned();
    job.hooks.before = Some("drain".to_owned());
    let plan = Sample::of(&facts(), &job).planned().unwrap();
    let names: Vec<_> = plan
        .steps
        .hooks()
        .map(|hook| (hook.number, hook.name.as_str()))
        .collect();
    assert_eq!(
        names,
        [(1, "drain"), (2, "hooks/prep"), (3, "hooks/another")]
    );
}

#[test]
fn a_rehearsal_runs_the_hooks_of_the_old_system_alone() {
    let mut sample = Sample::of(&facts(), &with(&ALL));
    sample.rehearsal = Some(Rehearsal::Firmware);
    let plan = sample.planned().unwrap();
    let joints: Vec<_> = plan.steps.hooks().map(|hook| hook.at).collect();
    assert_eq!(joints, [Joint::Prep, Joint::Saved]);
}

#[test]
fn refuses_an_interpreter_that_the_system_of_the_joint_does_not_have() {
    let mut sample = Sample::of(&facts(), &with(&ALL));
    for script in &mut sample.scripts {
        *script = Script::new("#!/usr/bin/env python3\n".to_owned()).unwrap();
    }
    let python = ["/usr/bin/env", "/usr/bin/python3"].map(str::to_owned);
    sample.jump.interpreters = python.clone().into();
    insta::assert_snapshot!(refused(&sample).join("\n"));
    sample.target.interpreters = python.clone().into();
    sample.facts.interpreters = python.into();
    assert_eq!(refused(&sample), Vec::<String>::new());
}

#[test]
fn refuses_a_time_that_the_stage_does_not_have() {
    let minutes = |minutes| Wait(std::time::Duration::from_mins(minutes));
    let told = [
        refused_with(Joint::Firstboot, |hook| hook.timeout = minutes(11)),
        refused_with(Joint::Committed, |hook| hook.timeout = minutes(121)),
        refused_with(Joint::Prep, |hook| hook.timeout = minutes(61)),
        refused_with(Joint::Restored, |hook| hook.timeout = minutes(0)),
    ];
    insta::assert_snapshot!(told.concat().join("\n"));
}

#[test]
fn refuses_what_contradicts_itself() {
    let twice = refused(&Sample::of(&facts(), &with(&[Joint::Prep, Joint::Prep])));
    let prep = refused_with(Joint::Prep, |hook| hook.on_failure = Some(OnFailure::Tell));
    let finished = refused_with(Joint::Finished, |hook| {
        hook.on_failure = Some(OnFailure::Jump);
    });
    let mut many = job();
    many.hook = (0..40)
        .map(|number| HookWish {
            run: number.to_string(),
            ..wish(Joint::Prep)
        })
        .collect();
    let many = refused(&Sample::of(&facts(), &many));
    let mut large = Sample::of(&facts(), &with(&[Joint::Prep]));
    large.scripts[0].text += &"x".repeat(300 << 10);
    insta::assert_snapshot!(
        [twice, prep, finished, many, refused(&large)]
            .concat()
            .join("\n")
    );
}

#[test]
fn what_hooks_may_add_has_room_on_the_landing_partition() {
    let mut facts = facts();
    let small = |facts: &mut crate::node::facts::Facts, mib: u64| {
        facts.disks[0].partitions[1].sectors = (mib << 20) / 512;
    };
    small(&mut facts, 900);
    assert!(Sample::of(&facts, &job()).planned().is_ok());
    let refused = refused(&Sample::of(&facts, &with(&[Joint::Saved])));
    assert!(refused[0].starts_with("landing-too-small"), "{refused:?}");
}
