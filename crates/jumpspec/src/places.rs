//! Where jump keeps its things, on the landing file system and in the new system.
//!
//! All of it is below one directory on each, so that removing it leaves no trace.

/// Where `jumpimg` makes its private directory, `jump-RUN`, on the old system: the first that takes
/// programs and has room. Memory comes before disks, which a look at a node had better not write
/// to; of them the root comes first, because it takes programs and no layout keeps it.
pub const BASES: [&str; 5] = ["/dev/shm", "/run", "/tmp", "/", "/var/lib"];
/// Those of them that are in memory on every node.
pub const BASES_IN_MEMORY: [&str; 2] = ["/dev/shm", "/run"];

/// The landing file system's mount point in there, or that of the jump system's root in memory.
pub const LANDING: &str = "landing";

/// Jump's directory on the landing file system, from that file system's root (and so
/// from the jump system's `/`).
pub const JUMP: &str = "jump";
/// The plan, JSON.
pub const PLAN: &str = "jump/plan.json";
/// The facts that the plan follows from, JSON: another plan can be made from them after the
/// old system is gone.
pub const FACTS: &str = "jump/facts.json";
/// Who began the run, and when by their clock, one line.
pub const ORIGIN: &str = "jump/origin";
/// Image files.
pub const IMAGES: &str = "jump/image";
/// The archive of saved files, sealed: host keys and password hashes are in it. Its key is at
/// [`crate::run::journal::KEY_OFFSET`].
///
/// The jump system's own host key lies beside it in `etc/ssh` as an ordinary file, for sshd has
/// to read it. It is made for one run and erased at its end; it opens nothing else.
pub const SAVED: &str = "jump/saved.tar.zst.sealed";
/// What hooks have added to it, sealed with the same key.
pub const ADDED: &str = "jump/added.tar.zst.sealed";
/// The scripts of the admin's hooks, with a record of each that was begun.
pub const HOOKS: &str = "jump/hooks";
/// Logs, copied to [`NEW_LOG`] at the end.
pub const LOG: &str = "jump/log";
/// Events of all stages, one JSON object a line.
pub const EVENTS: &str = "jump/log/events.jsonl";
/// How many of the plan's copies are done for good, a number: what they were made of may be gone, so
/// that no attempt begins before them. It is no part of the journal: where that is lost, and `resume`
/// begins anew, this still counts.
pub const COPIED: &str = "jump/copied";
/// Where the jump system mounts what is copied from and to.
pub const COPY_FROM: &str = "jump/from";
/// The other.
pub const COPY_TO: &str = "jump/to";
/// Where the jump system mounts the new root.
pub const NEW_ROOT: &str = "jump/new";

/// The directory of the EFI system partition that is laid out as a landing file system is, where the jump
/// system's root lies in memory: what its boots begin from, and what is to outlive them.
pub const ON_ESP: &str = "EFI/jump/landing";
/// The same of a `/boot` with a file system of its own.
pub const ON_BOOT: &str = "jump-landing";
/// The jump system's kernel in there.
pub const KEPT_KERNEL: &str = "boot/vmlinuz";
/// Its root in there, an initramfs.
pub const KEPT_ROOT: &str = "boot/root.img";
/// What that is the digest of, in hex digits.
pub const KEPT_ROOT_DIGEST: &str = "boot/root.sha256";
/// What keeps the journal there, and behind it the key of the sealed files.
pub const KEPT_JOURNAL: &str = "journal";

/// Mends an EFI system partition after a power cut, in the jump system.
pub const FSCK_VFAT: &str = "usr/sbin/fsck.vfat";
/// The same for an ext2, ext3 or ext4.
pub const E2FSCK: &str = "usr/sbin/e2fsck";
/// The SSH server, which is asked whether it takes its files, in the new system.
pub const SSHD: &str = "usr/sbin/sshd";
/// Makes host keys where none were saved, in the new system.
pub const SSH_KEYGEN: &str = "usr/bin/ssh-keygen";
/// Tells how the boot went, in the new system.
pub const SYSTEMCTL: &str = "bin/systemctl";
/// What programs see of the machine: mounted in the new root while they run there.
pub const MACHINE: [&str; 4] = ["dev", "proc", "sys", "run"];

/// That the jump system has begun its work, until the next boot.
pub const BEGUN: &str = "run/jump-begun";
/// Why the jump system stays up, until the next boot: a [`crate::run::failure::Failure`], JSON.
pub const REASON: &str = "run/jump-reason";
/// The admin host's secret, once it has logged in, until the next boot.
pub const ADMIN: &str = "run/jump-admin";

/// Our directory in the new system until the end.
pub const NEW_LIB: &str = "usr/lib/jump";
/// Our program in the new system until the end.
pub const NEW_PROGRAM: &str = "usr/lib/jump/jumpinit";
/// The plan in the new system until the end.
pub const NEW_PLAN: &str = "usr/lib/jump/plan.json";
/// The scripts of hooks of the new system, with a record of each that was begun, until the end.
pub const NEW_HOOKS: &str = "usr/lib/jump/hooks";
/// Who the new system has to be, JSON, until the end: [`crate::node::identity::Identity`].
pub const NEW_IDENTITY: &str = "usr/lib/jump/identity.json";
/// The first-boot unit.
pub const NEW_UNIT: &str = "etc/systemd/system/jump-finish.service";
/// What makes systemd start it.
pub const NEW_WANTS: &str = "etc/systemd/system/multi-user.target.wants/jump-finish.service";
/// Leads back to the jump system unless the new one is confirmed in time.
pub const NEW_DEADLINE_UNIT: &str = "etc/systemd/system/jump-deadline.service";
/// What makes systemd start it, before all else.
pub const NEW_DEADLINE_WANTS: &str =
    "etc/systemd/system/sysinit.target.wants/jump-deadline.service";
/// systemd's own settings while the new system is on trial.
pub const NEW_MANAGER: &str = "etc/systemd/system.conf.d/jump.conf";
/// This node's part of GRUB's settings in the new system; it stays.
pub const NEW_GRUB_SETTINGS: &str = "etc/default/grub.d/node.cfg";
/// What initramfs-tools resumes from; it stays (initramfs.conf(5)).
pub const NEW_RESUME: &str = "etc/initramfs-tools/conf.d/resume";
/// Logs in the new system; they stay.
pub const NEW_LOG: &str = "var/log/jump";

/// What begins the name of a text below [`NEW_LOG`] that tells why a boot of the new system
/// failed.
pub const FAILED_BOOT: &str = "failed-boot-";

/// The events file below [`LOG`] or [`NEW_LOG`].
pub const EVENTS_NAME: &str = "events.jsonl";
