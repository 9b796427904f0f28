use super::{WIDTH, plan, refusals};
use crate::boot::{BiosBoot, PlannedBoot};
use crate::disk::{
    Content, Extent, Filesystem, FoundPartition, Partition, SECTOR, Swap, TableKind,
};
use crate::hook::Hook;
use crate::image::loader::{NewGrub, SelectorGrub, SelectorLoader};
use crate::image::manifest::Kernel;
use crate::job::{Health, Joint, Wait, Waits};
use crate::node::accounts::{Owners, PublicAccounts};
use crate::node::facts::{Facts, Firmware, Kexec, Mount};
use crate::node::os_release::OsRelease;
use crate::node::sshd::SshServer;
use crate::node::starting::Starting;
use crate::plan::{
    JumpBoot, LandingKind, Plan, PlannedDisk, PlannedFilesystem, PlannedImage, PlannedImages,
    PlannedLanding, PlannedLoader, PlannedSsh, Steps,
};
use crate::planner::refusal::{Refusal, RefusalCode};
use crate::step::Step;
use crate::words::digest::Digest;
use crate::words::run_id::RunId;
use crate::words::size::Size;

const MIB: u64 = (1 << 20) / SECTOR;

fn partition(number: u32, start: u64, mib: u64, kind: &str) -> FoundPartition {
    FoundPartition {
        partition: Partition {
            number,
            start: start * MIB,
            sectors: mib * MIB,
            type_code: "0x83".to_owned(),
            partuuid: None,
            name: None,
            bootable: false,
        },
        device: format!("/dev/vda{number}"),
        content: Some(Content {
            kind: kind.to_owned(),
            uuid: None,
            label: None,
        }),
        swap_active: kind == "swap",
        holders: Vec::new(),
        links: Vec::new(),
    }
}

fn filesystem(number: u32, mount: &str, kept: bool) -> PlannedFilesystem {
    PlannedFilesystem {
        number,
        mount: mount.to_owned(),
        fs: "ext4".to_owned(),
        uuid: String::new(),
        kept,
    }
}

fn image(os: &str) -> PlannedImage {
    PlannedImage {
        name: "image".to_owned(),
        os: os.to_owned(),
        size: 1,
        digest: Digest::of(b""),
    }
}

fn before() -> Vec<FoundPartition> {
    vec![
        partition(1, 1, 512, "ext4"),
        partition(2, 513, 1024, "swap"),
        partition(3, 1537, 4096, "ext4"),
        partition(4, 5633, 2048, "ext4"),
    ]
}

fn after() -> Vec<Partition> {
    let mut after: Vec<_> = before().iter().map(FoundPartition::unchanged).collect();
    after[2].sectors = 5000 * MIB;
    after.remove(3);
    after
}

fn hook(at: Joint) -> Step {
    Step::Hook(Hook {
        number: 1,
        at,
        name: format!("hooks/{at}"),
        size: 1,
        digest: Digest::of(b""),
        timeout: Wait(std::time::Duration::from_mins(10)),
        on_failure: at.consequences()[0],
    })
}

fn steps() -> Steps {
    Steps {
        old: vec![hook(Joint::Prep), Step::SwapOff, Step::Arm],
        prove: vec![Step::ProveDisks, Step::Commit],
        replace: vec![
            hook(Joint::Committed),
            Step::Repartition,
            Step::Mkfs {
                number: 3,
                fs: Filesystem::Ext4,
                uuid: String::new(),
                label: None,
            },
            Step::Extract,
        ],
        new: vec![Step::CheckHealth, Step::ReturnLanding],
    }
}

