//! The job file: what the admin wants of every node. TOML.

mod copies;
mod fleet;
mod hooks;
mod host_table;
mod landing;
mod layout;
mod template;
pub mod variables;
mod wait;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::relpath::RelPath;

pub use copies::{CopyTo, CopyWish};
pub use fleet::{
    Amount, Canary, DrainWish, FleetWish, Pause, Percent, StopWish, Straggler, UnreachableWish,
};
pub use hooks::{HookWish, Hooks, Joint, LARGEST_HOOK, LONGEST_HOOK, MOST_HOOKS, OnFailure};
pub use host_table::{HostTable, TableError};
pub use landing::{LandingChoice, LandingWish, NoLanding};
pub use layout::{Action, Layout, Length, PartitionWish, Rest};
pub use template::{FileMode, LARGEST_TEMPLATE, MOST_TEMPLATES, TemplateWish};
pub use wait::{LONGEST_WAIT, SHORTEST_WAIT, Wait, Waits};

/// What the 2009 original carried over (its `FILES2SAVE`), with today's homes of the
/// network settings: those are read by `jumpinit facts` and rendered for the new
/// system, so their files are not copied.
pub const DEFAULT_SAVED: &[&str] = &[
    "etc/hosts",
    "etc/hostname",
    "etc/ssh",
    "root",
    "etc/mailname",
    "etc/postfix/main.cf",
];

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// A table of the variables of single nodes, over `variables`: a CSV file on the admin host,
    /// relative to the job file ([`HostTable`]). Every node of a command line has to be in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostvars: Option<String>,
    /// The two images.
    pub images: Images,
    /// Where the jump system goes.
    #[serde(default)]
    pub landing: LandingWish,
    /// What the disk becomes.
    pub layout: Layout,
    /// Trees to copy from one partition to another, in the jump system.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy: Vec<CopyWish>,
    /// What is carried over.
    #[serde(default)]
    pub save: Save,
    /// What is asked of the network.
    #[serde(default)]
    pub network: NetworkWish,
    /// The jump system's settings.
    #[serde(default)]
    pub jump: JumpWish,
    /// What the jump system proves before anything is destroyed.
    #[serde(default)]
    pub prove: Prove,
    /// When the new system counts as sound.
    #[serde(default)]
    pub health: Health,
    /// Programs of the admin's own, by the names of before there were joints.
    #[serde(default)]
    pub hooks: Hooks,
    /// Programs of the admin's own: files on the admin host, each of which begins with `#!` and runs
    /// as root.
    #[serde(default)]
    pub hook: Vec<HookWish>,
    /// Variables of the admin's own, in the environment of every hook and in templates.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Those of single nodes, over the others, by the nodes' names on the command line without an
    /// account.
    #[serde(default)]
    pub node: BTreeMap<String, BTreeMap<String, String>>,
    /// Files of the new system that are made for each node from one text.
    #[serde(default)]
    pub template: Vec<TemplateWish>,
    /// How long to wait for what.
    #[serde(default)]
    pub wait: Waits,
    /// How several nodes take their course.
    #[serde(default)]
    pub fleet: FleetWish,
    /// What is done about workload managers, on the admin host.
    #[serde(default)]
    pub drain: DrainWish,
}

/// Paths of the image files on the admin host; relative to the job file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// The jump system.
    pub jump: String,
    /// The new system.
    pub target: String,
}

/// What is carried over to the new system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Save {
    /// Files and directories; by default [`DEFAULT_SAVED`].
    pub paths: Vec<RelPath>,
    /// More of them, besides `paths`.
    pub extra: Vec<RelPath>,
    /// Whether human accounts and root's password are carried over.
    pub accounts: bool,
    /// Whether addresses, routes and name servers are carried over.
    pub network: bool,
}

impl Default for Save {
    fn default() -> Self {
        let paths = DEFAULT_SAVED
            .iter()
            .filter_map(|path| path.parse().ok())
            .collect();
        Self {
            paths,
            extra: Vec::new(),
            accounts: true,
            network: true,
        }
    }
}

