//! The demo's machine and job, for tests: BIOS, MBR, p1 /boot, p2 swap, p3 /, p4 /data.

use std::collections::BTreeSet;

use super::{ImageFile, Input};
use crate::disk::{
    BootArea, BootCode, Content, Disk, DiskIdentity, Extent, FoundPartition, Partition, Table,
    TableKind,
};
use crate::hook::Script;
use crate::image::kind::Kind;
use crate::image::loader::{Loader, Platform};
use crate::image::manifest::{self, Budget, Init, Kernel, Manifest};
use crate::job::{HookWish, HostTable, Job};
use crate::node::accounts::PublicAccounts;
use crate::node::facts::{FORMAT, Facts, Firmware, Kexec, Mount, SavedPath, SwapUse};
use crate::node::network::{Address, ClientId, Link, Network, NetworkStack};
use crate::node::os_release::OsRelease;
use crate::node::sshd::{ConfigFile, FileOwner, SshServer};
use crate::plan::Plan;
use crate::planner::refusal::Refusal;
use crate::words::digest::Digest;
use crate::words::run_id::RunId;
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
        uefi: None,
        memory: Size::mib(2048),
        memory_available: Some(Size::mib(1700)),
        watchdogs: Vec::new(),
        disks: vec![disk()],
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
        accounts: vec![crate::node::accounts::Account {
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

/// The demo's job.
pub(crate) fn job() -> Job {
    Job::parse(
        "[images]\njump = 'jump'\ntarget = 'target'\n\
         [[layout.partition]]\nnumber = 1\naction = 'format'\nmount = '/boot'\n\
         [[layout.partition]]\nnumber = 3\naction = 'format'\nmount = '/'\n\
         [[layout.partition]]\nnumber = 4\naction = 'keep'\nmount = '/data'\n",
    )
    .expect("a job")
}

/// The demo's job, and one that makes all partitions but the swap anew.
#[cfg(fuzzing)]
pub(crate) fn jobs() -> [Job; 2] {
    let anew = "[images]\njump = 'jump'\ntarget = 'target'\n\
         [[layout.partition]]\nnumber = 1\naction = 'create'\nsize = '512MiB'\nmount = '/boot'\n\
         [[layout.partition]]\nnumber = 3\naction = 'create'\nsize = 'rest'\nmount = '/'\n\
         [[layout.partition]]\nnumber = 4\naction = 'delete'\n";
    [job(), Job::parse(anew).expect("a job")]
}

/// Debian's loader.
pub(crate) fn loader() -> Loader {
    let path = |path: &str| path.parse().expect("a path");
    Loader {
        platform: Platform::I386Pc,
        modules: path("usr/lib/grub/i386-pc"),
        lacks: Vec::new(),
        mkimage: path("usr/bin/grub-mkimage"),
        install: path("usr/sbin/grub-install"),
        mkconfig: Some(path("usr/sbin/grub-mkconfig")),
        directory: path("boot/grub"),
        bls: false,
    }
}

/// An image that can do its job.
pub(crate) fn image(kind: Kind) -> ImageFile {
    let path = |path: &str| path.parse().expect("a path");
    let kernel = Kernel {
        release: "6.1.0-28-amd64".to_owned(),
        image: path("boot/vmlinuz-6.1.0-28-amd64"),
        image_digest: Digest::of(b"kernel"),
        initramfs: Some(path("boot/initrd.img-6.1.0-28-amd64")),
        initramfs_digest: Some(Digest::of(b"initramfs")),
    };
    let jump = kind == Kind::Jump;
    let manifest = Manifest {
        format: manifest::FORMAT,
        tool: "jump 0.1.0".to_owned(),
        kind,
        name: if jump {
            "jump-debian12"
        } else {
            "node-debian13"
        }
        .to_owned(),
        os: OsRelease {
            id: "debian".to_owned(),
            version_id: "13".to_owned(),
            pretty_name: "Debian 13".to_owned(),
        },
        architecture: "x86_64".to_owned(),
        kernels: vec![kernel],
        init: Some(Init::Systemd),
        network: vec![NetworkStack::Networkd],
        sshd: true,
        sshd_user: Some("sshd".to_owned()),
        openssh: Some(if jump { "9.2p1" } else { "10.0p2" }.to_owned()),
        accounts: Some(PublicAccounts::of(
            "root:x:0:0::/root:/bin/bash\nsshd:x:991:65534::/run/sshd:/usr/sbin/nologin\n",
            "root:x:0:\nsudo:x:27:\n",
        )),
        shells: ["/bin/bash", "/bin/sh", "/usr/sbin/nologin"]
            .map(str::to_owned)
            .to_vec(),
        selinux: None,
        grub_pc: true,
        first_boot: Some(Vec::new()),
        plan_format: crate::image::manifest::PLAN_FORMAT,
        loaders: vec![loader()],
        signed: None,
        filesystems: ["ext4", "xfs"].map(str::to_owned).to_vec(),
        mountable: ["ext4", "xfs"].map(str::to_owned).to_vec(),
        toolbox: if jump {
            vec![path("usr/sbin/mke2fs")]
        } else {
            Vec::new()
        },
        programs: kind.programs().iter().map(|it| path(it)).collect(),
        obstacles: crate::image::obstacle::Obstacles::new(),
        unpacked: Size::mib(600),
        directories: [
            ("boot".to_owned(), Size::mib(60)),
            ("usr".to_owned(), Size::mib(500)),
        ]
        .into(),
        entries: 20_000,
        inodes: 20_000,
        budget: Budget::default(),
        index_digest: Digest::of(b"index"),
    };
    ImageFile {
        manifest,
        size: 150 << 20,
        digest: Digest::of(b"image"),
        interpreters: BTreeSet::from(["/bin/sh".to_owned()]),
        homeless: BTreeSet::new(),
    }
}

/// A script that is another for every hook.
fn script(hook: &HookWish) -> Script {
    let text = format!("#!/bin/sh\necho {} at {}\n", hook.run, hook.at);
    Script::new(text).expect("a script")
}

/// What a plan follows from: the demo's, for a test to change.
pub(crate) struct Sample {
    pub(crate) run: RunId,
    pub(crate) rehearsal: bool,
    pub(crate) jump: ImageFile,
    pub(crate) target: ImageFile,
    pub(crate) facts: Facts,
    pub(crate) job: Job,
    pub(crate) scripts: Vec<Script>,
    pub(crate) hostvars: Option<HostTable>,
    pub(crate) templates: Vec<String>,
    pub(crate) follows: bool,
}

impl Sample {
    /// The demo's images for this node and job.
    pub(crate) fn of(facts: &Facts, job: &Job) -> Self {
        Self {
            run: RunId::new(0x0011_2233_aabb_ccdd),
            rehearsal: false,
            jump: image(Kind::Jump),
            target: image(Kind::Target),
            facts: facts.clone(),
            job: job.clone(),
            scripts: job.all_hooks().iter().map(script).collect(),
            hostvars: None,
            templates: Vec::new(),
            follows: false,
        }
    }

    /// As the planner takes it.
    pub(crate) fn input(&self) -> Input<'_> {
        Input {
            run: &self.run,
            rehearsal: self.rehearsal,
            admin_mark: Digest::of(b"secret"),
            jump: &self.jump,
            target: &self.target,
            facts: &self.facts,
            job: &self.job,
            scripts: &self.scripts,
            host: "node07",
            hostvars: self.hostvars.as_ref(),
            templates: &self.templates,
            follows: self.follows,
        }
    }

    /// What the planner makes of it.
    pub(crate) fn planned(&self) -> Result<Plan, Vec<Refusal>> {
        super::plan(&self.input())
    }
}

/// What the planner makes of the demo's images for this node and job.
pub(crate) fn planned(facts: &Facts, job: &Job) -> Result<Plan, Vec<Refusal>> {
    Sample::of(facts, job).planned()
}

/// The demo's plan, as the run `run`.
#[cfg(test)]
pub(crate) fn plan(run: &str) -> Plan {
    let sample = Sample {
        run: run.parse().expect("a run's id"),
        ..Sample::of(&facts(), &job())
    };
    sample.planned().expect("a plan")
}
