//! A node and two images, made up: BIOS, MBR, p1 /boot, p2 swap, p3 /, p4 /data.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use jumparchive::{Decision, PackOptions, Packer, Tree};
use jumpspec::image::kind::Kind;
use jumpspec::image::manifest::Manifest;
use jumpspec::words::digest::Digest;
use serde_json::{Value, json};

/// The boot that the node's facts were read in.
pub const FIRST_BOOT: &str = "00000000-0000-4000-8000-000000000001";

fn partition(number: u32, start: u64, mib: u64, kind: &str) -> Value {
    json!({
        "number": number, "device": format!("/dev/vda{number}"), "start": start * 2048,
        "sectors": mib * 2048, "type_code": "0x83", "partuuid": null, "name": null,
        "bootable": false, "swap_active": kind == "swap", "holders": [],
        "content": {"kind": kind, "uuid": format!("0000000{number}"), "label": null},
    })
}

fn mount(device: &str, target: &str) -> Value {
    json!({"device": device, "target": target, "fs": "ext4", "used": 1 << 20})
}

/// What its old system calls itself.
pub const OLD_OS: &str = "Debian GNU/Linux 12 (bookworm)";
/// What the target image does.
pub const NEW_OS: &str = "Debian GNU/Linux 13 (trixie)";

/// The id of a node's boot, by its number.
pub fn boot_id(node: &str, number: u32) -> String {
    let digest = Digest::of(format!("{node} {number}").as_bytes()).to_string();
    let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 15),
        part(15, 18),
        part(18, 30)
    )
}

/// The same of one of many nodes, with a disk and an address of its own, in this boot.
pub fn facts_of(node: &str, boot_id: &str) -> Value {
    let digest = Digest::of(node.as_bytes()).to_string();
    let part = |from: usize| digest.get(from..from + 2).unwrap_or_default();
    let mut facts = facts();
    facts["hostname"] = json!(node);
    facts["boot_id"] = json!(boot_id);
    facts["disks"][0]["identities"][0]["value"] = json!(node.to_uppercase());
    facts["network"]["links"][0]["mac"] =
        json!(format!("52:54:00:{}:{}:{}", part(0), part(2), part(4)));
    facts
}

/// What `jumpinit facts` would print of it.
pub fn facts() -> Value {
    json!({
        "format": 1, "hostname": "node07", "root_user": true, "architecture": "x86_64",
        "os": {"id": "debian", "version_id": "12", "pretty_name": OLD_OS},
        "kernel": "6.1.0-1-amd64", "kernel_arguments": ["quiet"], "boot_id": FIRST_BOOT,
        "firmware": "bios", "memory": 1 << 29, "watchdogs": [],
        "disks": [{
            "name": "vda", "device": "/dev/vda", "logical_sector": 512, "model": null,
            "identities": [{"kind": "serial", "value": "JUMP0001"}],
            "sectors": 9 << 21, "content": null,
            "table": {"kind": "mbr", "id": "6a756d70", "first_usable": 2048, "last_usable": (9 << 21) - 1, "extended": false},
            "partitions": [partition(1, 1, 512, "ext4"), partition(2, 513, 2048, "swap"), partition(3, 2561, 3072, "ext4"), partition(4, 5633, 2048, "ext4")],
            "loader": {
                "code": {"of": "grub", "kernel_sector": 1}, "core": [{"start": 1, "sectors": 120}],
                "area": {"start": 1, "sectors": 2047}, "free": [{"start": 121, "sectors": 1927}],
            },
        }],
        "mounts": [mount("/dev/vda3", "/"), mount("/dev/vda1", "/boot"), mount("/dev/vda4", "/data")],
        "swaps": ["/dev/vda2"],
        "fstab": "UUID=00000003 / ext4 defaults 0 1\nUUID=00000001 /boot ext4 defaults 0 2\nUUID=00000002 none swap sw 0 0\nUUID=00000004 /data ext4 defaults 0 2\n",
        "network": {"links": [{
            "name": "eth0", "mac": "52:54:00:00:00:01", "virtual_kind": null, "up": true, "mtu": 1500, "dhcp4": true, "auto6": false,
            "addresses": [], "routes": [],
        }], "dns": [], "search": []},
        "saved": [{"path": "etc/hosts", "size": 4096}],
        "accounts": [], "authorized_keys": true, "ssh_port": 22, "jump": null, "console": null, "serial_console": null,
    })
}

/// What `jumpinit status` would print of a node that runs that system, in no run.
pub fn status(system: &str) -> Value {
    json!({
        "system": system, "hostname": "node07", "os": format!("the {system} OS"), "kernel": "6",
        "boot_id": format!("{system}-boot"), "uptime_ms": 5000, "run": null, "journal": null,
        "selector_state": null, "failure": null,
    })
}

/// Writes an image of `kind` that holds one program, `/content`, of `bytes` bytes.
pub fn write_image(path: &Path, kind: &str, bytes: usize) -> Result<()> {
    let digest = Digest::of(b"");
    let programs = match kind {
        "jump" => Kind::Jump.programs(),
        _ => Kind::Target.programs(),
    };
    let loader = json!({
        "platform": "i386-pc", "modules": "usr/lib/grub/i386-pc", "lacks": [], "mkimage": "usr/bin/grub-mkimage",
        "install": "usr/sbin/grub-install", "mkconfig": "usr/sbin/grub-mkconfig", "directory": "boot/grub", "bls": false,
    });
    let manifest: Manifest = serde_json::from_value(json!({
        "format": jumpspec::image::manifest::FORMAT, "tool": "test", "kind": kind, "name": format!("{kind}-test"),
        "os": {"id": "debian", "version_id": "13", "pretty_name": NEW_OS},
        "architecture": "x86_64",
        "kernels": [{"release": "6.12", "image": "boot/vmlinuz", "image_digest": digest, "initramfs": "boot/initrd.img", "initramfs_digest": digest}],
        "init": "systemd", "network": ["networkd"], "sshd": true, "loaders": [loader], "plan_format": jumpspec::image::manifest::PLAN_FORMAT,
        "filesystems": ["ext4"], "toolbox": ["content"], "programs": programs, "obstacles": {}, "unpacked": 1 << 20, "directories": {},
        "entries": 2, "inodes": 2, "budget": {"compressed": null, "unpacked": null}, "index_digest": digest,
    }))?;
    let tree = tempfile::tempdir()?;
    // Not compressible, so that the image is not smaller.
    let noise: Vec<u8> = (0..bytes.div_ceil(32))
        .flat_map(|i| *Digest::of(&i.to_le_bytes()).as_bytes())
        .collect();
    let content = tree.path().join("content");
    std::fs::write(&content, noise)?;
    std::fs::set_permissions(&content, Permissions::from_mode(0o755))?;
    let packer = Packer::new(File::create(path)?, &PackOptions::default())?;
    let store = |_: &_| Decision::Store;
    packer.pack(&Tree::open(tree.path())?, &store, Some(manifest), &|_| ())?;
    Ok(())
}

/// A job for it.
pub const JOB: &str = r#"
[images]
jump = "jump.tar.zst"
target = "target.tar.zst"

[[layout.partition]]
number = 1
action = "format"
mount = "/boot"

[[layout.partition]]
number = 3
action = "format"
mount = "/"

[[layout.partition]]
number = 4
action = "keep"
mount = "/data"

[save]
paths = ["etc/hosts"]

[wait]
boot = "20s"
prove = "5s"
replace = "1min"
health = "20s"
"#;
