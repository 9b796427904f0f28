//! What an image would make of a node at its first boot: machinery of clouds and installers
//! that gives a machine a name, keys and accounts, and so undoes what was carried over. Each
//! has a switch of its own that keeps it still.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::relpath::RelPath;

/// Machinery that was found in an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Machinery {
    /// cloud-init: host name, host keys, accounts, network, partitions, from whatever data
    /// source it finds on the node.
    CloudInit,
    /// Microsoft's agent for Azure: host name, host keys, root's password.
    Waagent,
    /// Ignition, which partitions and writes files before the root is entered.
    Ignition,
    /// Ignition and Combustion as SUSE starts them, by GRUB's configuration.
    IgnitionOfSuse,
    /// cloud-initramfs-growroot, which makes the root's partition larger.
    Growroot,
    /// systemd takes the boot for the first of a new machine: it enables and disables units by
    /// their presets, and systemd-firstboot asks on the console.
    FirstBoot,
    /// A unit that gives the machine another identity.
    Unit {
        /// Its name.
        unit: String,
    },
    /// Something that a newer `jumpimg build` knows.
    #[serde(other)]
    Unknown,
}

/// A switch: what is done to a root so that a machinery keeps still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "set", rename_all = "kebab-case")]
pub enum Switch {
    /// A file that is there, empty if it was not.
    Present {
        /// The file.
        path: RelPath,
    },
    /// A file that is not there.
    Absent {
        /// The file.
        path: RelPath,
    },
    /// A line `key=value` in a file of settings.
    Setting {
        /// The file.
        path: RelPath,
        /// What is set.
        key: String,
        /// To what.
        value: String,
    },
    /// A unit that cannot be started: systemctl(1), `mask`.
    Mask {
        /// Its name.
        unit: String,
    },
}

/// What is switched off in both systems.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// In the jump system.
    pub jump: Vec<Switch>,
    /// In the new system.
    pub target: Vec<Switch>,
}

impl Machinery {
    /// The machinery's own documented switches; none for what is not known.
    ///
    /// cloud-init: "How to disable cloud-init" of its documentation. waagent: its README,
    /// `Provisioning.Agent`, and `Provisioning.Enabled` of versions before 2.2.45. Ignition:
    /// the flag file that its GRUB configuration looks for, and SUSE's `firstboot_happened`.
    /// growroot: `growroot-disabled` of the cloud-init configuration reference. systemd:
    /// machine-id(5), "First Boot Semantics": an empty file is no first boot.
    pub fn switches(&self) -> Vec<Switch> {
        match self {
            Self::CloudInit => present("etc/cloud/cloud-init.disabled"),
            Self::Waagent => [
                ("Provisioning.Agent", "disabled"),
                ("Provisioning.Enabled", "n"),
            ]
            .into_iter()
            .filter_map(|(key, value)| {
                Some(Switch::Setting {
                    path: "etc/waagent.conf".parse().ok()?,
                    key: key.to_owned(),
                    value: value.to_owned(),
                })
            })
            .collect(),
            Self::Ignition => "boot/ignition.firstboot"
                .parse()
                .map(|path| Switch::Absent { path })
                .into_iter()
                .collect(),
            Self::IgnitionOfSuse => present("boot/writable/firstboot_happened"),
            Self::Growroot => present("etc/growroot-disabled"),
            Self::FirstBoot => present("etc/machine-id"),
            Self::Unit { unit } if is_unit_name(unit) => vec![Switch::Mask { unit: unit.clone() }],
            Self::Unit { .. } | Self::Unknown => Vec::new(),
        }
    }
}

/// systemd.unit(5), "Valid unit names".
fn is_unit_name(name: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
    name.bytes().all(sound) && name.contains('.') && !name.starts_with('.')
}

fn present(path: &str) -> Vec<Switch> {
    let path = path.parse().map(|path| Switch::Present { path });
    path.into_iter().collect()
}

impl fmt::Display for Machinery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CloudInit => f.write_str("cloud-init"),
            Self::Waagent => f.write_str("the Azure Linux agent's provisioning"),
            Self::Ignition => f.write_str("Ignition"),
            Self::IgnitionOfSuse => f.write_str("Ignition and Combustion"),
            Self::Growroot => f.write_str("growroot"),
            Self::FirstBoot => f.write_str("systemd's first boot"),
            Self::Unit { unit } => f.write_str(unit),
            Self::Unknown => f.write_str("something that this version does not know"),
        }
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present { path } => write!(f, "{} is there", path.absolute()),
            Self::Absent { path } => write!(f, "{} is not there", path.absolute()),
            Self::Setting { path, key, value } => {
                write!(f, "{key}={value} in {}", path.absolute())
            }
            Self::Mask { unit } => write!(f, "{unit} is masked"),
        }
    }
}

/// The names of what was found, for people to read.
pub fn names(found: &[Machinery]) -> String {
    let names: Vec<String> = found.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// `text` with the line `key=value` in place of every other setting of `key`, or at its end.
pub fn with_setting(text: &str, key: &str, value: &str) -> String {
    let is_of_key = |line: &str| {
        let (name, _) = line.split_once('=').unwrap_or_default();
        name.trim() == key
    };
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| !is_of_key(line))
        .map(str::to_owned)
        .collect();
    lines.push(format!("{key}={value}"));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Machinery; 6] = [
        Machinery::CloudInit,
        Machinery::Waagent,
        Machinery::Ignition,
        Machinery::IgnitionOfSuse,
        Machinery::Growroot,
        Machinery::FirstBoot,
    ];

    #[test]
    fn all_that_is_known_has_a_switch_and_nothing_else_has() {
        assert!(KNOWN.iter().all(|known| !known.switches().is_empty()));
        assert!(Machinery::Unknown.switches().is_empty());
    }

    #[test]
    fn machinery_of_a_newer_version_is_read_as_unknown() {
        let read = |text| serde_json::from_str::<Machinery>(text).unwrap();
        assert_eq!(read(r#"{"kind":"cloud-init"}"#), Machinery::CloudInit);
        assert_eq!(read(r#"{"kind":"robot","arms":2}"#), Machinery::Unknown);
    }

    #[test]
    fn a_setting_replaces_all_of_its_key_and_no_comment() {
        let text = "# Provisioning.Agent=auto\nProvisioning.Agent = auto\nLogs.Verbose=n\nProvisioning.Agent=waagent\n";
        let set = with_setting(text, "Provisioning.Agent", "disabled");
        assert_eq!(
            set,
            "# Provisioning.Agent=auto\nLogs.Verbose=n\nProvisioning.Agent=disabled\n"
        );
        assert_eq!(with_setting(&set, "Provisioning.Agent", "disabled"), set);
        assert_eq!(with_setting("", "a", "b"), "a=b\n");
    }
}
