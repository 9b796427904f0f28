//! The moments of a jump: what a node says of itself as it goes on, in its order, each in its stage.
//! Pure.

use jumpspec::plan::Plan;
use jumpspec::run::event::Destination;
use jumpspec::run::task::Task;
use jumpspec::step::Step;

use super::stage::Stage;
use crate::small::Checkpoint;
use crate::vm::loader::Choice;

/// What the old system's last event is called here.
pub(super) const ARMED: &str = "armed";
/// What an answer may be before a turn, while it is made, and after it.
const OLD: &[Choice] = &[Choice::Old];
const OLD_OR_JUMP: &[Choice] = &[Choice::Old, Choice::Jump];
const JUMP: &[Choice] = &[Choice::Jump];
const JUMP_OR_NEW: &[Choice] = &[Choice::Jump, Choice::New];
const NEW: &[Choice] = &[Choice::New];
/// What the new system says last.
pub(super) const COMPLETE: &str = "stage complete";

/// What shows that a moment has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// This system was started.
    Power(Choice),
    /// A line of the node's, without the `jump: ` in front.
    Line(String),
}

/// One moment; it lasts until the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) stage: Stage,
    pub(super) sign: Sign,
}

impl Moment {
    /// In words.
    pub(super) fn words(&self) -> String {
        match &self.sign {
            Sign::Power(choice) => format!("start the {} system", choice.name()),
            Sign::Line(line) => line.clone(),
        }
    }
}

/// The moments of a life that begins at `checkpoint`. Only the steps that the stages are told apart by
/// are known by what they do; a plan may have others.
pub(super) fn of(plan: &Plan, checkpoint: Checkpoint) -> Vec<Moment> {
    let steps = &plan.steps;
    match checkpoint {
        Checkpoint::Fresh => on_the_old_system(&steps.old),
        Checkpoint::Armed => {
            let mut moments = proved(&steps.prove);
            moments.extend(on_the_jump_system(&steps.replace));
            moments.push(power(Stage::S7, Choice::New));
            moments.extend(on_the_new_system(&steps.new));
            moments
        }
    }
}

/// On a UEFI twice: by the entry's name, and by the firmware's order.
fn proved(steps: &[Step]) -> Vec<Moment> {
    let begun = |step: &Step| match step {
        Step::Commit => begin(Stage::S3, step),
        _ => begin(Stage::S2, step),
    };
    let mut moments = Vec::new();
    if let Some(follow) = steps.iter().position(|step| *step == Step::FollowOrder) {
        moments.push(power(Stage::S2, Choice::Jump));
        moments.extend(steps[..follow].iter().map(begun));
        // The order is turned when all is proved, and before that is said.
        if let Some(last) = moments.last_mut() {
            last.stage = Stage::S3;
        }
        moments.push(reboot(Stage::S3, Destination::JumpByOrder));
    }
    moments.push(power(Stage::S2, Choice::Jump));
    moments.extend(steps.iter().map(begun));
    moments
}

fn on_the_old_system(steps: &[Step]) -> Vec<Moment> {
    let mut stage = Stage::S0;
    let mut moments = Vec::new();
    for step in steps {
        if matches!(step, Step::WriteSelector | Step::Arm) {
            stage = Stage::S1;
        }
        if let Step::Receive { image, .. } = step {
            let sign = Sign::Line(need(&image.to_string()));
            moments.push(Moment { stage, sign });
        }
        moments.push(begin(stage, step));
    }
    moments.push(line(stage, ARMED));
    moments
}

/// The line for an image that a node asks for, as for `"jump image"`.
pub(super) fn need(image: &str) -> String {
    format!("send the {image}")
}

fn on_the_jump_system(steps: &[Step]) -> Vec<Moment> {
    let last_mkfs = steps
        .iter()
        .rposition(|step| matches!(step, Step::Mkfs { .. }));
    let grub = steps.iter().position(|step| *step == Step::InstallGrub);
    let stage = |index: usize, step: &Step| {
        if *step == Step::Try {
            Stage::S7
        } else if grub.is_some_and(|grub| index >= grub) {
            Stage::S6
        } else if last_mkfs.is_some_and(|last| index <= last) {
            Stage::S4
        } else {
            Stage::S5
        }
    };
    let indexed = steps.iter().enumerate();
    let begun = indexed.map(|(index, step)| begin(stage(index, step), step));
    let tried = reboot(Stage::S7, Destination::New);
    begun.chain([tried]).collect()
}

