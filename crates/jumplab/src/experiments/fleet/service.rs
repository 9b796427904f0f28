//! How many nodes are out of service at once. Pure.

use std::collections::BTreeMap;

use jumpspec::fleet::{Entry, What};

use crate::acted::{Change, Moment};

/// The most that were at once: from the order to reboot, until the node is its new system, its old one
/// again, or stays in jump, or until the fleet has given up on it.
pub(super) fn most_out(moments: &[Moment], entries: &[Entry]) -> usize {
    let given_up: BTreeMap<&str, u64> = entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Failed { node, .. } => Some((node.as_str(), entry.at)),
            _ => None,
        })
        .collect();
    let mut out: BTreeMap<&str, u64> = BTreeMap::new();
    let mut most = 0;
    for moment in moments {
        let node = moment.node.as_str();
        match moment.change {
            Change::Reboot => {
                out.insert(node, given_up.get(node).copied().unwrap_or(u64::MAX));
                out.retain(|_, until| *until >= moment.at);
                most = most.max(out.len());
            }
            Change::Finished | Change::Old | Change::Stuck => {
                out.remove(node);
            }
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_given_up_on_gives_its_slot_back() {
        let moment = |at, node: &str, change| Moment {
            at,
            node: node.to_owned(),
            change,
            text: String::new(),
        };
        let moments = [
            moment(1, "a", Change::Reboot),
            moment(2, "b", Change::Reboot),
            moment(5, "b", Change::Finished),
            moment(9, "c", Change::Reboot),
        ];
        assert_eq!(most_out(&moments, &[]), 2);
        let later = [moments[0].clone(), moments[3].clone()];
        let what = What::Failed {
            node: "a".to_owned(),
            code: "silent".to_owned(),
            message: String::new(),
            apart: false,
        };
        assert_eq!(most_out(&later, &[Entry { at: 8, what }]), 1);
        assert_eq!(most_out(&later, &[]), 2);
    }
}
