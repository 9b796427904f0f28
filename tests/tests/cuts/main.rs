//! Power cuts all over a jump: nodes of the small world, killed at drawn instants and booted again until
//! they settle, as `cargo xtask power-cuts` does it by the thousand.

use anyhow::{Context as _, Result};
use jump_tests::machines::{self, Case};
use jumplab::experiments::power_cuts::{self, BootsBy, Landing, Options};
use jumplab::vm::loader;

/// How many cuts of which nodes: what they boot by, and what their jump system lands on. `JUMP_CUTS` says
/// another number for all of them.
const CUTS: [(&str, BootsBy, Landing, usize); 6] = [
    (
        "no_node_is_lost_by_a_power_cut_in_any_stage",
        BootsBy::Bios,
        Landing::Swap,
        24,
    ),
    (
        "no_node_is_lost_whose_landing_partition_is_made",
        BootsBy::Bios,
        Landing::Free,
        6,
    ),
    (
        "no_node_is_lost_that_boots_by_a_uefi",
        BootsBy::Uefi,
        Landing::Swap,
        5,
    ),
    (
        "no_node_is_lost_that_boots_by_a_uefi_and_whose_landing_partition_is_made",
        BootsBy::Uefi,
        Landing::Free,
        2,
    ),
    (
        "no_node_is_lost_whose_jump_system_lies_in_memory",
        BootsBy::Uefi,
        Landing::Esp,
        3,
    ),
    (
        "no_node_is_lost_that_boots_by_a_bios_and_whose_jump_system_lies_in_memory",
        BootsBy::Bios,
        Landing::Boot,
        3,
    ),
];
/// The instants are the same every time, as far as timing allows.
const SEED: u64 = 2026;

fn main() {
    machines::run(
        1,
        CUTS.map(|(name, firmware, landing, count)| Case {
            name,
            needs: &["/dev/net/tun", loader::EMU, loader::FSTEST],
            is_long: false,
            run: Box::new(move || all_stages(firmware, landing, count)),
        })
        .into(),
    );
}

fn all_stages(firmware: BootsBy, landing: Landing, count: usize) -> Result<()> {
    let count = match std::env::var("JUMP_CUTS") {
        Ok(count) => count.parse().context("JUMP_CUTS is a number")?,
        Err(_) => count,
    };
    power_cuts::cut(&Options {
        count,
        stage: None,
        landing,
        firmware,
        seed: SEED,
        jobs: 2,
        keep: false,
        json: false,
    })
}
