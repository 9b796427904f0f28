//! The plan as people see it before anything happens: the disk before and after, the
//! steps system by system, what is lost and what stays. Text only; no line is wider
//! than [`WIDTH`] unless the node's own names are.

mod bar;
mod partitions;

use std::fmt::Write as _;

use crate::facts::{Facts, SECTOR, TableKind};
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::size::Size;
use crate::step::Step;

/// Columns of the drawing: what a serial console and a mail still show.
pub const WIDTH: usize = 80;

/// Draws `plan` for the node with these facts.
pub fn plan(plan: &Plan, facts: &Facts) -> String {
    let mut out = String::new();
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
pub fn refusals(node: &str, refusals: &[Refusal]) -> String {
    refusals.iter().fold(String::new(), |mut out, refusal| {
        line(
            &mut out,
            format_args!("error: {node}: {} [{}]", refusal.message, refusal.code),
        );
        line(&mut out, format_args!("hint: {}", refusal.hint));
        out
    })
}

fn title(out: &mut String, plan: &Plan, facts: &Facts) {
    let (old, new) = (&facts.os.pretty_name, &plan.images.target.os);
    if plan.rehearsal {
        line(
            out,
            format_args!(
                "{}: a rehearsal: {old} reboots into the jump system, which proves itself and reboots into {old}",
                plan.hostname
            ),
        );
    } else {
        line(out, format_args!("{}: {old} becomes {new}", plan.hostname));
    }
    line(
        out,
        format_args!(
            "run {} by way of {} on {}",
            plan.run, plan.images.jump.os, plan.landing.device
        ),
    );
}

fn disk(out: &mut String, plan: &Plan, facts: &Facts) {
    let disk = &plan.disk;
    let kind = match disk.table {
        TableKind::Mbr => "MBR",
        TableKind::Gpt => "GPT",
    };
    let size = Size(disk.sectors * SECTOR);
    let table = if disk.rewrite {
        "the partition table is written anew"
    } else {
        "the partition table stays"
    };
    line(
        out,
        format_args!("\n{}, {size}, {kind}; {table}", disk.device),
    );
    let segments = partitions::before(plan, facts);
    out.push_str(&bar::draw("before", disk.sectors, &segments, WIDTH));
    let segments = partitions::after(plan);
    out.push_str(&bar::draw("after", disk.sectors, &segments, WIDTH));
    out.push('\n');
    out.push_str(&partitions::table(plan, facts));
}

fn steps(out: &mut String, plan: &Plan) {
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
        line(out, format_args!("\n{system}"));
        for step in *steps {
            number += 1;
            line(out, format_args!("{number:>4}  {step}"));
        }
    }
}

fn list(out: &mut String, heading: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    line(out, format_args!("\n{heading}"));
    for item in items {
        line(out, format_args!("  - {item}"));
    }
}

/// Appends a line. Writing to a string cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").ok();
}

#[cfg(test)]
mod tests;
