//! What needs a real block device, tried on loop devices. A test that cannot run says so on a line
//! of its own and counts as ignored.

mod commits;
mod device;
mod erasing;
mod filesystems;
mod sealing;
mod tables;

use std::path::Path;

use jumpsys::kernel::system;
use libtest_mimic::{Arguments, Trial};

/// One test; where it cannot run, a line says so and it counts as ignored.
fn trial(name: String, lacks: Option<String>, run: impl FnOnce() + Send + 'static) -> Trial {
    let lacks = if system::is_root() {
        lacks
    } else {
        Some("not root".to_owned())
    };
    if let Some(why) = &lacks {
        println!("skipped: {name}: {why}");
    }
    let ignored = lacks.is_some();
    Trial::test(name, move || {
        run();
        Ok(())
    })
    .with_ignored_flag(ignored)
}

fn main() {
    let tests: [(&str, fn()); 14] = [
        (
            "a_durable_write_has_left_the_devices_cache",
            commits::a_durable_write_has_left_the_devices_cache,
        ),
        (
            "a_durable_write_that_does_not_read_back_is_an_error",
            commits::a_durable_write_that_does_not_read_back_is_an_error,
        ),
        (
            "tables_of_both_kinds_become_partitions",
            tables::tables_of_both_kinds_become_partitions,
        ),
        (
            "a_gpt_of_large_blocks_is_told_in_sectors",
            tables::a_gpt_of_large_blocks_is_told_in_sectors,
        ),
        (
            "a_mounted_partition_may_stay_and_may_not_move",
            tables::a_mounted_partition_may_stay_and_may_not_move,
        ),
        (
            "a_partition_that_somebody_looks_into_goes_once_he_has_looked",
            tables::a_partition_that_somebody_looks_into_goes_once_he_has_looked,
        ),
        (
            "swap_over_another_file_system_is_swap_alone",
            filesystems::swap_over_another_file_system_is_swap_alone,
        ),
        (
            "what_somebody_looks_into_is_unmounted_once_he_has_looked",
            filesystems::what_somebody_looks_into_is_unmounted_once_he_has_looked,
        ),
        (
            "a_journal_lives_on_a_partition",
            sealing::a_journal_lives_on_a_partition,
        ),
        (
            "sealed_files_are_nobodys_once_their_key_is_erased",
            sealing::sealed_files_are_nobodys_once_their_key_is_erased,
        ),
        (
            "what_was_written_to_a_file_system_is_erased_also_after_a_cut",
            erasing::what_was_written_to_a_file_system_is_erased_also_after_a_cut,
        ),
        (
            "boot_sector_and_core_are_written_and_taken_back",
            tables::boot_sector_and_core_are_written_and_taken_back,
        ),
        (
            "what_is_settled_is_read_without_the_journal",
            commits::what_is_settled_is_read_without_the_journal,
        ),
        (
            "a_forgotten_freeze_thaws",
            commits::a_forgotten_freeze_thaws,
        ),
    ];
    let mut trials: Vec<Trial> = tests
        .into_iter()
        .map(|(name, run)| trial(name.to_owned(), None, run))
        .collect();
    for (fs, arguments) in filesystems::MADE {
        let program = filesystems::program(fs);
        let missing = !Path::new(&program).exists();
        let lacks = missing.then(|| format!("no {program}"));
        let name = format!("what_mkfs_makes_is_what_we_and_blkid_find_{fs}");
        trials.push(trial(name, lacks, move || {
            filesystems::what_mkfs_makes_is_what_we_and_blkid_find(fs, arguments);
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
