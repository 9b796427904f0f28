//! Power cuts all over a jump: nodes of the small world, killed at drawn instants and booted again until
//! they settle, as `cargo xtask power-cuts` does it by the thousand.

use anyhow::{Context as _, Result};
use jump_tests::machines::{self, Case};
use jumplab::experiments::power_cuts::{self, Options};
use jumplab::vm::loader;

/// How many cuts; `JUMP_CUTS` says otherwise.
const COUNT: usize = 40;
/// The instants are the same every time, as far as timing allows.
const SEED: u64 = 2026;

fn main() {
    machines::run(
        1,
        vec![Case {
            name: "no_node_is_lost_by_a_power_cut_in_any_stage",
            needs: &["/dev/net/tun", loader::EMU, loader::FSTEST],
            is_long: false,
            run: Box::new(all_stages),
        }],
    );
}

fn all_stages() -> Result<()> {
    let count = match std::env::var("JUMP_CUTS") {
        Ok(count) => count.parse().context("JUMP_CUTS is a number")?,
        Err(_) => COUNT,
    };
    power_cuts::cut(&Options {
        count,
        stage: None,
        seed: SEED,
        jobs: 2,
        keep: false,
        json: false,
    })
}
