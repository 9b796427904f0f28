//! Which of a node's links are set up again, and which are left to whatever makes them.

use std::net::IpAddr;

use super::check::{carrier, check, check_link};
use super::twins::{sign, twins};
use super::{Link, Network, NetworkRefusal, Sign};

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
            Ok(sign) => {
                links.push(Link {
                    sign,
                    ..link.clone()
                });
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

/// Whether the link can be set up again, with what it is then known by besides its hardware address.
fn fitness(network: &Network, index: usize, link: &Link) -> Result<Option<Sign>, NetworkRefusal> {
    if let Some((link, kind)) = carrier(link) {
        let (name, kind) = (link.name.clone(), kind.to_owned());
        return Err(NetworkRefusal::Virtual { name, kind });
    }
    if link.virtual_kind.is_some() {
        return Ok(None);
    }
    check_link(link)?;
    let Some(twin) = twins(network, index).next() else {
        return Ok(None);
    };
    // One that nobody uses is not worth a name that might become the other's.
    let sign = sign(network, index).filter(|_| link.is_used());
    sign.map(Some).ok_or_else(|| NetworkRefusal::SameMac {
        first: link.name.clone(),
        second: twin.name.clone(),
    })
}