fn on_the_new_system(steps: &[Step]) -> Vec<Moment> {
    let mut stage = Stage::S7;
    let mut moments = Vec::new();
    for step in steps {
        match step {
            Step::Confirm => stage = Stage::S8,
            Step::ReturnLanding => stage = Stage::S9,
            // It is not begun where it has to be done.
            Step::FollowEntry => {
                moments.push(reboot(stage, Destination::NewByEntry));
                moments.push(power(stage, Choice::New));
                continue;
            }
            _ => {}
        }
        moments.push(begin(stage, step));
    }
    moments.push(line(stage, COMPLETE));
    moments
}

fn begin(stage: Stage, step: &Step) -> Moment {
    line(stage, &Task::from(step).to_string())
}

fn line(stage: Stage, text: &str) -> Moment {
    let sign = Sign::Line(text.to_owned());
    Moment { stage, sign }
}

fn reboot(stage: Stage, into: Destination) -> Moment {
    line(stage, &format!("reboot into {into}"))
}

fn power(stage: Stage, choice: Choice) -> Moment {
    let sign = Sign::Power(choice);
    Moment { stage, sign }
}

/// What GRUB may boot first after a cut in a moment. The journey turns it at some moments; while one of
/// them lasts both are right, and after it only the new answer: what a node said it has done, it has
/// done.
pub(super) fn expected(moments: &[Moment], at: usize) -> &'static [Choice] {
    let mut expected = OLD;
    for index in 0..=at {
        if let Some((during, after)) = turn(moments, index) {
            expected = if index == at { during } else { after };
        }
    }
    expected
}

/// What a moment turns the answer to: while it lasts, and after it.
fn turn(moments: &[Moment], at: usize) -> Option<(&'static [Choice], &'static [Choice])> {
    let is = |sign: &Sign, step: &Step| *sign == begin(Stage::S0, step).sign;
    let by_order = reboot(Stage::S3, Destination::JumpByOrder).sign;
    let sign = &moments.get(at)?.sign;
    // It boots once, before the commit.
    if *sign == Sign::Power(Choice::Jump) {
        return Some((OLD, OLD));
    }
    let is_ordered = moments.get(at + 1).is_some_and(|it| it.sign == by_order);
    if is_ordered || is(sign, &Step::Arm) || is(sign, &Step::Commit) {
        return Some((OLD_OR_JUMP, JUMP));
    }
    is(sign, &Step::Try).then_some((JUMP_OR_NEW, NEW))
}

/// Whether the new system had said before that it is confirmed: then the boot sector leads to its own
/// loader.
pub(super) fn is_confirmed(moments: &[Moment], at: usize) -> bool {
    let words = Sign::Line(Task::from(&Step::Confirm).to_string());
    let turn = moments.iter().position(|moment| moment.sign == words);
    turn.is_some_and(|turn| at > turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(moments: &[Moment]) -> Vec<&'static [Choice]> {
        (0..moments.len()).map(|at| expected(moments, at)).collect()
    }

    #[test]
    fn what_was_committed_before_the_cut_is_all_that_may_boot() {
        let mut moments = proved(&[Step::ProveDisks, Step::Commit]);
        moments.extend(on_the_jump_system(&[Step::Extract, Step::Try]));
        assert_eq!(
            choices(&moments),
            [OLD, OLD, OLD_OR_JUMP, JUMP, JUMP_OR_NEW, NEW]
        );
    }

    #[test]
    fn a_firmware_s_order_is_turned_before_it_is_said_and_leads_to_one_boot() {
        let steps = [
            Step::ProveFirmware,
            Step::ProveDisks,
            Step::FollowOrder,
            Step::Commit,
        ];
        let moments = proved(&steps);
        assert_eq!(
            choices(&moments),
            [OLD, OLD, OLD_OR_JUMP, JUMP, OLD, OLD, OLD, OLD, OLD_OR_JUMP]
        );
        assert_eq!(moments[2].stage, Stage::S3);
        assert_eq!(moments[6].stage, Stage::S2);
    }

    #[test]
    fn a_new_system_that_is_confirmed_is_booted_by_its_own_entry() {
        let moments = on_the_new_system(&[Step::Confirm, Step::FollowEntry, Step::ReturnLanding]);
        let words: Vec<String> = moments.iter().map(Moment::words).collect();
        assert_eq!(words[1], "reboot into the new system, by its own entry");
        assert_eq!(words[2], "start the new system");
        assert!(is_confirmed(&moments, 1) && !is_confirmed(&moments, 0));
    }
}
