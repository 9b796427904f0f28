//! What the files of several network stacks have in common.

use super::{Link, Sign};

/// What Ethernet has unless told otherwise (RFC 894).
pub(super) const ETHERNET_MTU: u32 = 1500;

/// The `[Match]` section of systemd's files for a link.
pub(super) fn matching(link: &Link) -> String {
    let sign = link.sign.as_ref().map(Sign::systemd).unwrap_or_default();
    format!("[Match]\nMACAddress={}\nType=ether\n{sign}", link.mac)
}

/// The path of a link's file: before the distribution's own in the order of names.
pub(super) fn path(index: usize, link: &Link, folder: &str, extension: &str) -> String {
    let mac = link.mac.replace(':', "").to_ascii_lowercase();
    format!("{folder}/10-carried-{index}-{mac}.{extension}")
}
