//! Finds what a tree would make of a node at its first boot: machinery of clouds and installers
//! that gives it another name, other keys, other accounts or another partition table. What the
//! tree itself has switched off already is not found.

use jumpspec::image::manifest::Init;
use jumpspec::node::first_boot::Machinery;

use super::stored::{Stored, UNIT_DIRECTORIES, init, is_enabled};

/// Units that are known to change who a machine is, wherever they are wanted from: cloud agents
/// that set host names, host keys and accounts; makers of new host keys; installers' last
/// questions, which wait on a console for an answer.
const UNITS: [&str; 21] = [
    "afterburn-hostname.service",
    "afterburn-sshkeys@.service",
    "armbian-firstrun.service",
    "coreos-metadata-sshkeys@.service",
    "coreos-metadata-hostname.service",
    "firstboot-graphical.service",
    "google-guest-agent.service",
    "google-instance-setup.service",
    "guestfs-firstboot.service",
    "initial-setup.service",
    "initial-setup-graphical.service",
    "initial-setup-text.service",
    "jeos-firstboot.service",
    "nm-cloud-setup.service",
    "nm-cloud-setup.timer",
    "oem-config.service",
    "regenerate_ssh_host_keys.service",
    "regenerate-ssh-host-keys.service",
    "scw-fetch-ssh-keys.service",
    "scw-generate-ssh-keys.service",
    "YaST2-Firstboot.service",
];
/// systemd-repart(8): does nothing without definitions.
const REPART: &str = "systemd-repart.service";
const REPART_DEFINITIONS: [&str; 2] = ["etc/repart.d", "usr/lib/repart.d"];
/// Units and scripts are smaller.
const TEXT_CAP: u64 = 1 << 20;

/// All that is found, in order.
pub(super) fn found(stored: &Stored<'_>) -> Vec<Machinery> {
    let mut found: Vec<Machinery> = [
        (cloud_init(stored), Machinery::CloudInit),
        (waagent(stored), Machinery::Waagent),
        (stored.has("boot/ignition.firstboot"), Machinery::Ignition),
        (ignition_of_suse(stored), Machinery::IgnitionOfSuse),
        (growroot(stored), Machinery::Growroot),
        (first_boot(stored), Machinery::FirstBoot),
    ]
    .into_iter()
    .filter_map(|(is_there, machinery)| is_there.then_some(machinery))
    .collect();
    let mut units = known_units(stored);
    units.extend(key_makers(stored));
    units.sort();
    units.dedup();
    found.extend(units.into_iter().map(|unit| Machinery::Unit { unit }));
    found
}

fn has_any(stored: &Stored<'_>, paths: &[&str]) -> bool {
    paths.iter().any(|path| stored.has(path))
}

fn cloud_init(stored: &Stored<'_>) -> bool {
    stored.program("cloud-init").is_some() && !stored.has("etc/cloud/cloud-init.disabled")
}

fn waagent(stored: &Stored<'_>) -> bool {
    let settings = text(stored, "etc/waagent.conf").unwrap_or_default();
    let is_off = |line: &str| line.replace(' ', "") == "Provisioning.Agent=disabled";
    stored.program("waagent").is_some() && !settings.lines().any(is_off)
}

fn ignition_of_suse(stored: &Stored<'_>) -> bool {
    let asks = |name: &String| {
        let script = text(stored, &format!("etc/grub.d/{name}"));
        script.is_some_and(|script| script.contains("firstboot_happened"))
    };
    stored.names("etc/grub.d").iter().any(asks) && !stored.has("boot/writable/firstboot_happened")
}

fn growroot(stored: &Stored<'_>) -> bool {
    let scripts = [
        "usr/share/initramfs-tools/scripts/local-bottom/growroot",
        "usr/lib/dracut/modules.d/50growroot/module-setup.sh",
    ];
    has_any(stored, &scripts) && !stored.has("etc/growroot-disabled")
}

/// An image never has the golden host's machine id, but an empty file in its place; where there
/// was no file there will be none (machine-id(5), "First Boot Semantics").
fn first_boot(stored: &Stored<'_>) -> bool {
    init(stored.tree) == Some(Init::Systemd) && !stored.tree.is_file("etc/machine-id")
}

fn known_units(stored: &Stored<'_>) -> Vec<String> {
    let defines = |directory: &str| {
        let names = stored.names(directory);
        let is_definition =
            |name: &String| name.rsplit_once('.').map(|(_, end)| end) == Some("conf");
        names.iter().any(is_definition)
    };
    let repart = REPART_DEFINITIONS
        .into_iter()
        .any(defines)
        .then_some(REPART);
    UNITS
        .into_iter()
        .chain(repart)
        .filter(|unit| unit_text(stored, unit).is_some())
        .map(str::to_owned)
        .collect()
}

/// Units that are started and remove host keys before they make new ones. Those that only make
/// what is missing, as most distributions' do, leave what was carried over.
fn key_makers(stored: &Stored<'_>) -> Vec<String> {
    let names = UNIT_DIRECTORIES
        .iter()
        .flat_map(|directory| stored.names(directory));
    names
        .filter(|name| name.ends_with(".service") && is_enabled(stored, name))
        .filter(|name| unit_text(stored, name).is_some_and(|text| removes_host_keys(&text)))
        .collect()
}

