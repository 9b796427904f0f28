//! Nodes in user-mode Linux: stage, replace and finish without firmware, and what an admin does
//! besides pushing. The test looks at the disk between two boots and then boots what GRUB would.

mod admin;
mod fleet;
mod journey;
mod secrets;
mod staged;

use jump_tests::machines::{self, Case};
use jumplab::vm::loader::{EMU, FSTEST};

/// Guests at once: each keeps one processor busy.
const AT_ONCE: usize = 2;

fn main() {
    let case = |name, run: fn() -> anyhow::Result<()>| Case {
        name,
        needs: &["/dev/net/tun", EMU, FSTEST],
        is_long: false,
        run: Box::new(run),
    };
    machines::run(
        AT_ONCE,
        vec![
            case("stage_replace_and_finish", journey::uninterrupted),
            case("a_fleet_of_six_goes_on_around_what_fails", fleet::of_six),
            case(
                "a_fleet_ends_at_its_canary_where_the_image_is_broken",
                fleet::of_a_broken_image,
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
