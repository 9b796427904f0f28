use super::*;
use crate::disk::{Content, Disk, Partition};

fn content(kind: &str, uuid: &str) -> Content {
    Content {
        kind: kind.to_owned(),
        uuid: Some(uuid.to_owned()),
        label: None,
    }
}

fn partition(number: u32, content: impl Into<Option<Content>>) -> FoundPartition {
    FoundPartition {
        partition: Partition {
            number,
            start: u64::from(number) * 2048,
            sectors: 2048,
            type_code: "0x83".to_owned(),
            partuuid: Some(format!("abcd1234-0{number}")),
            name: None,
            bootable: false,
        },
        device: format!("/dev/vda{number}"),
        content: content.into(),
        swap_active: false,
        holders: Vec::new(),
        links: Vec::new(),
    }
}

fn disk(name: &str, partitions: Vec<FoundPartition>) -> Disk {
    Disk {
        name: name.to_owned(),
        device: format!("/dev/{name}"),
        identities: Vec::new(),
        sectors: 1 << 20,
        logical_sector: 512,
        model: None,
        table: None,
        partitions,
        kernel_partitions: None,
        content: None,
        loader: None,
        links: Vec::new(),
        holders: Vec::new(),
        removable: false,
    }
}

fn facts() -> Facts {
    let mut facts = crate::planner::sample::facts();
    let vda = vec![
        partition(1, content("ext4", "1111")),
        partition(2, content("swap", "2222")),
        partition(3, content("ext4", "3333")),
        partition(4, content("ext4", "4444")),
    ];
    let mut other = partition(1, content("xfs", "5555"));
    other.device = "/dev/vdb1".to_owned();
    facts.disks = vec![disk("vda", vda), disk("vdb", vec![other])];
    facts
}

fn composed(old: &str) -> Fstab {
    let facts = facts();
    let job = crate::planner::sample::job();
    let swap = Swap {
        uuid: "2222".to_owned(),
        label: None,
        options: "sw".to_owned(),
    };
    let outcome = |number, mount: &str, uuid: &str, kept| Outcome {
        disk: "/dev/vda".to_owned(),
        number,
        mount: mount.to_owned(),
        device: format!("UUID={uuid}"),
        fs: "ext4".to_owned(),
        options: None,
        kept,
    };
    let outcomes = [
        outcome(3, "/", "new3", false),
        outcome(1, "/boot", "new1", false),
        outcome(4, "/data", "4444", true),
    ];
    compose(&Wanted {
        old,
        facts: &facts,
        disk: "/dev/vda",
        job: &job,
        outcomes: &outcomes,
        landing: Some(2),
        swap: Some(&swap),
    })
}

