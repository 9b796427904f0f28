//! The one driver of steps, in all three systems: where to begin, what is journalled and told.

pub(crate) mod apply;
mod at_work;

use anyhow::{Context as _, Result};
use jumpspec::run::event::What;
use jumpspec::run::journal::Journal;
use jumpspec::run::task::Task;
use jumpspec::step::Step;
use jumpsys::kernel::system::uptime_ms;

use crate::run::context::Context;
use crate::run::failure;

/// Where a driver begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the first step, whatever was half done.
    Beginning,
    /// Behind so many copies of trees.
    BehindCopies(usize),
    /// Where the journal stands; but files are saved by every call that comes so far.
    Journal,
    /// At the first step that is this one.
    At(Step),
}

/// Carries out `steps` from `start` to their end.
pub(crate) fn all(cx: &mut Context, steps: &[Step], start: &Start) -> Result<()> {
    until(cx, steps, start, |_, _| false).map(drop)
}

/// Carries out `steps` from `start` on, up to the first that `halts`, which it gives.
pub(crate) fn until<'a>(
    cx: &mut Context,
    steps: &'a [Step],
    start: &Start,
    halts: impl Fn(&Context, &Step) -> bool,
) -> Result<Option<&'a Step>> {
    let first = first_step(start, cx.journal(), steps);
    for (index, step) in steps.iter().enumerate().skip(first) {
        if halts(cx, step) {
            return Ok(Some(step));
        }
        one(cx, index, step)?;
    }
    Ok(None)
}

/// Carries out the step at `index`: journalled before and after, told, timed. On order of an admin
/// host it is also noted that a call is at work.
pub(crate) fn one(cx: &mut Context, index: usize, step: &Step) -> Result<()> {
    let at_work = cx.work().ok().map(|work| at_work::begin(work, step));
    let at_work = at_work.transpose()?;
    let done = journalled(cx, index, step);
    at_work.map_or(Ok(()), at_work::AtWork::end)?;
    done
}

fn journalled(cx: &mut Context, index: usize, step: &Step) -> Result<()> {
    cx.ensure_on_time(step)?;
    let index = u32::try_from(index).context("too many steps")?;
    told(cx, index, step).map_err(|error| failure::of_step(&error, step.into()).into())
}

fn told(cx: &mut Context, index: u32, step: &Step) -> Result<()> {
    let record = |cx: &mut Context, done| {
        if !step.is_journalled() {
            return Ok(());
        }
        cx.record(Journal {
            step: index,
            done,
            ..cx.journal().clone()
        })
    };
    record(cx, false)?;
    let begun = uptime_ms();
    let task = Task::from(step);
    cx.reporter.tell(What::Begin { task: task.clone() });
    apply::apply(step, cx)?;
    record(cx, true)?;
    cx.reporter.tell(What::Done {
        task,
        millis: uptime_ms().saturating_sub(begun),
    });
    Ok(())
}

/// A journal that was never written stands before the first journalled step.
fn first_step(start: &Start, journal: &Journal, steps: &[Step]) -> usize {
    let position = |wanted: &dyn Fn(&Step) -> bool| steps.iter().position(wanted);
    match start {
        Start::Beginning => 0,
        Start::BehindCopies(done) => {
            let copies = steps.iter().enumerate();
            let mut copies = copies.filter(|(_, step)| matches!(step, Step::Copy(_)));
            let last = done.checked_sub(1).and_then(|last| copies.nth(last));
            last.map_or(0, |(index, _)| index + 1)
        }
        Start::At(wanted) => position(&|step| step == wanted).unwrap_or_default(),
        Start::Journal => {
            let index = journal.step as usize;
            let fresh = index == 0
                && !journal.done
                && steps.first().is_some_and(|step| !step.is_journalled());
            if fresh {
                return 0;
            }
            let next = index + usize::from(journal.done);
            let saving = position(&|step| matches!(step, Step::SaveFiles { .. }));
            saving.unwrap_or(next).min(next)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jumpspec::disk::Filesystem;
    use jumpspec::step::{TreeCopy, TreePlace};
    use jumpspec::words::size::Size;

    fn steps() -> Vec<Step> {
        vec![
            Step::SwapOff,
            Step::MakeLanding,
            Step::UnpackJump,
            Step::SaveFiles { paths: Vec::new() },
            Step::ConfigureJump,
            Step::WriteSelector,
            Step::Arm,
        ]
    }

    fn first(start: &Start, step: u32, done: bool) -> usize {
        let journal = Journal {
            step,
            done,
            ..Journal::new(&jumpspec::words::run_id::RunId::new(0xaa), &[])
        };
        first_step(start, &journal, &steps())
    }

    #[test]
    fn staging_goes_on_where_it_was() {
        assert_eq!(first(&Start::Journal, 0, false), 0);
        assert_eq!(first(&Start::Journal, 1, false), 1);
        assert_eq!(first(&Start::Journal, 1, true), 2);
        assert_eq!(first(&Start::Journal, 2, true), 3);
    }

    #[test]
    fn what_was_copied_is_not_copied_again_nor_what_led_to_it() {
        let place = |number| TreePlace {
            number,
            fs: Filesystem::Ext4,
            directory: "/".parse().unwrap(),
        };
        let copy = |from, to| {
            Step::Copy(TreeCopy {
                path: "/home".parse().unwrap(),
                from: place(from),
                to: place(to),
                kept: false,
                size: Size(0),
            })
        };
        let steps = [copy(3, 4), Step::Repartition, copy(1, 5), Step::Extract];
        let journal = Journal::new(&jumpspec::words::run_id::RunId::new(0xaa), &[]);
        let first = |done| first_step(&Start::BehindCopies(done), &journal, &steps);
        assert_eq!([first(0), first(1), first(2)], [0, 1, 3]);
    }

    #[test]
    fn what_was_saved_by_an_earlier_call_is_saved_anew() {
        for (step, done) in [(3, true), (4, false), (4, true), (5, false), (5, true)] {
            assert_eq!(first(&Start::Journal, step, done), 3, "step {step}, {done}");
        }
    }

    #[test]
    fn whoever_says_where_to_begin_does_not_go_by_the_journal() {
        for (step, done) in [(0, false), (2, true), (5, true)] {
            assert_eq!(first(&Start::Beginning, step, done), 0);
            assert_eq!(first(&Start::At(Step::ConfigureJump), step, done), 4);
            assert_eq!(first(&Start::At(Step::Report), step, done), 0);
        }
    }
}