fn removes_host_keys(unit: &str) -> bool {
    let removes = |line: &str| {
        line.trim_start().starts_with("Exec") && line.contains("rm ") && line.contains("ssh_host_")
    };
    unit.lines().any(removes)
}

/// The text of a unit that is not masked.
fn unit_text(stored: &Stored<'_>, unit: &str) -> Option<String> {
    let paths = || {
        UNIT_DIRECTORIES
            .iter()
            .map(|directory| format!("{directory}/{unit}"))
    };
    let masks = |path: &String| {
        let target = stored.tree.read_link(path).ok().flatten();
        target.is_some_and(|target| target == b"/dev/null")
    };
    if paths().any(|path| masks(&path)) {
        return None;
    }
    paths().find_map(|path| text(stored, &path))
}

fn text(stored: &Stored<'_>, path: &str) -> Option<String> {
    if !stored.has(path) {
        return None;
    }
    let bytes = stored.tree.read(path, TEXT_CAP).ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use jumparchive::Tree;

    use super::super::exclude::Rules;
    use super::super::mounts::Mounts;
    use super::*;

    struct Golden(tempfile::TempDir);

    impl Golden {
        /// A system that leaves a node as it is.
        fn new() -> Self {
            let golden = Self(tempfile::tempdir().unwrap());
            golden.put("etc/machine-id", "");
            golden.put("usr/lib/systemd/systemd", "");
            golden.link("sbin/init", "/usr/lib/systemd/systemd");
            golden
        }

        fn path(&self, path: &str) -> PathBuf {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            path
        }

        fn put(&self, path: &str, text: &str) {
            std::fs::write(self.path(path), text).unwrap();
        }

        fn link(&self, path: &str, target: &str) {
            symlink(Path::new(target), self.path(path)).unwrap();
        }

        fn found(&self) -> Vec<Machinery> {
            let tree = Tree::open(self.0.path()).unwrap();
            let rules = Rules::new(&tree, &[], Mounts::default()).unwrap();
            let (tree, rules) = (&tree, &rules);
            found(&Stored { tree, rules })
        }
    }

    fn unit(name: &str) -> Machinery {
        Machinery::Unit {
            unit: name.to_owned(),
        }
    }

    #[test]
    fn a_plain_system_has_none() {
        assert_eq!(Golden::new().found(), []);
    }

    #[test]
    fn cloud_init_is_found_unless_it_is_disabled() {
        let golden = Golden::new();
        golden.put("usr/bin/cloud-init", "");
        assert_eq!(golden.found(), [Machinery::CloudInit]);
        golden.put("etc/cloud/cloud-init.disabled", "");
        assert_eq!(golden.found(), []);
    }

    #[test]
    fn agents_and_growers_are_found() {
        let golden = Golden::new();
        golden.put("usr/sbin/waagent", "");
        golden.put("etc/waagent.conf", "Provisioning.Agent=auto\n");
        golden.put("boot/ignition.firstboot", "");
        golden.put("etc/grub.d/99_first", "[ -f firstboot_happened ]\n");
        golden.put(
            "usr/share/initramfs-tools/scripts/local-bottom/growroot",
            "",
        );
        let found = golden.found();
        assert_eq!(
            found,
            [
                Machinery::Waagent,
                Machinery::Ignition,
                Machinery::IgnitionOfSuse,
                Machinery::Growroot
            ]
        );
    }

    #[test]
    fn a_system_without_a_machine_id_file_boots_for_the_first_time() {
        let golden = Golden::new();
        std::fs::remove_file(golden.path("etc/machine-id")).unwrap();
        assert_eq!(golden.found(), [Machinery::FirstBoot]);
    }

    #[test]
    fn units_that_change_a_machine_are_found_unless_masked() {
        let golden = Golden::new();
        let name = "google-guest-agent.service";
        golden.put(&format!("lib/systemd/system/{name}"), "[Service]\n");
        golden.put(
            "usr/lib/systemd/system/systemd-repart.service",
            "[Service]\n",
        );
        assert_eq!(golden.found(), [unit(name)]);
        golden.put("usr/lib/repart.d/50-root.conf", "[FoundPartition]\n");
        assert_eq!(golden.found(), [unit(name), unit(REPART)]);
        golden.link(&format!("etc/systemd/system/{name}"), "/dev/null");
        assert_eq!(golden.found(), [unit(REPART)]);
    }

    #[test]
    fn a_unit_that_makes_new_host_keys_is_found_and_one_that_makes_missing_ones_is_not() {
        let golden = Golden::new();
        let make = "[Service]\nExecStart=/usr/bin/ssh-keygen -A\n";
        let remake = "[Service]\nExecStartPre=-/bin/sh -c \"/bin/rm -f /etc/ssh/ssh_host_*_key*\"\nExecStart=/usr/bin/ssh-keygen -A\n";
        for (name, text) in [("missing.service", make), ("anew.service", remake)] {
            golden.put(&format!("etc/systemd/system/{name}"), text);
            let wants = format!("etc/systemd/system/multi-user.target.wants/{name}");
            golden.link(&wants, &format!("/etc/systemd/system/{name}"));
        }
        golden.put("etc/systemd/system/idle.service", remake);
        assert_eq!(golden.found(), [unit("anew.service")]);
    }
}