#[test]
fn the_demos_fstab_becomes_the_new_systems() {
    let fstab = composed(
        "# /etc/fstab\nUUID=3333 / ext4 errors=remount-ro 0 1\nUUID=1111 /boot ext4 defaults 0 2\n/dev/vda2 none swap sw 0 0\n/dev/vda4 /data ext4 noatime 0 2\n",
    );
    insta::assert_snapshot!(fstab.text, @r"
    # Written by jump: fstab(5)
    UUID=new3 / ext4 errors=remount-ro 0 1
    UUID=new1 /boot ext4 defaults 0 2
    UUID=4444 /data ext4 noatime 0 2
    UUID=2222 none swap sw,nofail,x-systemd.device-timeout=1s 0 0
    ");
    assert_eq!(fstab.dropped, []);
}

#[test]
fn lines_whose_source_survives_are_carried() {
    let fstab = composed(
        "UUID=5555 /scratch xfs noatime 0 2\nserver:/home /home nfs rw,hard 0 0\ntmpfs /tmp tmpfs size=1g 0 0\n/home/x /srv none bind 0 0\n",
    );
    for kept in [
        "UUID=5555 /scratch",
        "server:/home /home nfs rw,hard",
        "tmpfs /tmp",
        "/home/x /srv none bind",
    ] {
        assert!(fstab.text.contains(kept), "{kept} in {}", fstab.text);
    }
}

#[test]
fn lines_whose_source_is_gone_are_dropped_with_a_reason() {
    let lines = "UUID=1111 /old ext4 defaults 0 0\nproc /proc proc defaults 0 0\n/dev/sr0 /media/cdrom udf noauto 0 0\n/dev/sdz1 /gone ext4 defaults 0 0\n/swapfile none swap sw 0 0\n/dev/vdb1 /x xfs defaults 0 0\n";
    let fstab = composed(lines);
    let reasons: Vec<_> = fstab.dropped.iter().map(|dropped| dropped.reason).collect();
    insta::assert_debug_snapshot!(reasons, @r#"
    [
        "its partition is made anew",
        "the new system mounts it by itself",
        "a removable medium",
        "this node has no such device",
        "a swap file of the old system",
        "it goes by a kernel name, which may be another's now; use its UUID",
    ]
    "#);
}

/// The reasons for which the lines of `old` are dropped.
fn dropped(old: &str) -> Vec<&'static str> {
    composed(old)
        .dropped
        .iter()
        .map(|dropped| dropped.reason)
        .collect()
}

#[test]
fn volumes_that_are_not_seen_are_carried_and_stop_no_boot() {
    let volumes = [
        "/dev/mapper/vg_data-home /home xfs defaults 0 2",
        "UUID=2222bb /srv xfs defaults 0 2",
        "/dev/md0 /scratch ext4 defaults 0 2",
        "/dev/vg0/lv /lv ext4 defaults 0 2",
        "/dev/disk/by-id/wwn-0x5000-part1 /bulk ext4 defaults 0 2",
        "/dev/mapper/vg-swap none swap sw 0 0",
    ];
    let fstab = composed(&volumes.join("\n"));
    assert_eq!(fstab.dropped, []);
    let optional = |line: &str| {
        let line = line.replace("defaults", "defaults,nofail");
        line.replace(" sw ", " sw,nofail ")
    };
    assert_eq!(fstab.unseen, volumes.map(optional));
    for line in &fstab.unseen {
        assert!(fstab.text.contains(line), "{line} in {}", fstab.text);
    }
    let asked_for = composed("/dev/md0 /scratch ext4 noauto 0 2\n");
    assert_eq!(asked_for.unseen, ["/dev/md0 /scratch ext4 noauto 0 2"]);
}

#[test]
fn nothing_of_old_hides_the_new_systems_files() {
    let hidden = "it would hide the new system's own files";
    for mount in ["/var", "/usr", "/usr/", "/boot/efi", "/etc"] {
        assert_eq!(
            dropped(&format!("UUID=5555 {mount} xfs defaults 0 2\n")),
            [hidden],
            "{mount}"
        );
    }
    assert_eq!(
        dropped("UUID=5555 /var/lib/mysql xfs defaults 0 2\nserver:/o /opt nfs rw\n"),
        [""; 0]
    );
}

#[test]
fn a_bind_mount_needs_a_source_that_survives() {
    let gone = "its source lies on a file system that is replaced";
    assert_eq!(dropped("/database /srv none bind\n"), [gone]);
    assert_eq!(dropped("/var/disk.img /mnt iso9660x loop\n"), [gone]);
    assert_eq!(
        dropped("/data/a /srv none bind\nUUID=5555 /x xfs\n/x/b /y none bind\n"),
        [""; 0]
    );
    assert_eq!(
        dropped("/gone /srv none bind,nofail\n//server/share /m cifs rw\n"),
        [""; 0]
    );
}

#[test]
fn mount_points_stay_below_the_root() {
    let reason = "its mount point is not an absolute path";
    assert_eq!(dropped("tmpfs /a/../../b tmpfs rw\n"), [reason]);
    assert_eq!(dropped("tmpfs none tmpfs rw\n"), [reason]);
}

#[test]
fn a_file_system_on_a_whole_disk_is_carried() {
    let mut facts = facts();
    facts.disks.push(Disk {
        content: Some(content("xfs", "6666")),
        ..disk("vdc", Vec::new())
    });
    let job = crate::planner::sample::job();
    let wanted = Wanted {
        old: "UUID=6666 /bulk xfs rw 0 0\n",
        facts: &facts,
        disk: "/dev/vda",
        job: &job,
        outcomes: &[],
        landing: Some(2),
        swap: None,
    };
    let fstab = compose(&wanted);
    assert_eq!(
        (
            fstab.dropped,
            fstab.text.contains("UUID=6666 /bulk xfs rw 0 0")
        ),
        (Vec::new(), true)
    );
}

proptest::proptest! {
    #[test]
    fn no_fstab_is_too_odd(old in proptest::prelude::any::<String>(), lines in "([-/a-zA-Z0-9=\\\\#.,:]{0,9}[ \t\n]){0,40}") {
        for text in [old, lines] {
            let fstab = composed(&text);
            proptest::prop_assert!(fstab.text.contains("UUID=new3 / ext4 defaults 0 1\n"));
            proptest::prop_assert!(mount_points(&fstab.text).len() >= 2);
            settle_swap(&fstab.text, "2222", "sw");
        }
    }
}

#[test]
fn settling_the_swap_takes_back_what_compose_added() {
    let fstab = composed("");
    let settled = settle_swap(&fstab.text, "2222", "sw");
    assert!(
        settled.contains("UUID=2222 none swap sw 0 0\n"),
        "{settled}"
    );
    assert_eq!(settle_swap(&settled, "2222", "sw"), settled);
    let mut facts = facts();
    facts.disks[0].partitions[1].content = None;
    facts.fstab = fstab.text.clone();
    let entry = swap_entry(&facts, &partition(2, None)).unwrap();
    assert_eq!(
        (entry.uuid.as_deref(), entry.options.as_str()),
        (Some("2222"), "sw")
    );
}

#[test]
fn names_the_directories_to_make() {
    let points: Vec<String> = mount_points(&composed("").text)
        .iter()
        .map(RelPath::absolute)
        .collect();
    assert_eq!(points, ["/boot", "/data"]);
}

#[test]
fn a_kept_fat_keeps_who_may_read_it_wherever_it_is_mounted() {
    let mut facts = facts();
    facts.disks[0].partitions[0].content = Some(content("vfat", "6A75-0001"));
    let mut job = crate::planner::sample::job();
    job.layout.partitions.retain(|wish| wish.number != 1);
    let esp = Outcome {
        disk: "/dev/vda".to_owned(),
        number: 1,
        mount: "/boot/efi".to_owned(),
        device: "UUID=6A75-0001".to_owned(),
        fs: "vfat".to_owned(),
        options: None,
        kept: true,
    };
    let fstab = compose(&Wanted {
        old: "UUID=6A75-0001 /boot vfat umask=0077 0 2\n",
        facts: &facts,
        disk: "/dev/vda",
        job: &job,
        outcomes: &[esp],
        landing: Some(2),
        swap: None,
    });
    let line = "UUID=6A75-0001 /boot/efi vfat umask=0077 0 2\n";
    assert!(fstab.text.ends_with(line), "{}", fstab.text);
    let reason = fstab.dropped[0].reason;
    assert_eq!(reason, "the new system mounts its partition elsewhere");
}
