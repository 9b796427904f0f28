use super::*;
use crate::image::manifest::{Budget, FORMAT, Init, Kernel, PLAN_FORMAT};
use crate::image::obstacle::Obstacle;
use crate::node::network::NetworkStack;
use crate::node::os_release::OsRelease;
use crate::words::digest::Digest;

fn programs(kind: Kind) -> Vec<crate::words::relpath::RelPath> {
    let paths = kind.programs().iter().map(|path| path.parse());
    paths.collect::<Result<_, _>>().unwrap()
}

fn manifest(kind: Kind) -> Manifest {
    Manifest {
        format: FORMAT,
        tool: "test".to_owned(),
        kind,
        name: "test".to_owned(),
        os: OsRelease::default(),
        architecture: "x86_64".to_owned(),
        kernels: vec![Kernel {
            release: "6.1".to_owned(),
            image: "boot/vmlinuz-6.1".parse().unwrap(),
            image_digest: Digest::of(b""),
            initramfs: Some("boot/initrd.img-6.1".parse().unwrap()),
            initramfs_digest: Some(Digest::of(b"")),
        }],
        init: Some(Init::Systemd),
        network: vec![NetworkStack::Networkd],
        sshd: true,
        sshd_user: Some("sshd".to_owned()),
        openssh: None,
        accounts: None,
        shells: Vec::new(),
        selinux: None,
        grub_pc: false,
        first_boot: None,
        loaders: vec![crate::planner::sample::loader()],
        signed: None,
        filesystems: vec!["ext4".to_owned()],
        mountable: Vec::new(),
        initramfs_codecs: None,
        unfit_drivers: Vec::new(),
        toolbox: vec!["usr/sbin/mke2fs".parse().unwrap()],
        programs: programs(kind),
        obstacles: obstacle::Obstacles::new(),
        plan_format: PLAN_FORMAT,
        unpacked: Size::mib(400),
        directories: std::collections::BTreeMap::new(),
        entries: 1,
        inodes: 1,
        budget: Budget::default(),
        index_digest: Digest::of(b""),
    }
}

#[test]
fn a_whole_image_is_fit() {
    assert_eq!(check(&manifest(Kind::Jump), Size::mib(100)), []);
}

#[test]
fn either_kind_needs_sshd_and_network_and_each_what_its_steps_run() {
    let mut target = manifest(Kind::Target);
    (target.network, target.sshd) = (Vec::new(), false);
    (target.toolbox, target.filesystems) = (Vec::new(), Vec::new());
    let unreachable = [Unfit::NoSshd, Unfit::NoNetwork];
    assert_eq!(check(&target, Size::mib(100)), unreachable);
    (target.kind, target.programs) = (Kind::Jump, programs(Kind::Jump));
    let no_tools = [Unfit::NoMkfs(Filesystem::Ext4), Unfit::NoToolbox];
    let unfit = [unreachable, no_tools].concat();
    assert_eq!(check(&target, Size::mib(100)), unfit);
}

