//! The plan as people see it before anything happens: the disk before and after, the
//! steps system by system, what is lost and what stays. Text only; no line is wider
//! than [`WIDTH`] unless the node's own names are.

mod bar;
mod event;
pub mod page;
mod partitions;
mod status;
mod words;

pub use event::{coded, console, event, seconds};
pub use status::{status, status_line};

use crate::disk::TableKind;
use crate::node::facts::Facts;
use crate::plan::Plan;
use crate::planner::refusal::Refusal;
use crate::render::page::Page;
use crate::run::task::Task;
use crate::step::Step;
use crate::words::size::Size;

/// Columns of the drawing: what a serial console and a mail still show.
pub const WIDTH: usize = 80;

/// Draws `plan` for the node with these facts.
pub fn plan(plan: &Plan, facts: &Facts) -> Page {
    let mut out = Page::default();
    title(&mut out, plan, facts);
    if !plan.rehearsal {
        disk(&mut out, plan, facts);
    }
    steps(&mut out, plan);
    list(&mut out, "destroyed", &plan.destroyed);
    list(&mut out, "kept", &plan.kept);
    list(&mut out, "not promised", &plan.not_promised);
    list(&mut out, "note", &plan.notes);
    out
}

/// Refusals, two lines each: what stands against the node with its code, what to do.
pub fn refusals(node: &str, refusals: &[Refusal]) -> Page {
    let mut out = Page::default();
    for refusal in refusals {
        out.line(format_args!(
            "error: {node}: {} [{}]",
            refusal.message, refusal.code
        ));
        out.line(format_args!("hint: {}", refusal.hint));
    }
    out
}

fn title(out: &mut Page, plan: &Plan, facts: &Facts) {
    let (old, new) = (&facts.os.pretty_name, &plan.images.target.os);
    if plan.landing.is_volatile() {
        out.line(format_args!(
            "{}: a rehearsal in memory: kexec starts the jump system from {old}; it proves itself and resets the machine, which boots {old}",
            plan.hostname
        ));
    } else if plan.rehearsal {
        out.line(format_args!(
            "{}: a rehearsal: {old} reboots into the jump system, which proves itself and reboots into {old}",
            plan.hostname
        ));
    } else {
        out.line(format_args!("{}: {old} becomes {new}", plan.hostname));
    }
    let place = if plan.landing.is_in_memory() {
        "in memory".to_owned()
    } else {
        format!("on {}", plan.landing.device)
    };
    out.line(format_args!(
        "run {} by way of {} {place}",
        plan.run, plan.images.jump.os
    ));
}

fn disk(out: &mut Page, plan: &Plan, facts: &Facts) {
    let disk = &plan.disk;
    let kind = match disk.table {
        TableKind::Mbr => "MBR",
        TableKind::Gpt => "GPT",
    };
    let size = Size::of_sectors(disk.sectors);
    let table = if disk.rewrite {
        "the partition table is written anew"
    } else {
        "the partition table stays"
    };
    out.blank();
    out.line(format_args!("{}, {size}, {kind}; {table}", disk.device));
    let before = bar::draw(
        "before",
        disk.sectors,
        &partitions::before(plan, facts),
        WIDTH,
    );
    let after = bar::draw("after", disk.sectors, &partitions::after(plan), WIDTH);
    for row in before.iter().chain(&after) {
        out.line(row);
    }
    out.blank();
    for row in partitions::table(plan, facts) {
        out.line(row);
    }
}

fn steps(out: &mut Page, plan: &Plan) {
    let steps = &plan.steps;
    let systems: [(&str, &[Step]); 4] = [
        ("on the old system", &steps.old),
        (
            "on the jump system; until its commit a failure leads back",
            &steps.prove,
        ),
        ("on the jump system, unattended", &steps.replace),
        ("on the new system", &steps.new),
    ];
    let mut number = 0;
    for (system, steps) in systems.iter().filter(|(_, steps)| !steps.is_empty()) {
        out.blank();
        out.line(system);
        for step in *steps {
            number += 1;
            out.line(format_args!("{number:>4}  {}", Task::from(step)));
            if let Step::Hook(hook) = step {
                out.line(format_args!("        {}", words::terms(hook)));
            }
        }
    }
}

fn list(out: &mut Page, heading: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    out.blank();
    out.line(heading);
    for item in items {
        out.line(format_args!("  - {item}"));
    }
}

#[cfg(test)]
mod tests;
