//! Images that can do their jobs, with Debian's loader.

use std::collections::BTreeSet;

use crate::image::kind::Kind;
use crate::image::loader::{Loader, Platform};
use crate::image::manifest::{self, Budget, Init, Kernel, Manifest};
use crate::node::accounts::PublicAccounts;
use crate::node::network::NetworkStack;
use crate::node::os_release::OsRelease;
use crate::planner::{ImageFile, InMemory};
use crate::words::digest::Digest;
use crate::words::size::Size;

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
        initramfs_codecs: Some(["gzip", "zstd"].map(str::to_owned).to_vec()),
        unfit_drivers: Vec::new(),
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
        in_memory: if jump {
            InMemory {
                pages: Size::mib(600),
                largest: Size::mib(24),
            }
        } else {
            InMemory::default()
        },
    }
}
