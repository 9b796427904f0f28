//! The network of the jump system and of the new one, each by its own stack, and whether anybody could
//! log in by it.

use super::refusal::{Refusal, RefusalCode};
use super::{ImageFile, Input};
use crate::node::network::{NetworkRefusal, render, settle};
use crate::plan::PlannedNetwork;

/// Both networks; none where the jump image has no network stack, which is refused with the image.
pub(super) fn network(input: &Input<'_>) -> Result<Option<PlannedNetwork>, Refusal> {
    if !input.facts.authorized_keys && input.job.jump.authorized_keys.is_empty() {
        return Err(Refusal::new(
            RefusalCode::NoWayIn,
            "root's authorized_keys on this node hold no key that gives a shell, so nobody could log \
             in to the jump system",
            "name a public key file with [jump] authorized_keys = […]",
        ));
    }
    let facts = input.facts;
    let settled = settle(&facts.network, facts.ssh_address);
    let settled = settled.map_err(|refusal| network_refusal(&refusal))?;
    let stack = |image: &ImageFile| image.manifest.network.first().copied();
    let Some(jump) = stack(input.jump) else {
        return Ok(None);
    };
    let target = stack(input.target).filter(|_| input.job.save.network);
    let files = |stack| {
        let files = render(stack, &settled.network);
        files.map_err(|refusal| network_refusal(&refusal))
    };
    Ok(Some(PlannedNetwork {
        jump,
        jump_files: files(jump)?,
        target,
        target_files: target.map_or(Ok(Vec::new()), files)?,
        network: settled.network,
        may_change: !input.job.network.same_addresses,
        login: input.facts.ssh_address,
    }))
}

fn network_refusal(refusal: &NetworkRefusal) -> Refusal {
    let hint = match refusal {
        NetworkRefusal::SameMac { .. } => {
            "give one of them another hardware address, or take it away (a virtual function: unbind its driver)"
        }
        _ => "jump this node another way; bonds, bridges and VLANs cannot be set up again yet",
    };
    Refusal::new(RefusalCode::NetworkUnsupported, refusal.to_string(), hint)
}