fn a_plan() -> Plan {
    let extent = Extent {
        start: 1,
        sectors: 1,
    };
    let digest = Digest::of(b"");
    let loader = crate::planner::sample::loader();
    let kernel = Kernel {
        release: String::new(),
        image: "boot/vmlinuz".parse().unwrap(),
        image_digest: digest,
        initramfs: None,
        initramfs_digest: None,
    };
    Plan {
        format: 1,
        run: RunId::new(0x00c0_ffee_00c0_ffee),
        hostname: "node07".to_owned(),
        host: "node07".to_owned(),
        rehearsal: false,
        admin_mark: crate::words::digest::Digest::of(b"secret"),
        boot_id: String::new(),
        images: PlannedImages {
            jump: image("Debian 12"),
            target: image("Debian 13"),
        },
        disk: PlannedDisk {
            device: "/dev/vda".to_owned(),
            identities: Vec::new(),
            sectors: 8192 * MIB,
            table: TableKind::Mbr,
            table_id: String::new(),
            before: before(),
            after: after(),
            rewrite: true,
        },
        landing: PlannedLanding {
            beside: None,
            device: "/dev/vda2".to_owned(),
            number: 2,
            start: 513 * MIB,
            sectors: 1024 * MIB,
            fs_uuid: String::new(),
            kind: LandingKind::Lent {
                swap: Some(Swap {
                    uuid: "u".to_owned(),
                    label: None,
                    options: "sw".to_owned(),
                }),
            },
        },
        boot: PlannedBoot::Bios(BiosBoot {
            core: extent,
            old_boot_sector: 1,
            new_core: extent,
        }),
        jump: JumpBoot {
            serial: None,
            loader: SelectorLoader::Made(SelectorGrub::of(&loader).unwrap()),
            kernel,
            arguments: Vec::new(),
        },
        filesystems: vec![filesystem(3, "/", false), filesystem(1, "/boot", false)],
        fstab: String::new(),
        network: None,
        switches: crate::node::first_boot::Switches::default(),
        host_keys: Vec::new(),
        ssh_port: 22,
        ssh: PlannedSsh::default(),
        loader: PlannedLoader {
            grub: NewGrub::of(&loader).unwrap(),
            arguments: Vec::new(),
            resume: None,
            debconf: false,
        },
        owners: Owners::default(),
        files: Vec::new(),
        variables: std::collections::BTreeMap::new(),
        health: Health::default(),
        wait: Waits::default(),
        steps: steps(),
        destroyed: vec!["/dev/vda4 (2.0 GiB, ext4 at /data): deleted".to_owned()],
        kept: vec!["/etc/hosts".to_owned()],
        not_promised: vec!["a way back from a kernel that hangs".to_owned()],
        notes: vec!["the network is not carried over".to_owned()],
    }
}

fn facts() -> Facts {
    let mount = |device: &str, target: &str| Mount {
        device: device.to_owned(),
        target: target.to_owned(),
        fs: "ext4".to_owned(),
        used: Size::mib(1),
        owners: None,
    };
    Facts {
        accounts: Vec::new(),
        format: 1,
        hostname: "node07".to_owned(),
        root_user: true,
        architecture: "x86_64".to_owned(),
        os: OsRelease {
            pretty_name: "Debian 12".to_owned(),
            ..OsRelease::default()
        },
        kernel: String::new(),
        kernel_arguments: Vec::new(),
        boot_id: String::new(),
        firmware: Firmware::Bios,
        bios_disk: None,
        boot: None,
        uefi: None,
        memory: Size::mib(512),
        memory_available: None,
        processors: None,
        kexec: Kexec::Empty,
        watchdogs: Vec::new(),
        starting: Starting::default(),
        disks: Vec::new(),
        luks: Vec::new(),
        mounts: vec![
            mount("/dev/vda3", "/"),
            mount("/dev/vda1", "/boot"),
            mount("/dev/vda4", "/data"),
        ],
        remote_mounts: Vec::new(),
        swaps: vec!["/dev/vda2".to_owned()],
        swap_use: Vec::new(),
        fstab: String::new(),
        network: crate::node::network::Network::default(),
        saved: Vec::new(),
        interpreters: std::collections::BTreeSet::new(),
        copies: Vec::new(),
        authorized_keys: true,
        host_keys: Vec::new(),
        ssh_address: None,
        ssh_port: Some(22),
        ssh_server: SshServer::default(),
        public_accounts: PublicAccounts::default(),
        jump: None,
    }
}

#[test]
fn shows_the_disk_before_and_after_and_every_step() {
    let drawn = plan(&a_plan(), &facts());
    assert!(
        drawn
            .as_str()
            .lines()
            .all(|line| line.chars().count() <= WIDTH),
        "{drawn}"
    );
    insta::assert_snapshot!(drawn);
}

#[test]
fn a_refusal_takes_two_lines_and_carries_its_code() {
    let refusal = Refusal::new(RefusalCode::LandingTooSmall, "too small", "make it larger");
    insta::assert_snapshot!(refusals("node07", &[refusal]), @r"
    error: node07: too small [landing-too-small]
    hint: make it larger
    ");
}

#[test]
fn what_a_node_calls_its_things_neither_forges_a_line_nor_breaks_the_table() {
    let (sound, mut facts) = (facts(), facts());
    facts.os.pretty_name = "Debian\n\x1b[2Jerror: forged".to_owned();
    facts.mounts.push(Mount {
        target: "/x\ny".repeat(20_000),
        ..facts.mounts[0].clone()
    });
    facts.mounts.rotate_right(1);
    let drawn = plan(&a_plan(), &facts);
    let before = plan(&a_plan(), &sound);
    assert!(!drawn.as_str().contains('\x1b'));
    assert_eq!(
        drawn.as_str().lines().count(),
        before.as_str().lines().count()
    );
}
