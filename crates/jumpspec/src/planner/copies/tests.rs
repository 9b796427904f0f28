use super::*;
use crate::job::{Action, Job, Length, Rest};
use crate::node::facts::{FileOwners, FoundPlace, PlaceState};
use crate::plan::Plan;
use crate::planner::Rehearsal;
use crate::planner::refusal::RefusalCode;
use crate::planner::sample::{Sample, facts, job};
use crate::planner::{extents, succession};
use crate::run::task::Task;

/// The demo's node and job, with a copy.
fn sample(from: &str, to: &str) -> Sample {
    let mut sample = Sample::of(&facts(), &job());
    add(&mut sample, from, to);
    sample
}

/// Adds a copy of a directory that the node has.
fn add(sample: &mut Sample, from: &str, to: &str) {
    let wish = CopyWish {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
    };
    let mounts = sample.facts.mounts.iter();
    let above = mounts.filter(|mount| wish.from.is_within(&mount.target));
    let mount = above
        .max_by_key(|mount| mount.target.len())
        .unwrap()
        .clone();
    let inside = from
        .strip_prefix(mount.target.trim_end_matches('/'))
        .unwrap();
    let tree = FoundTree {
        device: mount.device,
        fs: mount.fs,
        directory: if inside.is_empty() { "/" } else { inside }
            .parse()
            .unwrap(),
        size: Size::mib(100),
        inodes: 2000,
        owners: FileOwners {
            complete: true,
            ..FileOwners::default()
        },
        below: Vec::new(),
    };
    let places = vec![FoundPlace {
        device: format!("/dev/vda{}", wish.to.number),
        free: Size::mib(500),
        free_inodes: Some(60_000),
        state: PlaceState::Missing,
    }];
    sample.facts.copies.push(FoundCopy {
        wish: wish.clone(),
        tree: Some(tree),
        places,
    });
    sample.job.copy.push(wish);
}

fn layout(job: &mut Job, number: u32, action: Action, mount: Option<&str>) {
    let mut wishes = job.layout.partitions.iter_mut();
    let wish = wishes.find(|wish| wish.number == number).unwrap();
    wish.action = action;
    wish.mount = mount.map(str::to_owned);
    wish.size = (action == Action::Create).then_some(Length::Rest(Rest::Rest));
}

fn tree(sample: &mut Sample) -> &mut FoundTree {
    sample.facts.copies[0].tree.as_mut().unwrap()
}

/// What is done until the image is unpacked.
fn order(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.replace.iter();
    let until = steps.take_while(|step| !matches!(step, Step::Extract));
    until.map(|step| Task::from(step).to_string()).collect()
}

fn refusal(sample: &Sample) -> (RefusalCode, String) {
    let refusals = sample.planned().unwrap_err();
    let only = &refusals[0];
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    (only.code, only.message.clone())
}

fn code(sample: &Sample) -> RefusalCode {
    refusal(sample).0
}

#[test]
fn to_a_partition_that_stays_it_is_copied_first_of_all() {
    let plan = sample("/home", "4:/home").planned().unwrap();
    insta::assert_snapshot!(order(&plan).join("\n"), @r"
    copy /home to partition 4 and check it there
    make ext4 on partition 3
    make ext4 on partition 1
    ");
    let copies = match &plan.steps.prove[4] {
        Step::ProveCopies { copies } => copies.clone(),
        other => panic!("{other:?}"),
    };
    assert!(copies[0].kept && copies[0].from.number == 3);
    assert_eq!(copies[0].from.directory.as_str(), "/home");
    assert!(plan.copied_into_new().is_empty());
    let kept = "/home (at most 100.0 MiB): copied to \"4:/home\"".to_owned();
    assert!(plan.kept.contains(&kept), "{:?}", plan.kept);
    let homes = plan
        .destroyed
        .iter()
        .any(|line| line.contains("home of alice"));
    assert!(!homes, "{:?}", plan.destroyed);
}

#[test]
fn to_a_partition_that_is_created_it_is_copied_between_the_table_and_its_own_end() {
    let mut sample = sample("/home", "4:/");
    layout(&mut sample.job, 4, Action::Create, Some("/home"));
    let plan = sample.planned().unwrap();
    insta::assert_snapshot!(order(&plan).join("\n"), @r"
    write the partition table
    make ext4 on partition 4
    copy /home to partition 4 and check it there
    make ext4 on partition 3
    make ext4 on partition 1
    ");
    let into: Vec<String> = plan
        .copied_into_new()
        .into_iter()
        .map(String::from)
        .collect();
    assert_eq!(into, ["/home"]);
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("in place of what the image has"))
    );
}

