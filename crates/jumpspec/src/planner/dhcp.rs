//! What can be known beforehand of the addresses that DHCP servers will give.

use super::Input;
use crate::image::kind::Kind;
use crate::node::network::{Link, NetworkStack, strangers};

/// What an admin should know.
pub(super) fn notes(input: &Input<'_>) -> Vec<String> {
    let network = &input.facts.network;
    let mut notes: Vec<String> = network
        .links
        .iter()
        .filter(|link| link.is_used() && link.dhcp4 && link.client_id.is_none())
        .map(|link| {
            format!(
                "what {} asks its DHCP server as is not known: jump and the new system ask as its hardware address {}; {}",
                link.name,
                link.mac,
                otherwise(input, link)
            )
        })
        .collect();
    for (kind, stack) in stacks(input) {
        for (link, id) in strangers(stack, network) {
            notes.push(format!(
                "{} asks its DHCP server as {id}, which the {kind} system's network stack cannot: it asks as the hardware address; {}",
                link.name,
                otherwise(input, link)
            ));
        }
    }
    notes
}

/// The network stacks that will ask.
fn stacks(input: &Input<'_>) -> Vec<(Kind, NetworkStack)> {
    let target = input.target.manifest.network.first();
    let target = target.filter(|_| input.job.save.network);
    let jump = input.jump.manifest.network.first();
    [(Kind::Jump, jump), (Kind::Target, target)]
        .into_iter()
        .filter_map(|(kind, stack)| Some((kind, *stack?)))
        .collect()
}

/// What comes of another address.
fn otherwise(input: &Input<'_>, link: &Link) -> String {
    if !input.job.network.same_addresses || link.leased.is_empty() {
        return "it may get another address".to_owned();
    }
    let had: Vec<String> = link.leased.iter().map(|had| had.ip.to_string()).collect();
    format!(
        "with another address than {} jump goes back to the old system",
        had.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample::{facts, job, planned};
    use crate::job::Job;
    use crate::node::network::ClientId;
    use crate::plan::Plan;

    fn told(plan: &Plan, words: &str) -> bool {
        plan.notes.iter().any(|note| note.contains(words))
    }

    #[test]
    fn a_client_identifier_that_is_not_known_is_told_with_what_comes_of_it() {
        let mut facts = facts();
        assert!(!told(&planned(&facts, &job()).unwrap(), "DHCP"));
        facts.network.links[0].client_id = None;
        let plan = planned(&facts, &job()).unwrap();
        assert!(told(
            &plan,
            "what ens3 asks its DHCP server as is not known"
        ));
        assert!(told(
            &plan,
            "with another address than 10.0.2.15 jump goes back"
        ));
    }

    #[test]
    fn a_client_identifier_that_a_stack_cannot_send_is_told_for_each_system() {
        let mut facts = facts();
        facts.network.links[0].client_id = ClientId::of_text("node07");
        let plan = planned(&facts, &job()).unwrap();
        assert!(told(&plan, "which the jump system's network stack cannot"));
        assert!(told(
            &plan,
            "which the target system's network stack cannot"
        ));
    }

    #[test]
    fn the_proof_asks_for_the_same_addresses_unless_the_job_says_otherwise() {
        let mut job = job();
        let may_change = |job: &Job| planned(&facts(), job).unwrap().network.unwrap().may_change;
        assert!(!may_change(&job));
        job.network.same_addresses = false;
        assert!(may_change(&job));
    }

    #[test]
    fn the_address_of_the_login_is_asked_for() {
        let mut facts = facts();
        facts.ssh_address = Some([10, 0, 2, 15].into());
        let network = planned(&facts, &job()).unwrap().network.unwrap();
        assert_eq!(network.login, facts.ssh_address);
    }
}
