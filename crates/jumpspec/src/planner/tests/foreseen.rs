//! What only a step on the node would have refused otherwise, most of it after the commit.

use std::time::Duration;

use super::*;
use crate::job::Wait;

/// The second partition of the sample job, the root, changed.
fn refused_root(change: impl FnOnce(&mut crate::job::PartitionWish)) -> Vec<String> {
    refused_job(|job| change(&mut job.layout.partitions[1]))
}

#[test]
fn a_label_that_mkfs_would_not_take() {
    let long = Some("seventeen letters".to_owned());
    assert_eq!(refused_root(|root| root.label = long), ["label-invalid"]);
    let for_xfs = |root: &mut crate::job::PartitionWish| {
        root.fs = Some(Filesystem::Xfs);
        root.label = Some("thirteen byte".to_owned());
    };
    assert_eq!(refused_root(for_xfs), ["label-invalid"]);
}

#[test]
fn a_file_system_smaller_than_mkfs_makes_it() {
    let mut facts = facts();
    facts.disks[0].partitions[0].sectors = (299 << 20) / 512;
    let mut job = job();
    job.layout.partitions[0].fs = Some(Filesystem::Xfs);
    assert_eq!(codes(&facts, &job), ["filesystem-too-small"]);
    facts.disks[0].partitions[0].sectors = (300 << 20) / 512;
    assert!(planned(&facts, &job).is_ok());
}

#[test]
fn more_files_than_the_new_file_systems_have_inodes() {
    let mut sample = Sample::of(&facts(), &job());
    sample.target.manifest.inodes = 500_000;
    let mut plan_with = |fs| {
        sample.job.layout.partitions[1].fs = fs;
        sample.planned()
    };
    let refusals = plan_with(None).unwrap_err();
    insta::assert_snapshot!(refusals[0].message, @"the image node-debian13 has 500000 inodes; the new file systems have 229376");
    assert!(plan_with(Some(Filesystem::Xfs)).is_ok());
}

/// The refusals of making the last partition anew on a GPT, as `number` and of `size`.
fn creating(number: u32, size: Option<Length>) -> Vec<String> {
    let mut job = job();
    let data = &mut job.layout.partitions[2];
    (data.number, data.action, data.size) = (number, Action::Create, size);
    let refusals = planned(&gpt_node(), &job).err().unwrap_or_default();
    refusals.iter().map(|it| it.code.to_string()).collect()
}

#[test]
fn a_partition_that_no_table_holds() {
    assert!(creating(128, None).is_empty());
    assert_eq!(creating(129, None), ["layout-impossible"]);
    assert_eq!(creating(0, None), ["layout-impossible"]);
    assert_eq!(
        creating(7, Some(Length::Size(Size(0)))),
        ["layout-impossible"]
    );
}

#[test]
fn a_table_with_an_extended_partition_is_not_rewritten_by_a_deletion_either() {
    let mut facts = facts();
    facts.disks[0].table.as_mut().unwrap().extended = true;
    assert!(planned(&facts, &job()).is_ok());
    let mut job = job();
    job.layout.partitions[2].action = Action::Delete;
    assert_eq!(codes(&facts, &job), ["layout-impossible"]);
}

#[test]
fn kernel_arguments_that_fight_ours_or_cannot_be_passed_on() {
    for argument in [
        "init=/bin/sh",
        "root=/dev/sda1",
        "panic=0",
        "systemd.unit=rescue.target",
        "single",
        "--",
        "it's",
        "two\nlines",
        "",
    ] {
        let with = |job: &mut Job| job.jump.kernel_arguments.push(argument.to_owned());
        assert_eq!(refused_job(with), ["kernel-argument"], "{argument:?}");
    }
    let long = |job: &mut Job| job.jump.kernel_arguments.push("x".repeat(2000));
    assert_eq!(refused_job(long), ["kernel-argument"]);
    let console = |facts: &mut Facts| facts.kernel_arguments.push("console='tty".to_owned());
    assert_eq!(refused(console), ["kernel-argument"]);
    let mut fine = job();
    fine.jump.kernel_arguments = vec!["rootflags=noatime".to_owned(), "initcall_debug".to_owned()];
    assert!(planned(&facts(), &fine).is_ok());
}

#[test]
fn mounts_where_no_system_boots_with_them() {
    for mount in [
        "/proc",
        "/dev",
        "/sys/x",
        "/run/lock",
        "/etc",
        "/lib64",
        "/a\nb",
    ] {
        let with = |job: &mut Job| {
            job.layout.partitions[0].mount = Some(mount.to_owned());
        };
        assert_eq!(refused_job(with), ["layout-impossible"], "{mount}");
    }
    let kept = |job: &mut Job| job.layout.partitions[2].mount = Some("/usr".to_owned());
    assert_eq!(refused_job(kept), ["layout-impossible"]);
    let mut fine = job();
    fine.layout.partitions[2].mount = Some("/devel".to_owned());
    assert!(planned(&facts(), &fine).is_ok());
}