#[test]
fn what_goes_with_the_table_is_copied_before_it() {
    let mut sample = sample("/data", "1:/");
    layout(&mut sample.job, 4, Action::Delete, None);
    layout(&mut sample.job, 1, Action::Format, Some("/srv"));
    let plan = sample.planned().unwrap();
    insta::assert_snapshot!(order(&plan).join("\n"), @r"
    make ext4 on partition 1
    copy /data to partition 1 and check it there
    write the partition table
    make ext4 on partition 3
    ");
}

#[test]
fn a_chain_of_copies_is_made_from_its_end() {
    let mut sample = sample("/home", "4:/");
    add(&mut sample, "/data", "1:/");
    layout(&mut sample.job, 4, Action::Format, Some("/home"));
    layout(&mut sample.job, 1, Action::Format, Some("/srv"));
    let plan = sample.planned().unwrap();
    insta::assert_snapshot!(order(&plan).join("\n"), @r"
    make ext4 on partition 1
    copy /data to partition 1 and check it there
    make ext4 on partition 4
    copy /home to partition 4 and check it there
    make ext4 on partition 3
    ");
}

#[test]
fn refuses_what_has_no_order() {
    let mut crossing = sample("/boot", "4:/");
    add(&mut crossing, "/data", "1:/");
    layout(&mut crossing.job, 4, Action::Format, Some("/old-boot"));
    layout(&mut crossing.job, 1, Action::Format, Some("/srv"));
    insta::assert_snapshot!(refusal(&crossing).1, @"[[copy]]: /boot lies on partition 1, which would be formatted before there is a place for it, for that waits for another copy (partition 4 is to take it)");
    let mut by_table = sample("/data", "1:/");
    layout(&mut by_table.job, 4, Action::Delete, None);
    layout(&mut by_table.job, 1, Action::Create, Some("/srv"));
    let (code, message) = refusal(&by_table);
    assert_eq!(code, RefusalCode::CopyOrder);
    insta::assert_snapshot!(message, @"[[copy]]: /data lies on partition 4, which goes when the partition table is written, and there is no place for it before (partition 1 is to take it)");
}

#[test]
fn the_last_check_knows_a_copy_that_comes_too_late() {
    let sample = sample("/home", "4:/home");
    let mut plan = sample.planned().unwrap();
    let disk = &sample.facts.disks[0];
    assert!(extents::refusals(&plan, disk).is_empty());
    let copy = plan.steps.replace.remove(0);
    plan.steps.replace.insert(1, copy);
    let refusals = extents::refusals(&plan, disk);
    assert!(
        refusals[0]
            .message
            .contains("what is copied from partition 3"),
        "{refusals:?}"
    );
}

#[test]
fn refuses_what_cannot_be_read_in_the_jump_system() {
    let refused = |change: fn(&mut Sample)| {
        let mut sample = sample("/home", "4:/home");
        change(&mut sample);
        let (code, message) = refusal(&sample);
        assert_eq!(code, RefusalCode::CopySource);
        message
    };
    let told = [
        refused(|sample| sample.facts.copies[0].tree = None),
        refused(|sample| sample.facts.copies.clear()),
        refused(|sample| {
            tree(sample).device = "nfs4".to_owned();
            tree(sample).fs = "nfs4".to_owned();
        }),
        refused(|sample| {
            tree(sample).device = "tmpfs".to_owned();
            tree(sample).fs = "tmpfs".to_owned();
        }),
        refused(|sample| tree(sample).device = "/dev/mapper/vg-home".to_owned()),
        refused(|sample| tree(sample).fs = "btrfs".to_owned()),
        refused(|sample| {
            tree(sample).fs = "xfs".to_owned();
            sample.jump.manifest.mountable.clear();
        }),
        refused(|sample| {
            let mut other = sample.facts.disks[0].clone();
            other.device = "/dev/vdb".to_owned();
            other.identities.clear();
            other.loader = None;
            other.partitions.truncate(1);
            other.partitions[0].device = "/dev/vdb1".to_owned();
            other.partitions[0].content = None;
            other.partitions[0].partition.partuuid = None;
            sample.facts.disks.push(other);
            tree(sample).device = "/dev/vdb1".to_owned();
        }),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn refuses_a_place_that_is_none() {
    let refused = |to: &str, change: fn(&mut Sample)| {
        let mut sample = sample("/home", to);
        change(&mut sample);
        let (code, message) = refusal(&sample);
        assert_eq!(code, RefusalCode::CopyDestination, "{message}");
        message
    };
    let state = |sample: &mut Sample, state| sample.facts.copies[0].places[0].state = state;
    let told = [
        refused("4:/", |sample| {
            sample.facts.copies[0].places[0].state = PlaceState::Occupied;
        }),
        refused("4:/link/home", |sample| {
            sample.facts.copies[0].places[0].state = PlaceState::NoDirectory;
        }),
        refused("4:/home", |sample| sample.facts.copies[0].places.clear()),
        refused("4:/home", |sample| {
            sample.facts.disks[0].partitions[3]
                .content
                .as_mut()
                .unwrap()
                .kind = "vfat".to_owned();
        }),
        refused("9:/home", |_| ()),
        refused("2:/home", |_| ()),
        refused("3:/srv", |_| ()),
        refused("1:/", |_| ()),
        refused("4:/", |sample| {
            layout(&mut sample.job, 4, Action::Format, Some("/usr"));
        }),
        refused("4:/home", |sample| add(sample, "/srv", "4:/home/srv")),
    ];
    insta::assert_snapshot!(told.join("\n"));
    let mut empty = sample("/home", "4:/");
    state(&mut empty, PlaceState::Empty);
    assert!(empty.planned().is_ok());
}

#[test]
fn room_is_counted_in_bytes_and_inodes_on_what_stays_and_on_what_is_made() {
    let mut kept = sample("/home", "4:/home");
    tree(&mut kept).size = Size::mib(490);
    insta::assert_snapshot!(refusal(&kept).1, @"partition 4 has 500.0 MiB free; what is copied there needs 515.8 MiB");
    let mut kept = sample("/home", "4:/home");
    tree(&mut kept).inodes = 70_000;
    insta::assert_snapshot!(refusal(&kept).1, @"partition 4 has 60000 free inodes; what is copied there needs 70000");
    let mut made = sample("/home", "4:/");
    layout(&mut made.job, 4, Action::Format, Some("/home"));
    tree(&mut made).size = Size::mib(1000);
    assert_eq!(code(&made), RefusalCode::FilesystemTooSmall);
    tree(&mut made).size = Size::mib(100);
    tree(&mut made).inodes = 70_000;
    insta::assert_snapshot!(refusal(&made).1, @"what is copied to partition 4 has 70000 inodes; its file system has 65536");
}

#[test]
fn what_is_left_out_and_what_takes_long_is_told() {
    let mut sample = sample("/home", "4:/home");
    tree(&mut sample).below = vec!["/home/nfs".to_owned()];
    tree(&mut sample).owners.complete = false;
    sample.facts.copies[0].places[0].free = Size(1 << 50);
    tree(&mut sample).size = Size(1 << 40);
    let notes = sample.planned().unwrap().notes.join("\n");
    for words in [
        "mounted at /home/nfs is not copied",
        "too many files",
        "[wait] replace, which is 2h",
    ] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
}

#[test]
fn a_rehearsal_proves_that_it_could_be_copied() {
    let mut sample = sample("/home", "4:/home");
    sample.rehearsal = Some(Rehearsal::Firmware);
    let steps = sample.planned().unwrap().steps;
    assert!(matches!(steps.prove[4], Step::ProveCopies { .. }) && steps.replace.is_empty());
}

#[test]
fn a_run_that_copies_goes_on_with_the_same_copies_alone() {
    let staged = sample("/home", "4:/home").planned().unwrap();
    let codes = |next: &Plan| -> Vec<RefusalCode> {
        let refusals = succession::check(&staged, next).err().unwrap_or_default();
        refusals.into_iter().map(|refusal| refusal.code).collect()
    };
    assert_eq!(codes(&staged), []);
    let other = sample("/home", "4:/other").planned().unwrap();
    assert_eq!(codes(&other), [RefusalCode::OtherCopies]);
    let none = Sample::of(&facts(), &job()).planned().unwrap();
    assert_eq!(codes(&none), [RefusalCode::OtherCopies]);
}

#[test]
fn a_system_account_comes_along_with_its_copied_files() {
    let mut sample = sample("/home", "4:/home");
    sample.facts.public_accounts.passwd += "postgres:x:117:125::/var/lib/postgresql:/bin/sh\n";
    sample.facts.public_accounts.group += "postgres:x:125:\n";
    let without = sample.planned().unwrap().owners;
    tree(&mut sample).owners.uids = vec![117];
    assert_ne!(sample.planned().unwrap().owners, without);
}
