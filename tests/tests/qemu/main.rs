//! Nodes in QEMU, with firmware and GRUB: the whole journey, and the one that comes back.

mod armed;
mod converted;
mod dry_run;
mod fallback;
mod in_boot;
mod in_memory;
mod journey;
mod pushed;
mod samples;
mod stopped;
mod uefi;
mod updates;

use anyhow::Result;
use jump_tests::machines::{self, Case};
use jumplab::journey::{BOOT, Job};
use jumplab::run;
use jumplab::vm::loader::{EMU, FSTEST};
use jumplab::vm::{Hardware, Machine};

/// Machines at once: without KVM each keeps a processor busy, and the other stages want one too.
const AT_ONCE: usize = 1;
const QEMU: &str = "/usr/bin/qemu-system-x86_64";

fn main() {
    let case = |name, run: fn() -> anyhow::Result<()>| Case {
        name,
        needs: &[QEMU],
        is_long: false,
        run: Box::new(run),
    };
    let long = |name, run| Case {
        is_long: true,
        ..case(name, run)
    };
    // What the journey leaves is wanted by others.
    machines::run(
        AT_ONCE,
        vec![
            case("debian_12_becomes_debian_13_on_an_mbr_disk", journey::mbr),
            case(
                "the_old_system_comes_back_when_the_kernel_of_jump_is_missing",
                fallback::kernel_missing,
            ),
            long(
                "fault_9_the_machines_watchdog_resets_a_jump_system_that_hangs",
                fallback::jumpinit_hangs,
            ),
            case(
                "the_new_system_is_upgraded_by_its_own_tools_and_boots",
                journey::upgrade,
            ),
            Case {
                needs: &[QEMU, EMU, FSTEST],
                ..case(
                    "faults_2_17_29_31_41_any_write_order_boots_what_is_promised",
                    journey::write_orders,
                )
            },
            long(
                "a_rehearsal_in_memory_comes_back_and_leaves_the_disk_as_it_was",
                in_memory::rehearse,
            ),
            long(
                "fault_76_a_rehearsal_in_memory_whose_kernel_panics_comes_back",
                in_memory::panics,
            ),
            long(
                "fault_76_a_rehearsal_in_memory_that_hangs_comes_back_by_the_watchdog",
                in_memory::hangs,
            ),
            long("debian_12_becomes_debian_13_on_a_gpt_disk", journey::gpt),
            long("the_samples_of_2009_jump_a_node_of_2009", samples::jump),
            long(
                "a_rehearsal_leads_a_node_of_2009_back_to_grub_legacy",
                converted::rehearse,
            ),
            long(
                "the_job_made_of_the_samples_jumps_a_node_of_2009",
                converted::push,
            ),
            long("debian_12_becomes_debian_13_by_uefi_on_nvme", uefi::nvme),
            long(
                "debian_12_becomes_debian_13_with_secure_boot",
                uefi::secure_boot,
            ),
            long(
                "debian_12_becomes_debian_13_on_sectors_of_4096_bytes",
                uefi::large_sectors,
            ),
            long(
                "a_power_cut_in_the_replacement_by_a_system_in_memory_is_outlived",
                uefi::in_memory,
            ),
            long(
                "a_machine_that_stops_while_what_boots_it_is_written_boots_what_is_promised",
                stopped::stops,
            ),
            long(
                "a_power_cut_in_the_replacement_by_a_system_booted_from_boot_is_outlived",
                in_boot::journey,
            ),
        ],
    );
}

/// What `jumpimg status` says. A machine that is translated may still be too busy with its boot for a whole
/// conversation.
fn status(machine: &mut Machine, job: &Job) -> Result<String> {
    let mut status = String::new();
    machine.wait_for("jumpimg status answers", BOOT, |machine| {
        let said = run::capture(&mut job.status(machine.ssh_config()));
        status = said.unwrap_or_default();
        Ok(!status.is_empty())
    })?;
    Ok(status)
}

/// The machine where nothing of jump's works on several processors at once: with one, a boot takes a
/// quarter less of the host's, and no longer.
fn one_processor() -> Hardware {
    Hardware {
        cpus: 1,
        ..Hardware::default()
    }
}
