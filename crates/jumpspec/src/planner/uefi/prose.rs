//! What an admin should know of a node's firmware before a run.

use super::order_step;
use crate::boot::uefi::UefiBoot;
use crate::job::FirmwareProof;
use crate::planner::Input;
use crate::step::Step;

/// Where Windows has its loader on an EFI system partition.
const WINDOWS: &str = "EFI/Microsoft";

/// What firmware may do that no run can answer for.
pub(in crate::planner) fn not_promised(input: &Input<'_>, uefi: &UefiBoot) -> String {
    let shown = if shows_the_order(input) {
        "twice before the commit"
    } else {
        "before the commit"
    };
    let forgets = match (uefi.fallback, input.rehearsal.is_some()) {
        (true, false) => "comes by the fallback path to the jump system, as long as that is there",
        (true, true) => "finds nothing at the fallback path",
        (false, _) => "starts what others have at the fallback path",
    };
    let unseen = if input.rehearsal.is_some() {
        "a firmware that does what nobody told it to".to_owned()
    } else {
        format!("a firmware that does by itself what it did not do {shown}")
    };
    format!("{unseen}: one that forgets its entries {forgets}")
}

/// What else to know.
pub(in crate::planner) fn notes(input: &Input<'_>) -> Vec<String> {
    let notes = [taken_on_trust(input), beside_windows(input)];
    notes.into_iter().flatten().collect()
}

fn shows_the_order(input: &Input<'_>) -> bool {
    order_step(input) == Step::FollowOrder
}

/// A proof that is left out.
fn taken_on_trust(input: &Input<'_>) -> Option<String> {
    let found = input.facts.uefi.as_ref()?;
    if input.rehearsal.is_some() || shows_the_order(input) {
        return None;
    }
    let why = match input.job.prove.firmware {
        FirmwareProof::Once => "as the job says".to_owned(),
        _ => format!(
            "as this host has seen firmware like this one do it: {}",
            found.model
        ),
    };
    Some(format!(
        "that the firmware follows BootOrder is taken on trust before the commit, {why} ([prove] firmware = \"twice\" has it shown)"
    ))
}

/// Its updates, and some firmware (rhboot/efibootmgr 19), put its entry in front by themselves.
fn beside_windows(input: &Input<'_>) -> Option<String> {
    let mut esps = input.facts.uefi.as_ref()?.esps.iter();
    let esp = esps.find(|esp| esp.has_any(WINDOWS))?;
    Some(format!(
        "Windows has its loader on {}: where it, or a firmware that prefers it, puts its entry first, the node boots it instead, until `efibootmgr --bootorder` says otherwise",
        esp.device
    ))
}
