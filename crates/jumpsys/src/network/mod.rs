//! The network: links and addresses of this node, and the keys that an SSH server shows.
//!
//! Opens sockets only. Keeps no configuration and writes none; the one change is
//! [`netlink::link_up`].

pub mod hostkey;
pub mod netlink;