impl Save {
    /// All files and directories to carry over, each once.
    pub fn all_paths(&self) -> Vec<RelPath> {
        let mut paths: Vec<RelPath> = self.paths.iter().chain(&self.extra).cloned().collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

/// What is asked of the network in the jump system and in the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkWish {
    /// Whether a node has to have the addresses and routes again that DHCP servers and routers
    /// gave it. Without, any will do, and somebody has to know where the node went.
    pub same_addresses: bool,
}

impl Default for NetworkWish {
    fn default() -> Self {
        Self {
            same_addresses: true,
        }
    }
}

/// The jump system's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JumpWish {
    /// Kernel arguments besides ours; the old system's `console=` is taken over by itself.
    pub kernel_arguments: Vec<String>,
    /// Public key files on the admin host that may log in to the jump system, besides
    /// the old root's `authorized_keys`; relative to the job file.
    pub authorized_keys: Vec<String>,
}

/// What the jump system proves before anything is destroyed. Disks, network, sshd and the
/// staged image always are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prove {
    /// Whether the admin host has to log in.
    pub admin_login: bool,
    /// How often a UEFI has to boot the jump system before the commit.
    pub firmware: FirmwareProof,
}

/// How a UEFI proves that it does what it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirmwareProof {
    /// Twice, until the admin host has seen a node with the same firmware follow its order.
    #[default]
    Auto,
    /// By BootNext alone: that BootOrder is followed is taken on trust.
    Once,
    /// By BootNext, and then by BootOrder.
    Twice,
}

/// When the new system counts as sound. Network and sshd are always asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// systemd units that must be active.
    pub units: Vec<String>,
    /// Whether the admin host has to log in.
    pub admin_login: bool,
}

impl Job {
    /// Reads a job file's text. The error names line and column.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::words::size::Size;

    const SMALL: &str = "[images]\njump = 'j'\ntarget = 't'\n[[layout.partition]]\nnumber = 3\naction = 'format'\nfs = 'ext4'\nmount = '/'\n";

    #[test]
    fn the_manuals_whole_job_is_one_and_has_every_key() {
        let manual = include_str!("../../../docs/job.md");
        let (_, rest) = manual.split_once("```toml\n").unwrap();
        let (whole, keys) = rest.split_once("```").unwrap();
        let job = Job::parse(whole).unwrap();
        let mut paths = BTreeSet::new();
        collect("", &toml::Value::try_from(&job).unwrap(), &mut paths);
        assert!(
            ["layout.partition.number", "copy.to", "hook.on_failure"]
                .map(str::to_owned)
                .iter()
                .all(|key| paths.contains(key))
        );
        for path in paths {
            // The names of variables are the admin's own.
            let path = path
                .split_once('.')
                .map(|(section, _)| section)
                .filter(|section| ["variables", "node"].contains(section))
                .unwrap_or(&path);
            assert!(keys.contains(&format!("`{path}`")), "{path}");
        }
    }

    /// The paths of all keys that have a value of their own.
    fn collect(path: &str, value: &toml::Value, paths: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (key, value) in table {
                    let path = [path, key].join(".");
                    collect(path.trim_start_matches('.'), value, paths);
                }
            }
            toml::Value::Array(array) if array.iter().all(toml::Value::is_table) => {
                for value in array {
                    collect(path, value, paths);
                }
            }
            _ => {
                paths.insert(path.to_owned());
            }
        }
    }

    #[test]
    fn a_small_job_has_safe_defaults() {
        let job = Job::parse(SMALL).unwrap();
        assert_eq!(job.landing.partition, LandingChoice::Auto);
        assert_eq!(job.layout.disk, "root");
        assert!(job.save.accounts && job.save.network && job.network.same_addresses);
        assert_eq!(job.save.all_paths().len(), DEFAULT_SAVED.len());
    }

    #[test]
    fn refuses_unknown_keys_and_says_where() {
        let error = Job::parse(&format!("{SMALL}sizes = 3\n"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("sizes") && error.contains("line"), "{error}");
    }

    #[test]
    fn reads_sizes_and_the_word_rest() {
        let job = Job::parse(&format!("{SMALL}size = 'rest'\n")).unwrap();
        assert_eq!(
            job.layout.partitions[0].size,
            Some(Length::Rest(Rest::Rest))
        );
        let job = Job::parse(&format!("{SMALL}size = '8GiB'\n")).unwrap();
        assert_eq!(
            job.layout.partitions[0].size,
            Some(Length::Size(Size(8 << 30)))
        );
    }

    #[test]
    fn a_job_prints_and_reads_back() {
        let job = Job::parse(SMALL).unwrap();
        assert_eq!(Job::parse(&toml::to_string(&job).unwrap()).unwrap(), job);
    }
}
