//! Which of a node's links are set up again, and which are left to whatever makes them.

use std::net::IpAddr;

use super::check::{carrier, check, check_link};
use super::{Link, Network, NetworkRefusal};

/// A network that can be set up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Without the links that cannot.
    pub network: Network,
    /// Names of links that are up and have addresses, and are not set up again.
    pub left: Vec<String>,
}

/// Leaves out what cannot be set up again and carries neither the admin's `login` (the node's own
/// address in it) nor a default route. Where the login is not known, every link with an address may
/// carry it.
///
/// # Errors
/// When the node would not be reached without a link that cannot be set up again.
pub fn settle(network: &Network, login: Option<IpAddr>) -> Result<Settled, NetworkRefusal> {
    let login = login.filter(|login| is_placed(network, *login));
    let (mut links, mut left) = (Vec::new(), Vec::new());
    for (index, link) in network.links.iter().enumerate() {
        let made_by_others = match fitness(network, index, link) {
            Ok(()) => {
                links.push(link.clone());
                link.virtual_kind.is_some()
            }
            Err(refusal) if is_essential(link, login) => return Err(refusal),
            Err(_) => true,
        };
        if made_by_others && link.up && link.has_address() {
            left.push(link.name.clone());
        }
    }
    let network = Network {
        links,
        ..network.clone()
    };
    check(&network)?;
    Ok(Settled { network, left })
}

/// Whether the link that has `login` can be named: by a static address, or because it is one of
/// those that got theirs, which are essential anyway.
fn is_placed(network: &Network, login: IpAddr) -> bool {
    let may_have = |link: &Link| has(link, login) || link.dhcp4 || link.auto6;
    network.links.iter().any(may_have)
}

fn has(link: &Link, login: IpAddr) -> bool {
    link.addresses.iter().any(|address| address.ip == login)
}

fn is_essential(link: &Link, login: Option<IpAddr>) -> bool {
    let carries = |login| has(link, login) || link.has_default_route();
    link.up && link.has_address() && login.is_none_or(carries)
}

fn fitness(network: &Network, index: usize, link: &Link) -> Result<(), NetworkRefusal> {
    if let Some((link, kind)) = carrier(link) {
        let (name, kind) = (link.name.clone(), kind.to_owned());
        return Err(NetworkRefusal::Virtual { name, kind });
    }
    if link.virtual_kind.is_some() {
        return Ok(());
    }
    check_link(link)?;
    let others = network.links.iter().enumerate();
    let twin = |(at, other): &(usize, &Link)| {
        *at != index && other.virtual_kind.is_none() && other.mac.eq_ignore_ascii_case(&link.mac)
    };
    others.into_iter().find(twin).map_or(Ok(()), |(_, other)| {
        let (first, second) = (link.name.clone(), other.name.clone());
        Err(NetworkRefusal::SameMac { first, second })
    })
}
