//! What is mounted below a golden root, in a mount namespace of the test's own.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::Case;
use crate::golden::Golden;
use crate::run::{Outcome, outcome};

pub(crate) const CASES: &[Case] = &[
    (
        "a_separate_boot_is_refused_until_decided",
        true,
        separate_boot,
    ),
    ("a_bind_mount_is_an_empty_directory", true, bind_mount),
];

/// Builds a target image with `mounts` (a shell script in the golden root) done before,
/// then lists its paths below the answer's errors.
fn build(golden: &Golden, mounts: &str, more: &str) -> Result<Outcome> {
    let script = format!(
        "cd \"$1\" && {mounts} && \"$2\" build --kind target --root \"$1\" -o \"$3\" {more} \
         && tar --zstd -tf \"$3\""
    );
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        &script,
        "sh",
    ]);
    command
        .arg(golden.root())
        .arg(jump_tests::bin("jumpimg"))
        .arg(golden.path("t.tar.zst"));
    outcome(&mut command)
}

const BOOT: &str = "mount -t tmpfs boot boot && echo kernel > boot/vmlinuz-9";

fn separate_boot() -> Result<()> {
    let golden = Golden::new()?;
    let refused = build(&golden, BOOT, "")?.failed(3, "[separate-filesystem]")?;
    ensure!(refused.stderr.contains("--cross /boot"), "{refused:?}");
    let crossed = build(&golden, BOOT, "--cross /boot")?.done()?;
    ensure!(crossed.stdout.contains("boot/vmlinuz-9"), "{crossed:?}");
    let left = build(&golden, BOOT, "--leave /boot")?.done()?;
    ensure!(
        left.stdout.contains("\nboot/\n") && !left.stdout.contains("vmlinuz"),
        "{left:?}"
    );
    Ok(())
}

fn bind_mount() -> Result<()> {
    let golden = Golden::new()?;
    let built = build(&golden, "mkdir -p srv && mount --bind usr srv", "")?.done()?;
    ensure!(
        built.stdout.contains("\nsrv/\n") && !built.stdout.contains("srv/lib"),
        "{built:?}"
    );
    ensure!(
        built.stdout.contains("stored as empty directories"),
        "{built:?}"
    );
    Ok(())
}
