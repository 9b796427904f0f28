//! The fault matrix: each of its rows that virtual hardware allows, tried on a node of
//! the small world. A fault is injected from outside; then what GRUB chooses is booted again and again,
//! until the node has settled where the matrix says, answers SSH there, and tells why.
//!
//! Rows 17 and 31 are also tried write by write, and the power cuts of 1, 19, 21,
//! 22, 29 and 41 by the hundred, each in a stage of their own.

mod bench;
mod check;
mod copy;
mod edit;
mod files;
mod foreseen;
mod hooks;
mod in_boot;
mod in_memory;
mod jump;
mod lab;
mod loader;
mod made;
mod new;
mod old;
mod replace;
mod two_disks;
mod uefi;

use bench::Bench;
use jump_tests::machines::{self, Case};
use jumplab::experiments::faults::ONLY;
use jumplab::vm::loader::{EMU, FSTEST};

/// Guests at once: they wait more than they work.
const AT_ONCE: usize = 3;
const NEEDS: &[&str] = &["/dev/net/tun", EMU, FSTEST];

/// Tries a row.
type Test = fn(&mut Bench) -> anyhow::Result<()>;

/// The tests, by their names.
const TESTS: &[(&str, Test)] = &[
    ("row_09_jump_hangs", jump::hangs),
    ("row_27_jumpinit_is_killed", replace::killed),
    ("row_01_power_cut_while_staging", old::power_cut),
    ("row_02_power_cut_while_arming", loader::arming),
    ("row_03_environment_block_is_garbage", loader::environment),
    ("row_04_landing_that_grub_cannot_write", check::landing),
    (
        "row_03_block_is_garbage_right_after_the_commit",
        loader::after_commit,
    ),
    ("row_05_loader_scripts_are_garbage", loader::scripts),
    ("row_06_jump_kernel_is_damaged", loader::kernel),
    ("row_07_jump_initramfs_is_cut", loader::initramfs),
    ("row_08_jumps_init_dies", jump::init_dies),
    ("row_10_no_network_interface", jump::no_interface),
    ("row_11_wrong_address", jump::wrong_address),
    ("row_12_jumps_sshd_fails", jump::sshd_fails),
    ("row_13_no_driver_for_the_disk", jump::no_root),
    ("row_14_disks_are_others", jump::disks),
    ("row_15_image_is_damaged", jump::image_damaged),
    ("row_15_received_image_is_damaged", old::received_damaged),
    ("row_16_another_image_in_its_place", jump::image_exchanged),
    ("row_17_power_cut_at_the_first_commit", loader::commit),
    (
        "row_19_power_cut_at_the_partition_table",
        replace::cut_table,
    ),
    ("row_20_kernel_keeps_the_old_table", replace::busy_partition),
    ("row_21_power_cut_in_mkfs", replace::cut_mkfs),
    ("row_22_power_cut_while_unpacking", replace::cut_unpack),
    ("row_23_no_space_and_no_inodes", replace::no_space),
    ("row_24_write_error", replace::write_error),
    ("row_25_read_error_on_the_image", replace::read_error),
    ("row_26_silent_corruption", replace::corrupted),
    ("row_27_little_memory", replace::little_memory),
    ("row_28_journal_is_torn", replace::journal),
    ("row_29_power_cut_at_the_new_loader", replace::cut_grub),
    ("row_30_grub_install_fails", replace::grub_install),
    ("row_31_power_cut_at_the_second_commit", new::second_commit),
    ("row_32_new_system_panics", new::panics),
    ("row_33_root_uuid_is_wrong", new::wrong_root),
    ("row_35_check_tells_of_no_watchdog", check::watchdog),
    ("row_34_emergency_shell", new::emergency),
    ("row_36_no_way_into_the_new_system", new::unreachable),
    ("row_37_host_names", check::host_names),
    ("row_38_saved_files_are_lost", replace::saved_files),
    ("row_39_admin_host_goes_away", old::admin_goes_away),
    ("row_40_a_false_mark_of_success", new::false_mark),
    ("row_41_power_cut_while_swap_is_made", new::cut_swap),
    ("row_42_two_admin_hosts", check::two_hosts),
    ("row_43_reboot_loop", replace::reboot_loop),
    ("row_44_clock_is_wrong", jump::clock),
    ("row_45_landing_is_lost", new::landing_lost),
    (
        "row_45_unsound_and_no_landing",
        new::landing_lost_and_unsound,
    ),
    ("row_46_another_node_answers", new::another_node),
    ("row_48_waits_out_of_bounds", foreseen::limits),
    ("row_50_a_hook_never_ends", replace::takes_too_long),
    ("row_52_power_cut_before_mkfs", old::cut_before_mkfs),
    ("row_53_contents_are_unknown", foreseen::unknown_content),
    ("row_54_swap_does_not_fit_into_memory", foreseen::memory),
    ("row_55_jumpinit_is_killed_while_staging", old::killed),
    ("row_57_kernel_has_another_table", foreseen::stale_table),
    ("row_58_names_stand_twice", foreseen::clone),
    ("row_64_another_lease", jump::another_lease),
    ("row_65_old_hook_fails", hooks::fails_on_old),
    ("row_65_committed_hook_fails", hooks::fails_after_the_commit),
    ("row_65_firstboot_hook_fails", hooks::fails_in_first_boot),
    ("row_66_hooks_are_cut", hooks::cut),
    ("row_66_old_hook_is_cut", hooks::cut_on_old),
    ("row_67_power_cuts_in_a_copy_and_behind_it", copy::power_cut),
    ("row_68_a_copy_fails", copy::fails),
    ("row_65_restored_hook_fails", hooks::fails_in_the_new_root),
    ("row_70_cut_where_the_landing_is_made", made::cut),
    ("row_70_abort_where_the_landing_is_made", made::taken_back),
    ("row_76_landing_made_on_a_second_disk", two_disks::landing),
    ("row_76_esp_on_a_second_disk", two_disks::esp),
    ("row_18_the_firmware_ignores_variables", uefi::ignored),
    ("row_72_an_esp_is_half_written", uefi::half_written),
    ("row_75_store_of_variables_is_full", uefi::full),
    ("row_75_efivars_become_read_only", uefi::read_only),
    ("row_71_an_installers_medium", uefi::medium),
    ("row_03_block_is_torn_on_the_esp", in_memory::environment),
    ("row_03_block_is_torn_on_boot", in_boot::environment),
    ("row_70_abort_of_a_root_on_boot", in_boot::taken_back),
    ("row_73_a_root_on_boot_is_damaged", in_boot::root_damaged),
    ("row_74_an_image_is_lost_on_a_bios", in_boot::image_lost),
    ("row_36_unsound_after_a_jump_in_memory", in_memory::unsound),
    ("row_70_abort_of_a_root_in_memory", in_memory::taken_back),
    (
        "row_73_a_root_in_memory_is_damaged",
        in_memory::root_damaged,
    ),
    ("row_74_an_image_in_memory_is_lost", in_memory::image_lost),
    ("row_69_files_of_templates_are_cut", files::cut),
    ("row_69_a_file_of_a_template_fails", files::fails),
];

fn main() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let is_wanted = |name: &str| only.is_empty() || only.split(',').any(|row| is_of(name, row));
    let wanted = TESTS.iter().filter(|(name, _)| is_wanted(name));
    let cases = wanted.map(|&(name, run)| Case {
        name,
        needs: NEEDS,
        is_long: false,
        run: Box::new(move || Bench::new(name)?.run(run)),
    });
    machines::run(AT_ONCE, cases.collect());
}

/// Whether the test `row_NN_…` is of the row NN.
fn is_of(name: &str, row: &str) -> bool {
    name.strip_prefix("row_")
        .is_some_and(|rest| rest.starts_with(row))
}