#[test]
fn mount_options_that_fstab_would_take_for_more_fields() {
    for options in ["", "ro, noatime", "ro\n/dev/sda1 / ext4"] {
        let options = options.to_owned();
        assert_eq!(
            refused_root(|root| root.options = Some(options)),
            ["layout-impossible"]
        );
    }
}

#[test]
fn a_kept_partition_that_is_no_file_system_is_not_mounted() {
    for kind in ["LVM2_member", "crypto_LUKS", "swap", "unknown"] {
        let with = |facts: &mut Facts| {
            facts.disks[0].partitions[3].content.as_mut().unwrap().kind = kind.to_owned();
        };
        assert_eq!(refused(with), ["layout-impossible"], "{kind}");
    }
}

#[test]
fn waits_that_end_before_they_begin_or_never() {
    for (set, wait) in [
        (
            (|waits| &mut waits.health) as fn(&mut crate::job::Waits) -> &mut Wait,
            0,
        ),
        (|waits| &mut waits.boot, 4),
        (|waits| &mut waits.prove, u64::MAX),
        (|waits| &mut waits.replace, 0),
    ] {
        let with = |job: &mut Job| *set(&mut job.wait) = Wait(Duration::from_secs(wait));
        assert_eq!(refused_job(with), ["wait-out-of-bounds"]);
    }
}

#[test]
fn units_that_systemd_cannot_have() {
    for unit in [
        "slurmd",
        "two words.service",
        ".service",
        "x.unit",
        "-x;.service",
    ] {
        let with = |job: &mut Job| job.health.units = vec![unit.to_owned()];
        assert_eq!(refused_job(with), ["unit-name"], "{unit}");
    }
    let mut fine = job();
    fine.health.units = vec![
        "getty@tty1.service".to_owned(),
        "srv-a\\x2db.mount".to_owned(),
    ];
    assert!(planned(&facts(), &fine).is_ok());
}

#[test]
fn images_whose_grub_is_not_whole() {
    let mut sample = Sample::of(&facts(), &job());
    sample.target.manifest.loaders[0].mkconfig = None;
    let refusals = sample.planned().unwrap_err();
    assert_eq!(refusals.len(), 1);
    insta::assert_snapshot!(refusals[0].message, @"the target image node-debian13 is not fit: its GRUB has no grub-mkconfig (or grub2-mkconfig), which a step runs");
}

#[test]
fn what_the_journal_has_no_room_for() {
    let mut facts = facts();
    let swap = "UUID=22222222-0000-4000-8000-000000000002 none swap";
    facts.fstab = format!("{swap} {} 0 0\n", "x".repeat(5000));
    let refusals = planned(&facts, &job()).unwrap_err();
    let codes: Vec<_> = refusals.iter().map(|it| it.code).collect();
    assert_eq!(codes, [RefusalCode::JournalRoom]);
}

#[test]
fn a_grub_by_other_names_is_run_by_these() {
    let mut sample = Sample::of(&facts(), &job());
    let loader = &mut sample.target.manifest.loaders[0];
    loader.install = "usr/sbin/grub2-install".parse().unwrap();
    loader.mkconfig = Some("usr/sbin/grub2-mkconfig".parse().unwrap());
    loader.directory = "boot/grub2".parse().unwrap();
    let grub = sample.planned().unwrap().loader.grub;
    assert_eq!(grub.install.as_str(), "usr/sbin/grub2-install");
    assert_eq!(grub.mkconfig.as_str(), "usr/sbin/grub2-mkconfig");
    assert_eq!(grub.config(), "boot/grub2/grub.cfg");
}

#[test]
fn the_new_loader_has_all_the_room_before_the_selector() {
    let plan = planned(&facts(), &job()).unwrap();
    let bios = plan.boot.bios().unwrap();
    assert_eq!(bios.new_core.end(), bios.core.start);
}

#[test]
fn a_swap_label_or_identifier_that_could_not_be_made_again_is_not_planned() {
    let mut facts = facts();
    let content = facts.disks[0].partitions[1].content.as_mut().unwrap();
    content.label = Some("\u{fffd}".repeat(16));
    content.uuid = None;
    let swap = planned(&facts, &job())
        .unwrap()
        .landing
        .swap()
        .cloned()
        .unwrap();
    assert_eq!(swap.label, None);
    assert!(uuid::Uuid::try_parse(&swap.uuid).is_ok());
}
