//! The moments of a jump: what a node says of itself as it goes on, in its order, each in its stage.
//! Pure.

use jumpspec::plan::Plan;
use jumpspec::run::task::Task;
use jumpspec::step::Step;

use super::stage::Stage;
use crate::small::Checkpoint;
use crate::vm::loader::Choice;

/// What the old system's last event is called here.
pub(super) const ARMED: &str = "armed";
/// What the jump system says last.
const TRIED: &str = "reboot into the new system";
/// What the new system says last.
const COMPLETE: &str = "stage complete";

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
            let mut moments = vec![power(Stage::S2, Choice::Jump)];
            moments.extend(steps.prove.iter().map(|step| match step {
                Step::Commit => begin(Stage::S3, step),
                _ => begin(Stage::S2, step),
            }));
            moments.extend(on_the_jump_system(&steps.replace));
            moments.push(power(Stage::S7, Choice::New));
            moments.extend(on_the_new_system(&steps.new));
            moments
        }
    }
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
    begun.chain([line(Stage::S7, TRIED)]).collect()
}

fn on_the_new_system(steps: &[Step]) -> Vec<Moment> {
    let mut stage = Stage::S7;
    let mut moments = Vec::new();
    for step in steps {
        match step {
            Step::Confirm => stage = Stage::S8,
            Step::ReturnLanding => stage = Stage::S9,
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

fn power(stage: Stage, choice: Choice) -> Moment {
    let sign = Sign::Power(choice);
    Moment { stage, sign }
}

/// What GRUB may boot first after a cut in a moment. The journey turns it at three steps; while one of
/// them is under way both are right, and after it only the new answer: what a node said it has done, it
/// has done.
pub(super) fn expected(moments: &[Moment], at: usize) -> &'static [Choice] {
    let turns: [(Step, [&[Choice]; 2]); 3] = [
        (Step::Arm, [&[Choice::Old, Choice::Jump], &[Choice::Jump]]),
        (
            Step::Commit,
            [&[Choice::Old, Choice::Jump], &[Choice::Jump]],
        ),
        (Step::Try, [&[Choice::Jump, Choice::New], &[Choice::New]]),
    ];
    let mut expected: &[Choice] = &[Choice::Old];
    for (step, [during, after]) in turns {
        let words = Sign::Line(Task::from(&step).to_string());
        match moments.iter().position(|moment| moment.sign == words) {
            Some(turn) if at == turn => expected = during,
            Some(turn) if at > turn => expected = after,
            _ => {}
        }
    }
    expected
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
    use super::{Choice, Moment, Stage, Step, begin, expected, line, power};

    fn moments() -> Vec<Moment> {
        vec![
            power(Stage::S2, Choice::Jump),
            begin(Stage::S3, &Step::Commit),
            begin(Stage::S5, &Step::Extract),
            begin(Stage::S7, &Step::Try),
            line(Stage::S7, super::TRIED),
        ]
    }

    #[test]
    fn what_was_committed_before_the_cut_is_all_that_may_boot() {
        let moments = moments();
        let may = |at| expected(&moments, at);
        assert_eq!(may(0), [Choice::Old]);
        assert_eq!(may(1), [Choice::Old, Choice::Jump]);
        assert_eq!(may(2), [Choice::Jump]);
        assert_eq!(may(3), [Choice::Jump, Choice::New]);
        assert_eq!(may(4), [Choice::New]);
    }
}
