//! The demo's machine: BIOS, MBR, p1 /boot, p2 swap, p3 /, p4 /data.

use std::collections::BTreeSet;

use crate::disk::{
    BootArea, BootCode, Content, Disk, DiskIdentity, Extent, FoundPartition, Partition, Table,
    TableKind,
};
use crate::node::accounts::{Account, PublicAccounts};
use crate::node::facts::{FORMAT, Facts, Firmware, Kexec, Mount, SavedPath, SwapUse};
use crate::node::network::{Address, ClientId, Link, Network};
use crate::node::os_release::OsRelease;
use crate::node::sshd::{ConfigFile, FileOwner, SshServer};
use crate::node::starting::{Starting, Taking};
use crate::words::size::Size;

const GIB: u64 = (1 << 30) / 512;

fn partition(number: u32, start: u64, sectors: u64, kind: &str, uuid: &str) -> FoundPartition {
    let swap = kind == "swap";
    FoundPartition {
        partition: Partition {
            number,
            start,
            sectors,
            type_code: if swap { "0x82" } else { "0x83" }.to_owned(),
            partuuid: Some(format!("6a756d70-{number:02x}")),
            name: None,
            bootable: number == 1,
        },
        device: format!("/dev/vda{number}"),
        content: Some(Content {
            kind: kind.to_owned(),
            uuid: Some(uuid.to_owned()),
            label: swap.then(|| "swap0".to_owned()),
        }),
        swap_active: swap,
        holders: Vec::new(),
        links: Vec::new(),
    }
}

/// The demo's disk, 9 GiB.
fn disk() -> Disk {
    let boot = 2048;
    let swap = boot + GIB / 2;
    let root = swap + 2 * GIB;
    let data = root + 3 * GIB;
    Disk {
        name: "vda".to_owned(),
        device: "/dev/vda".to_owned(),
        identities: vec![
            DiskIdentity::Serial("JUMP0001".to_owned()),
            DiskIdentity::TableId("6a756d70".to_owned()),
        ],
        sectors: 9 * GIB,
        logical_sector: 512,
        model: None,
        table: Some(Table {
            kind: TableKind::Mbr,
            id: "6a756d70".to_owned(),
            first_usable: 2048,
            last_usable: 9 * GIB - 1,
            extended: false,
        }),
        partitions: vec![
            partition(
                1,
                boot,
                GIB / 2,
                "ext4",
                "11111111-0000-4000-8000-000000000001",
            ),
            partition(
                2,
                swap,
                2 * GIB,
                "swap",
                "22222222-0000-4000-8000-000000000002",
            ),
            partition(
                3,
                root,
                3 * GIB,
                "ext4",
                "33333333-0000-4000-8000-000000000003",
            ),
            partition(4, data, GIB, "ext4", "44444444-0000-4000-8000-000000000004"),
        ],
        kernel_partitions: None,
        content: None,
        loader: Some(BootArea {
            code: BootCode::Grub { kernel_sector: 1 },
            core: vec![Extent {
                start: 1,
                sectors: 120,
            }],
            area: Some(Extent {
                start: 1,
                sectors: 2047,
            }),
            free: vec![Extent {
                start: 121,
                sectors: 1927,
            }],
        }),
        links: Vec::new(),
        holders: Vec::new(),
        removable: false,
    }
}

fn network() -> Network {
    let leased = Address {
        ip: [10, 0, 2, 15].into(),
        prefix: 24,
    };
    let link = |name: &str, mac: &str, dhcp4: bool, addresses: Vec<Address>| Link {
        name: name.to_owned(),
        mac: mac.to_owned(),
        virtual_kind: None,
        up: true,
        mtu: 1500,
        dhcp4,
        auto6: false,
        leased: if dhcp4 { vec![leased] } else { Vec::new() },
        client_id: dhcp4.then(|| ClientId::of_mac(mac)).flatten(),
        addresses,
        ..Link::default()
    };
    let address = Address {
        ip: [192, 168, 77, 10].into(),
        prefix: 24,
    };
    Network {
        links: vec![
            link("ens3", "52:54:00:00:00:01", true, Vec::new()),
            link("ens4", "52:54:00:00:00:02", false, vec![address]),
        ],
        dns: vec![[10, 0, 2, 3].into()],
        search: Vec::new(),
    }
}

fn ssh_server() -> SshServer {
    let owned = |path: &str, mode: u32| FileOwner {
        path: path.parse().expect("a path"),
        uid: 0,
        gid: 0,
        mode,
    };
    SshServer {
        config: vec![ConfigFile {
            path: "etc/ssh/sshd_config".parse().expect("a path"),
            text: "Port 22\nUsePAM yes\n".to_owned(),
        }],
        host_keys: vec![owned("etc/ssh/ssh_host_ed25519_key", 0o600)],
        login: vec![owned("root/.ssh/authorized_keys", 0o600)],
    }
}

/// The demo's node.
pub(crate) fn facts() -> Facts {
    let mount = |number: u32, target: &str| Mount {
        device: format!("/dev/vda{number}"),
        target: target.to_owned(),
        fs: "ext4".to_owned(),
        used: Size::mib(100),
        owners: None,
    };
    Facts {
        format: FORMAT,
        kexec: Kexec::Empty,
        starting: Starting {
            kernel: Taking::Takes,
            locked_down: false,
            systemd: true,
        },
        hostname: "node07".to_owned(),
        root_user: true,
        architecture: "x86_64".to_owned(),
        os: OsRelease {
            id: "debian".to_owned(),
            version_id: "12".to_owned(),
            pretty_name: "Debian 12".to_owned(),
        },
        kernel: "6.1.0-28-cloud-amd64".to_owned(),
        kernel_arguments: ["ro", "console=tty0", "console=ttyS0,115200"]
            .map(str::to_owned)
            .to_vec(),
        boot_id: "b0070000-0000-4000-8000-000000000000".to_owned(),
        firmware: Firmware::Bios,
        bios_disk: None,
        boot: None,
        uefi: None,
        memory: Size::mib(2048),
        memory_available: Some(Size::mib(1700)),
        processors: None,
        watchdogs: Vec::new(),
        disks: vec![disk()],
        luks: Vec::new(),
        mounts: vec![mount(3, "/"), mount(1, "/boot"), mount(4, "/data")],
        remote_mounts: Vec::new(),
        swaps: vec!["/dev/vda2".to_owned()],
        swap_use: vec![SwapUse {
            device: "/dev/vda2".to_owned(),
            size: Size::mib(2048),
            used: Size::mib(12),
        }],
        fstab: "/dev/vda3 / ext4 errors=remount-ro 0 1\n".to_owned(),
        network: network(),
        accounts: vec![Account {
            name: "alice".to_owned(),
            uid: 1007,
            gid: 1007,
            home: "/home/alice".to_owned(),
            shell: "/bin/bash".to_owned(),
        }],
        public_accounts: PublicAccounts::of(
            "root:x:0:0::/root:/bin/bash\nalice:x:1007:1007::/home/alice:/bin/bash\n",
            "root:x:0:\nalice:x:1007:\n",
        ),
        saved: vec![SavedPath {
            path: "etc/ssh".parse().expect("a path"),
            size: Some(Size::mib(1)),
        }],
        interpreters: BTreeSet::from(["/bin/sh".to_owned()]),
        copies: Vec::new(),
        authorized_keys: true,
        host_keys: Vec::new(),
        ssh_address: None,
        ssh_port: Some(22),
        ssh_server: ssh_server(),
        jump: None,
    }
}
