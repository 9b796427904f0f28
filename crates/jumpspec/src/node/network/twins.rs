//! Links that have one hardware address: a virtual function may have its host's, and on Azure and
//! Hyper-V each does. What else tells them apart is what udev says of them.

use serde::{Deserialize, Serialize};

use super::{Link, Network};

/// What tells a link from the others that have its hardware address, as systemd.link(5),
/// systemd.network(5) and nm-settings(5) can match it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// udev's `ID_NET_DRIVER`.
    Driver(String),
    /// udev's `ID_PATH`.
    Path(String),
}

impl Sign {
    /// For the `[Match]` of systemd's files.
    pub(super) fn systemd(&self) -> String {
        match self {
            Self::Driver(driver) => format!("Driver={driver}\n"),
            Self::Path(path) => format!("Path={path}\n"),
        }
    }

    /// A section of NetworkManager's key files.
    pub(super) fn keyfile(&self) -> String {
        match self {
            Self::Driver(driver) => format!("\n[match]\ndriver={driver};\n"),
            Self::Path(path) => format!("\n[match]\npath={path};\n"),
        }
    }
}

/// The other hardware links with the address of the link at `index`.
pub(super) fn twins(network: &Network, index: usize) -> impl Iterator<Item = &Link> {
    let of = network.links.get(index);
    let others = network.links.iter().enumerate();
    let others = others.filter(move |(at, _)| *at != index);
    others.map(|(_, other)| other).filter(move |other| {
        let same = |link: &Link| link.mac.eq_ignore_ascii_case(&other.mac);
        other.virtual_kind.is_none() && of.is_some_and(same)
    })
}

/// What tells the link at `index` from all its twins, if anything does.
pub(super) fn sign(network: &Network, index: usize) -> Option<Sign> {
    let link = network.links.get(index)?;
    // The driver first: where a function is plugged in may change with the firmware.
    let own = |of: fn(&Link) -> Option<&String>| {
        let mine = of(link).filter(|mine| is_plain(mine))?;
        let differs = |twin: &Link| of(twin).is_some_and(|other| other != mine);
        twins(network, index).all(differs).then(|| mine.clone())
    };
    let driver = own(|link| link.driver.as_ref()).map(Sign::Driver);
    driver.or_else(|| own(|link| link.bus_path.as_ref()).map(Sign::Path))
}

/// Neither a pattern nor two words for whoever matches it.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:+".contains(&byte);
    !text.is_empty() && text.bytes().all(plain)
}
