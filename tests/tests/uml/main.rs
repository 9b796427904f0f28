//! Nodes in user-mode Linux: stage, replace and finish without firmware. The test looks at the disk
//! between two boots and then boots what GRUB would.

mod admin;
mod fallback;
mod journey;
mod secrets;
mod staged;
mod stuck;
mod trial;

use jump_tests::machines::{self, Case};
use xtask::vm::UML_KERNEL;
use xtask::vm::loader::{EMU, FSTEST};

fn main() {
    let case = |name, run: fn() -> anyhow::Result<()>| Case {
        name,
        needs: &[UML_KERNEL, "/dev/net/tun", EMU, FSTEST],
        is_long: false,
        run: Box::new(run),
    };
    machines::run(
        1,
        vec![
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
            case(
                "a_rehearsal_proves_a_real_node_and_leaves_it_as_it_was",
                admin::rehearsal,
            ),
            case(
                "an_armed_node_is_taken_back_from_another_admin_host",
                admin::abort_armed,
            ),
            case(
                "a_jump_system_that_waits_for_its_admin_is_taken_back",
                admin::abort_proving,
            ),
            case(
                "a_stuck_jump_system_goes_on_by_another_job",
                admin::resume_by_another_job,
            ),
        ],
    );
}
