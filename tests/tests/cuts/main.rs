//! Power cuts all over a jump: nodes of the small world, killed at drawn instants and booted again until
//! they settle, as `cargo xtask power-cuts` does it by the thousand.

use anyhow::{Context as _, Result};
use jump_tests::machines::{self, Case};
use jumplab::experiments::power_cuts::{self, Landing, Options};
use jumplab::vm::loader;

/// How many cuts of nodes that lend their swap partition; `JUMP_CUTS` says otherwise.
const COUNT: usize = 30;
/// How many of nodes whose landing partition is made in free room.
const COUNT_FREE: usize = 10;
/// The instants are the same every time, as far as timing allows.
const SEED: u64 = 2026;

fn main() {
    machines::run(
        1,
        [
            (
                "no_node_is_lost_by_a_power_cut_in_any_stage",
                Landing::Swap,
                COUNT,
            ),
            (
                "no_node_is_lost_whose_landing_partition_is_made",
                Landing::Free,
                COUNT_FREE,
            ),
        ]
        .map(|(name, landing, count)| Case {
            name,
            needs: &["/dev/net/tun", loader::EMU, loader::FSTEST],
            is_long: false,
            run: Box::new(move || all_stages(landing, count)),
        })
        .into(),
    );
}

fn all_stages(landing: Landing, count: usize) -> Result<()> {
    let count = match std::env::var("JUMP_CUTS") {
        Ok(count) => count.parse().context("JUMP_CUTS is a number")?,
        Err(_) => count,
    };
    power_cuts::cut(&Options {
        count,
        stage: None,
        landing,
        seed: SEED,
        jobs: 2,
        keep: false,
        json: false,
    })
}
