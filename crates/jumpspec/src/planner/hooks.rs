//! Hooks: which are run where, and what would keep one from being run, which is asked before anything is
//! changed.

use std::collections::{BTreeMap, BTreeSet};

use super::Input;
use super::refusal::{Refusal, RefusalCode};
use crate::hook::{Hook, MOST_ADDED, Script};
use crate::job::{HookWish, Joint, LARGEST_HOOK, MOST_HOOKS, SHORTEST_WAIT, Wait};
use crate::step::Step;
use crate::words::digest::Digest;
use crate::words::size::Size;

/// The steps of a joint.
pub(super) fn steps(input: &Input<'_>, joint: Joint) -> Vec<Step> {
    let hooks = planned(input).into_iter();
    hooks
        .filter(|hook| hook.at == joint)
        .map(Step::Hook)
        .collect()
}

/// The steps of the joint `saved`, with what keeps what they have added.
pub(super) fn saved(input: &Input<'_>) -> Vec<Step> {
    let mut steps = steps(input, Joint::Saved);
    if !steps.is_empty() {
        steps.push(Step::SaveAdded);
    }
    steps
}

/// Room for what hooks may add to what is saved.
pub(super) fn added(input: &Input<'_>) -> Size {
    Size(if input.job.has_hook(Joint::Saved) {
        MOST_ADDED
    } else {
        0
    })
}

/// Room for the scripts.
pub(super) fn scripts(input: &Input<'_>) -> Size {
    input
        .scripts
        .iter()
        .map(|script| Size(script.text.len() as u64))
        .sum()
}

/// What to know of hooks whatever they are.
pub(super) fn note(input: &Input<'_>) -> Option<String> {
    (!input.scripts.is_empty()).then(|| {
        "a power cut in a hook runs it again, from its start; JUMP_TRY tells it how often it was begun"
            .to_owned()
    })
}

/// What stands against the job's hooks.
pub(super) fn refusals(input: &Input<'_>) -> Vec<Refusal> {
    let wishes = input.job.all_hooks();
    let mut refusals: Vec<Refusal> = too_many(&wishes).into_iter().collect();
    refusals.extend(twice(&wishes));
    for (wish, script) in wishes.iter().zip(input.scripts) {
        refusals.extend(consequence(wish));
        refusals.extend(timeout(input, wish));
        refusals.extend(too_large(wish, script));
        refusals.extend(interpreter(input, wish, script));
    }
    refusals
}

fn planned(input: &Input<'_>) -> Vec<Hook> {
    let wishes = input.job.all_hooks().into_iter().zip(input.scripts);
    let numbered = (1..).zip(wishes);
    numbered
        .map(|(number, (wish, script))| Hook {
            number,
            at: wish.at,
            size: script.text.len() as u64,
            digest: Digest::of(script.text.as_bytes()),
            timeout: wish.timeout,
            on_failure: wish.consequence(),
            name: wish.run,
        })
        .collect()
}

/// How messages call it.
fn called(wish: &HookWish) -> String {
    format!("the hook {} ({})", wish.run, wish.at)
}

fn impossible(message: String, hint: &str) -> Refusal {
    Refusal::new(RefusalCode::HookImpossible, message, hint)
}

fn too_many(wishes: &[HookWish]) -> Option<Refusal> {
    (wishes.len() > MOST_HOOKS).then(|| {
        let message = format!(
            "the job has {} hooks; {MOST_HOOKS} are the most",
            wishes.len()
        );
        impossible(message, "let one script do the work of several")
    })
}

fn twice(wishes: &[HookWish]) -> Vec<Refusal> {
    let mut times: BTreeMap<(Joint, &str), usize> = BTreeMap::new();
    for wish in wishes {
        *times.entry((wish.at, &wish.run)).or_default() += 1;
    }
    let several = times.into_iter().filter(|(_, times)| *times > 1);
    several
        .map(|((at, run), _)| {
            impossible(
                format!("the job names the hook {run} at the joint {at} more than once"),
                "name it there once",
            )
        })
        .collect()
}

fn consequence(wish: &HookWish) -> Option<Refusal> {
    let may = wish.at.consequences();
    let wanted = wish.on_failure.filter(|wanted| !may.contains(wanted))?;
    let may: Vec<_> = may.iter().map(|it| format!("\"{}\"", it.name())).collect();
    Some(impossible(
        format!(
            "{}: on_failure = \"{}\" cannot be had there",
            called(wish),
            wanted.name()
        ),
        &format!("leave on_failure out, or say {}", may.join(" or ")),
    ))
}

fn timeout(input: &Input<'_>, wish: &HookWish) -> Option<Refusal> {
    let most = input.job.longest_hook(wish.at);
    if (SHORTEST_WAIT..=most).contains(&wish.timeout.0) {
        return None;
    }
    let timeout = String::from(wish.timeout);
    let most = String::from(Wait(most));
    let wait = match wish.at {
        Joint::Prep | Joint::Saved | Joint::Finished => None,
        Joint::Committed | Joint::Restored => Some("replace"),
        Joint::Firstboot => Some("health"),
    };
    let (message, hint) = match wait.filter(|_| wish.timeout.0 > SHORTEST_WAIT) {
        Some(wait) => (
            format!("may take {timeout}, and its whole stage no more than {most}"),
            format!("give it a shorter timeout, or a longer [wait] {wait}"),
        ),
        None => (
            format!("may take {timeout}, which is out of bounds"),
            format!("choose a timeout from 5s to {most}"),
        ),
    };
    let message = format!("{} {message}", called(wish));
    Some(Refusal::new(RefusalCode::HookTimeout, message, hint))
}

fn too_large(wish: &HookWish, script: &Script) -> Option<Refusal> {
    let size = script.text.len() as u64;
    (size > LARGEST_HOOK).then(|| {
        impossible(
            format!(
                "{} has {}; {} are the most",
                called(wish),
                Size(size),
                Size(LARGEST_HOOK)
            ),
            "put what it needs into the image, and let it be a script",
        )
    })
}

fn interpreter(input: &Input<'_>, wish: &HookWish, script: &Script) -> Option<Refusal> {
    let (there, system): (&BTreeSet<String>, String) = match wish.at {
        Joint::Prep | Joint::Saved => (&input.facts.interpreters, "the old system".to_owned()),
        Joint::Committed => {
            let image = input.jump;
            (
                &image.interpreters,
                format!("the jump image {}", image.manifest.name),
            )
        }
        Joint::Restored | Joint::Firstboot | Joint::Finished => {
            let image = input.target;
            (
                &image.interpreters,
                format!("the target image {}", image.manifest.name),
            )
        }
    };
    (!script.interpreter.is_among(there)).then(|| {
        Refusal::new(
            RefusalCode::HookInterpreter,
            format!("{} is run by {}, which {system} does not have", called(wish), script.interpreter),
            match wish.at {
                Joint::Prep | Joint::Saved => "let it begin with an interpreter that the node has, e.g. #!/bin/sh",
                _ => "let it begin with an interpreter that the image has, e.g. #!/bin/sh, or install this one in the golden root and build the image again",
            },
        )
    })
}

#[cfg(test)]
mod tests;
