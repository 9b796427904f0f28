//! Network drivers that an image has and that could not start in it, whatever the machine.

use serde::{Deserialize, Serialize};

/// Modules whose probe fails without a file of firmware, by their source in Linux 6.1 (`request_firmware`
/// whose failure is returned). Many others ask for some and do without, or have it in the device.
pub const WANT_FIRMWARE: [&str; 9] = [
    "acenic", "bna", "bnx2", "bnx2x", "kaweth", "liquidio", "qed", "tehuti", "typhoon",
];

/// A driver that cannot start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfitDriver {
    /// Its module, as the kernel calls it: with underscores.
    pub module: String,
    /// Files of firmware that it, or what it is built upon, asks for, if the image has none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firmware: Vec<String>,
    /// Modules that it is built upon and that the image does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<String>,
}

/// The name of the module in a file `…/name.ko`, packed or not.
pub fn module(path: &str) -> Option<String> {
    let (_, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (name, _) = file.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_called_with_underscores_however_its_file_is_packed() {
        let name = |path| module(path);
        assert_eq!(
            name("kernel/drivers/net/xen-netfront.ko.xz").as_deref(),
            Some("xen_netfront")
        );
        assert_eq!(name("bnx2.ko").as_deref(), Some("bnx2"));
        assert_eq!(name("kernel/drivers/net/README"), None);
    }
}
