//! Inside a crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::files::{Files, Module};

/// The crates, with their rooms from top to bottom where they have some: an arrow runs within a
/// room or down. A room is a module with all below it, or a file. Files outside of all rooms stand
/// above them.
const CRATES: &[(&str, &[&[&str]])] = &[
    (
        "jumpinit",
        &[
            &["old_system", "jump_system", "new_system"],
            &["conduct"],
            &["steps"],
            &["boot"],
            &["hand"],
            &["run"],
            &["orders"],
            &["node"],
        ],
    ),
    (
        "crates/jumpspec",
        &[
            &["fuzzing"],
            &["answers", "render"],
            &["fleet", "planner"],
            &["selector", "run"],
            &["plan"],
            &["node::remote", "node::same"],
            &["node::fstab"],
            &["node::facts"],
            &["image"],
            &["node::public_key"],
            &[
                "node::accounts",
                "node::authorized",
                "node::first_boot",
                "node::identity",
                "node::luks",
                "node::network",
                "node::os_release",
                "node::selinux",
                "node::sshd",
                "node::starting",
            ],
            &["conversion"],
            &["step", "boot", "nextrel"],
            &["hook"],
            &["job"],
            &["disk"],
            &["words", "places"],
        ],
    ),
    (
        "crates/jumparchive",
        &[
            &["foreign", "copy"],
            &["pack", "unpack"],
            &["image"],
            &["tree"],
            &["tar"],
            &["error"],
        ],
    ),
    (
        "crates/jumpsys",
        &[
            &["boot"],
            &["files"],
            &["disk"],
            &["kernel", "network"],
            &["cmd"],
            &["error"],
        ],
    ),
    (
        "jumpimg",
        &[
            &["convert"],
            &["jump2nr"],
            &[
                "node::abort",
                "node::check",
                "node::logs",
                "node::push",
                "node::resume",
                "node::status",
            ],
            &["node::fleets"],
            &["node::fleet"],
            &["node::phases"],
            &["node::lookout"],
            &["node::agent", "node::several", "node::supplies"],
            &["node::tools", "node::image_files", "node::tell"],
            &["node::recorder"],
            &[
                "node::args",
                "node::nodes",
                "node::run_dir",
                "node::heard",
                "node::job_file",
            ],
            &["node::ssh", "node::random"],
            &[
                "image::adopt",
                "image::diff",
                "image::inspect",
                "image::verify",
            ],
            &["image::build"],
            &["image::weight"],
            &[
                "image::packages",
                "image::elf",
                "image::homes",
                "image::in_memory",
                "image::open",
                "image::output",
                "image::programs",
            ],
            &["html", "terminal"],
            &["error"],
        ],
    ),
    (
        "crates/jumplab",
        &[
            &["experiments"],
            &["legacy", "small"],
            &["journey"],
            &["vm"],
            &["images"],
            &["dist", "golden"],
            &["mirror", "packages"],
            &["acted", "cache", "interrupt", "process", "random", "run"],
            &["statistics", "table", "workspace"],
        ],
    ),
    (
        "xtask",
        &[
            &["cli"],
            &["bench", "demo", "mutants", "test"],
            &["faults", "fuzz", "vm"],
            &["machinery", "timeline"],
        ],
    ),
];

fn files(name: &str) -> Files {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Files::read(&workspace.expect("a workspace").join(name).join("src"))
}

fn shown(module: &Module) -> String {
    if module.is_empty() {
        return "the root".to_owned();
    }
    module.join("::")
}

/// The room that a file is in, by its path, with the floor that it is on, counted from the top.
fn room<'a>(rooms: &[&[&'a str]], module: &Module) -> (usize, &'a str) {
    let within = |room: &str| {
        room.split("::")
            .eq(module.iter().take(room.split("::").count()))
    };
    let floors = rooms.iter().enumerate();
    let mut found = floors.filter_map(|(floor, rooms)| {
        let room = rooms.iter().find(|room| within(room))?;
        Some((floor + 1, *room))
    });
    found.next().unwrap_or_default()
}

/// The arrows that run up, or between two rooms of one floor.
fn wrong_arrows(files: &Files, rooms: &[&[&str]]) -> Vec<String> {
    let arrows = files.arrows();
    let wrong = arrows.iter().filter(|(from, to)| {
        let (above, below) = (room(rooms, from), room(rooms, to));
        above.0 > below.0 || above.0 == below.0 && above.1 != below.1
    });
    wrong
        .map(|(from, to)| format!("{} → {}", shown(from), shown(to)))
        .collect()
}

fn circles(files: &Files) -> Vec<String> {
    let circles = files.circles();
    let words = |circle: &BTreeSet<Module>| circle.iter().map(shown).collect::<Vec<_>>().join(", ");
    circles.iter().map(words).collect()
}

