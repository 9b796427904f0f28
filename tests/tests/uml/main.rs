//! Nodes in user-mode Linux: stage, replace and finish without firmware. The test looks at the disk
//! between two boots and then boots what the loader would.

mod fallback;
mod journey;
#[path = "../machines/mod.rs"]
mod machines;
mod secrets;
mod selector;
mod staged;
mod stuck;
mod trial;

use machines::Case;
use xtask::vm::UML_KERNEL;

fn main() {
    let case = |name, run| Case {
        name,
        needs: &[UML_KERNEL, "/dev/net/tun"],
        is_long: false,
        run,
    };
    machines::run(vec![
        case("stage_replace_and_finish", journey::uninterrupted),
        case(
            "a_power_cut_while_unpacking_is_made_good",
            journey::power_cut,
        ),
        case(
            "the_old_system_comes_back_when_jump_has_no_network",
            fallback::no_network,
        ),
        case(
            "jump_stays_up_and_says_why_after_a_failed_step",
            stuck::failed_hook,
        ),
        case(
            "row_34_jump_comes_back_from_the_new_systems_emergency_shell",
            trial::row_34_emergency,
        ),
        case(
            "row_36_jump_comes_back_when_the_new_system_has_no_sshd",
            trial::row_36_without_sshd,
        ),
    ]);
}
