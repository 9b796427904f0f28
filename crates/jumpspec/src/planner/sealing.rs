//! Volumes that a TPM opens. It measures what boots, and hands a key out that is bound to that only
//! where it is the same: by way of the selector it is not, on a UEFI (PCR 1, 4, 5, 7) nor on a BIOS,
//! whose boot sector is measured too. The old system would wait for a passphrase.

use crate::node::facts::Facts;
use crate::node::luks::{CRYPTTAB, LuksVolume, Seal, UNREADABLE};
use crate::planner::refusal::{Refusal, RefusalCode};

/// What stands against a jump of a node with such volumes.
pub(super) fn refusals(facts: &Facts) -> Vec<Refusal> {
    let bound = facts.luks.iter();
    let bound = bound.filter_map(|volume| Some((volume, volume.bound()?)));
    bound.map(|(volume, seal)| refusal(volume, seal)).collect()
}

fn refusal(volume: &LuksVolume, seal: &Seal) -> Refusal {
    let when = if volume.at_boot {
        "is opened at boot"
    } else {
        "is open"
    };
    let device = &volume.device;
    Refusal::new(
        RefusalCode::TpmSealed,
        format!(
            "{device} (LUKS) {when}, {}: by way of the selector it boots otherwise, and the old system would not open it any more",
            by_what(seal)
        ),
        format!(
            "for the time of the jump bind its key to no PCR (`systemd-cryptenroll --wipe-slot=tpm2 --tpm2-device=auto --tpm2-pcrs= {device}`, or `clevis luks bind` with tpm2 '{{}}'); or close it, and take it out of /etc/crypttab"
        ),
    )
}

fn by_what(seal: &Seal) -> String {
    match (seal.by.as_str(), &seal.pcrs) {
        (UNREADABLE, _) => {
            "and what opens it cannot be read: it may be a TPM that wants the machine to boot as it did"
                .to_owned()
        }
        (CRYPTTAB, _) => {
            "by a TPM (/etc/crypttab says so), which may want the machine to boot as it did".to_owned()
        }
        (by, None) => {
            format!("by a TPM ({by}), which may want the machine to boot as it did")
        }
        (by, Some(pcrs)) => {
            let pcrs: Vec<String> = pcrs.iter().map(ToString::to_string).collect();
            format!(
                "by a TPM that wants the machine to boot as it did ({by}, PCR {})",
                pcrs.join(", ")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::sample::{facts, job, planned};

    fn volume(by: &str, pcrs: impl Into<Option<Vec<u32>>>) -> LuksVolume {
        LuksVolume {
            device: "/dev/vdb1".to_owned(),
            is_open: true,
            at_boot: false,
            seals: vec![Seal {
                by: by.to_owned(),
                pcrs: pcrs.into(),
            }],
        }
    }

    /// What is said of a node with this volume.
    fn said(volume: LuksVolume) -> Vec<String> {
        let mut facts = facts();
        facts.luks = vec![volume];
        let refusals = planned(&facts, &job()).err().unwrap_or_default();
        let said = refusals.iter().map(|it| {
            assert_eq!(it.code, RefusalCode::TpmSealed);
            format!("{}\nhint: {}", it.message, it.hint)
        });
        said.collect()
    }

    #[test]
    fn refuses_a_volume_that_a_tpm_opens_for_this_boot_alone() {
        insta::assert_snapshot!(said(volume("systemd-tpm2", vec![7, 11])).join("\n"));
        for by in ["clevis", UNREADABLE, CRYPTTAB] {
            assert_eq!(said(volume(by, None)).len(), 1, "{by}");
        }
    }

    #[test]
    fn a_volume_that_is_opened_however_the_node_boots_or_not_at_all_is_no_reason() {
        assert_eq!(said(volume("clevis", Vec::new())), Vec::<String>::new());
        let closed = LuksVolume {
            is_open: false,
            ..volume("systemd-tpm2", vec![7])
        };
        assert_eq!(said(closed), Vec::<String>::new());
    }
}
