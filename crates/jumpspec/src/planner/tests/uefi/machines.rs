//! Machines as they stand in racks, and what an admin is told of each before anything happens to it.

mod rack;

use crate::plan::{Plan, PlannedFilesystem};
use crate::planner::refusal::Refusal;
use crate::planner::tests::uefi::node::sample;
use crate::run::task::StepId;
use crate::step::Step;
use rack::{FIRST, MACHINES};

/// What is told of a machine, a line for each thing.
type Told = Vec<String>;

fn of_plan(plan: &Plan) -> Told {
    let boot = plan.boot.uefi().expect("a UEFI's");
    let numbers = boot.order.0.iter().map(ToString::to_string);
    let is_esp = |it: &&PlannedFilesystem| it.number == boot.esp.number;
    let esp = plan.filesystems.iter().find(is_esp);
    let esp = match &boot.beside {
        None => esp.expect("it is mounted").fs.clone(),
        Some(disk) => format!("of {}", disk.device),
    };
    let (start, sectors) = (boot.esp.extent.start, boot.esp.extent.sectors);
    let swap = plan.landing.swap();
    let after = match swap {
        Some(_) => "swap again at the end",
        None if plan.landing.is_made() => "made for the run",
        None if plan.landing.is_in_memory() => "which boots it in memory",
        None => "empty at the end",
    };
    let mut told = vec![
        format!("lands on {}, {after}", plan.landing.device),
        format!("old boots by {}, {}", boot.old_entry, boot.old),
        format!("jump boots by {}", boot.entry),
        format!(
            "new boots by {} {:?}, {}",
            boot.new_entry, boot.new_name, boot.new
        ),
        format!("order {}", numbers.collect::<Vec<_>>().join(" ")),
        format!(
            "the EFI system partition is {} at blocks {start}+{sectors}, {esp} on {} then",
            boot.esp.number, boot.mount
        ),
    ];
    let fstab = plan.fstab.lines().filter(|line| line.contains("vfat"));
    told.extend(fstab.map(|line| format!("fstab: {line}")));
    let lists = [
        ("destroyed", &plan.destroyed),
        ("kept", &plan.kept),
        ("not promised", &plan.not_promised),
        ("note", &plan.notes),
    ];
    let lists = lists
        .into_iter()
        .flat_map(|(name, lines)| lines.iter().map(move |line| format!("{name}: {line}")));
    told.extend(lists);
    let steps = &plan.steps;
    let systems = [
        ("old", &steps.old),
        ("jump", &steps.prove),
        ("jump, committed", &steps.replace),
        ("new", &steps.new),
    ];
    let systems = systems.iter().filter(|(_, steps)| !steps.is_empty());
    told.extend(systems.map(|(name, steps)| format!("{name}: {}", in_order(steps))));
    told
}

fn in_order(steps: &[Step]) -> String {
    let names = steps.iter().map(|step| {
        let name = serde_json::to_value(StepId::from(step)).expect("a name");
        name.as_str().expect("a text").to_owned()
    });
    names.collect::<Vec<_>>().join(" ")
}

fn of_refusals(refusals: &[Refusal]) -> Told {
    let lines = refusals.iter().flat_map(|it| {
        [
            format!("[{}] {}", it.code, it.message),
            format!("hint: {}", it.hint),
        ]
    });
    lines.collect()
}

/// Against what is told of the first: a plan is read by what is other in it.
fn against(first: &Told, told: &Told) -> String {
    let gone = first.iter().filter(|line| !told.contains(line));
    let come = told.iter().filter(|line| !first.contains(line));
    let gone = gone.map(|line| format!("  - {line}\n"));
    let other: String = gone
        .chain(come.map(|line| format!("  + {line}\n")))
        .collect();
    if other.is_empty() {
        "jumps as the first, and is told the same\n".to_owned()
    } else {
        format!("jumps as the first, but:\n{other}")
    }
}

fn lines(told: &Told) -> String {
    format!("  {}\n", told.join("\n  "))
}

#[test]
fn an_admin_is_told_of_each_machine_what_becomes_of_it_or_what_to_do() {
    let first = of_plan(&sample().planned().unwrap());
    let mut pages = vec![format!("== {FIRST}\njumps:\n{}", lines(&first))];
    for (name, change) in MACHINES {
        let mut sample = sample();
        change(&mut sample);
        let told = match sample.planned() {
            Ok(plan) => against(&first, &of_plan(&plan)),
            Err(refusals) => format!("refused:\n{}", lines(&of_refusals(&refusals))),
        };
        pages.push(format!("== {name}\n{told}"));
    }
    assert!(MACHINES.len() >= 20);
    insta::assert_snapshot!(pages.join("\n"));
}