#[test]
fn no_files_lead_to_each_other_in_a_circle() {
    for (name, _) in CRATES {
        let files = files(name);
        println!(
            "{name}: {} files, {} arrows",
            files.len(),
            files.arrows().len()
        );
        assert_eq!(circles(&files), Vec::<String>::new(), "in {name}");
    }
}

#[test]
fn no_arrow_runs_up_between_rooms() {
    for (name, rooms) in CRATES {
        assert_eq!(
            wrong_arrows(&files(name), rooms),
            Vec::<String>::new(),
            "in {name}"
        );
    }
}

#[test]
fn a_planted_circle_is_found_however_it_is_written() {
    for back in [
        "use crate::run::context::Context;",
        "use crate::run::{reporter::Reporter, context::{self, Context}};",
        "use super::super::run::context as it; fn f() { it::g() }",
        "use crate::run; fn f() { ensure!(run::context::g(), \"\") }",
        "use crate::run::Context;",
    ] {
        let files = Files::of(&[
            ("", "mod run; mod steps;"),
            (
                "run",
                "pub mod context; pub mod reporter; pub use context::Context;",
            ),
            ("run::reporter", ""),
            (
                "run::context",
                "fn g() -> bool { crate::steps::apply::apply() }",
            ),
            ("steps", "pub mod apply;"),
            ("steps::apply", back),
        ]);
        assert_eq!(circles(&files), ["run::context, steps::apply"], "{back}");
        let up = wrong_arrows(&files, &[&["steps"], &["run"]]);
        assert_eq!(up, ["run::context → steps::apply"], "{back}");
    }
}

#[test]
fn every_room_that_has_a_floor_is_there() {
    for (name, rooms) in CRATES {
        let files = files(name);
        for room in rooms.concat() {
            assert!(files.has(room), "{name} has no {room}");
        }
    }
}

#[test]
fn every_file_of_the_pure_crate_has_a_floor() {
    let name = "crates/jumpspec";
    let rooms = CRATES.iter().find(|it| it.0 == name).expect("its rooms").1;
    let holds_rooms = |module: &Module| {
        let within = format!("{}::", module.join("::"));
        rooms.concat().iter().any(|room| room.starts_with(&within))
    };
    let files = files(name);
    let outside = files.modules().filter(|module| {
        room(rooms, module) == Default::default() && !module.is_empty() && !holds_rooms(module)
    });
    let outside: Vec<String> = outside.map(shown).collect();
    assert_eq!(outside, Vec::<String>::new(), "give it a floor in CRATES");
}

/// An arrow between two rooms of an otherwise empty crate.
fn arrow(from: &str, to: &str) -> Files {
    let mut texts = BTreeMap::new();
    for room in [from, to] {
        let ends = room.match_indices("::").map(|(end, _)| end);
        texts.extend(ends.map(|end| (&room[..end], "")));
    }
    let planted = format!("fn f() {{ crate::{to}::g() }}");
    texts.extend([(to, ""), (from, &planted)]);
    Files::of(&Vec::from_iter(texts))
}

#[test]
fn a_planted_arrow_is_wrong_unless_it_runs_down() {
    for (name, rooms) in CRATES {
        let floors = || rooms.iter().enumerate();
        let all = || floors().flat_map(|(floor, rooms)| rooms.iter().map(move |it| (floor, *it)));
        for (from_floor, from) in all() {
            for (to_floor, to) in all().filter(|(_, to)| *to != from) {
                let wrong = wrong_arrows(&arrow(from, to), rooms);
                let planted = format!("{from} → {to}");
                let runs_down = from_floor < to_floor;
                let expected = if runs_down { vec![] } else { vec![planted] };
                assert_eq!(wrong, expected, "in {name}");
            }
        }
    }
}

#[test]
fn an_arrow_up_is_found_through_what_the_root_shows() {
    let files = Files::of(&[
        ("", "mod image; mod tar; pub use image::opened::Image;"),
        ("image", "pub(crate) mod opened;"),
        ("image::opened", "pub struct Image;"),
        ("tar", "use crate::Image;"),
    ]);
    let wrong = wrong_arrows(&files, &[&["image"], &["tar"]]);
    assert_eq!(wrong, ["tar → image::opened"]);
}

#[test]
fn a_parent_and_its_child_and_what_is_for_tests_make_no_circle() {
    let files = Files::of(&[
        (
            "",
            "mod a; mod b; #[cfg(test)] mod tests { use crate::a::x; }",
        ),
        (
            "a",
            "mod inner; use inner::X; #[cfg(test)] use crate::b::x;",
        ),
        ("a::inner", "use super::helper;"),
        ("b", "use crate::a;"),
    ]);
    assert_eq!(circles(&files), Vec::<String>::new());
}