#[test]
fn a_targets_kernel_is_where_its_grub_looks_for_it() {
    for kind in [Kind::Jump, Kind::Target] {
        let mut image = manifest(kind);
        image.kernels[0].image = "usr/lib/modules/6.1/vmlinuz".parse().unwrap();
        let unfit = check(&image, Size::mib(100));
        let expected = (kind == Kind::Target).then(|| Unfit::NotInBoot("6.1".to_owned()));
        assert_eq!(unfit, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn only_a_jump_system_may_start_from_sysvinit() {
    let sysvinit = |kind| Manifest {
        init: Some(Init::Sysvinit),
        ..manifest(kind)
    };
    assert_eq!(lacks(&sysvinit(Kind::Jump)), []);
    assert_eq!(lacks(&sysvinit(Kind::Target)), [Unfit::NoSystemd]);
}

#[test]
fn a_kernel_without_initramfs_is_named() {
    let mut image = manifest(Kind::Target);
    image.kernels[0].initramfs = None;
    assert_eq!(
        check(&image, Size(0)),
        [Unfit::NoInitramfs("6.1".to_owned())]
    );
}

#[test]
fn a_loader_has_all_that_the_steps_take_of_it() {
    let with = |kind, change: fn(&mut Loader)| {
        let mut image = manifest(kind);
        change(&mut image.loaders[0]);
        lacks(&image)
    };
    let no_mkconfig: fn(&mut Loader) = |loader| loader.mkconfig = None;
    assert_eq!(with(Kind::Target, no_mkconfig), [Unfit::NoMkconfig]);
    assert_eq!(with(Kind::Jump, no_mkconfig), []);
    let bls: fn(&mut Loader) = |loader| loader.bls = true;
    assert_eq!(with(Kind::Target, bls), [Unfit::LoaderBls]);
    assert_eq!(with(Kind::Jump, bls), []);
    let lacking = with(Kind::Jump, |loader| {
        loader.lacks = vec!["test.mod".to_owned()];
    });
    insta::assert_snapshot!(lacking[0], @"its GRUB for i386-pc lacks test.mod in /usr/lib/grub/i386-pc");
}

#[test]
fn an_image_without_any_program_lacks_each() {
    let mut target = manifest(Kind::Target);
    target.programs.clear();
    let all = Kind::Target.programs().iter().copied();
    assert_eq!(
        lacks(&target),
        all.map(Unfit::NoProgram).collect::<Vec<_>>()
    );
    (target.sshd, target.init) = (false, None);
    target.loaders.clear();
    assert_eq!(
        lacks(&target),
        [Unfit::NoInit, Unfit::NoLoader, Unfit::NoSshd]
    );
}

#[test]
fn what_leads_nowhere_is_no_place_for_a_step() {
    let with = |path: &str, obstacle| {
        let mut image = manifest(Kind::Target);
        image.obstacles.insert(path.parse().unwrap(), obstacle);
        lacks(&image)
    };
    for (path, needed) in [("dev", "dev"), ("tmp", "tmp"), ("var", "var/log/jump")] {
        let unfit = Unfit::NoDirectory(path.parse().unwrap(), needed);
        for obstacle in [Obstacle::Dangling, Obstacle::File] {
            assert_eq!(with(path, obstacle), std::slice::from_ref(&unfit), "{path}");
        }
        assert_eq!(with(path, Obstacle::Link), [], "{path}");
    }
    assert_eq!(with("srv", Obstacle::Dangling), []);
}

#[test]
fn an_sshd_needs_its_user() {
    let mut image = manifest(Kind::Target);
    let accounts = |passwd: &str| Some(crate::node::accounts::PublicAccounts::of(passwd, ""));
    image.accounts = accounts("sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n");
    assert_eq!(lacks(&image), []);
    image.accounts = accounts("sshd2:x:100:65534::/run/sshd:/usr/sbin/nologin\n");
    assert_eq!(lacks(&image), [Unfit::NoUser("sshd".to_owned())]);
}

#[test]
fn a_jump_system_of_another_version_is_found_out_before_it_runs() {
    let old = |kind| Manifest {
        plan_format: 1,
        ..manifest(kind)
    };
    assert_eq!(lacks(&old(Kind::Jump)), [Unfit::OtherPlan { reads: 1 }]);
    assert_eq!(lacks(&old(Kind::Target)), []);
}

#[test]
fn a_kernel_unpacks_what_its_configuration_says_or_else_what_its_age_does() {
    let with = |codecs: Option<&[&str]>, release: &str| {
        let mut image = manifest(Kind::Jump);
        let owned = |codecs: &[&str]| codecs.iter().map(|it| (*it).to_owned()).collect();
        image.initramfs_codecs = codecs.map(owned);
        image.kernels[0].release = release.to_owned();
        unpacks_zstd(&image)
    };
    let rhel_8 = "4.18.0-553.el8_10.x86_64";
    assert!(with(Some(&["gzip", "zstd"]), rhel_8));
    assert!(!with(Some(&["gzip", "xz"]), "6.1.0-28-amd64"));
    for (release, expected) in [
        (rhel_8, false),
        ("5.4.0-200-generic", false),
        ("5.8", false),
        ("5.9-rc1", true),
        ("5.10.0-32-amd64", true),
        ("6.1.0-28-amd64", true),
        ("vmlinuz", false),
    ] {
        assert_eq!(with(None, release), expected, "{release}");
    }
}

#[test]
fn budgets_are_limits_not_goals() {
    let mut image = manifest(Kind::Target);
    image.budget.compressed = Some(Size::mib(100));
    image.budget.unpacked = Some(Size::mib(400));
    assert_eq!(over_budget(&image, Size::mib(100)), []);
    assert_eq!(over_budget(&image, Size::mib(101)).len(), 1);
}
