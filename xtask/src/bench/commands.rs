//! The commands that are timed: ours, and what an admin would otherwise type.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use jumplab::dist::Dist;

/// A command line, program first.
pub(super) type Command = Vec<OsString>;

/// A budget that none of the inputs exceeds.
const BUDGET: &str = "20GiB";

/// `jumpimg build`, at its default level 3.
pub(super) fn build(dist: &Dist, root: &Path, image: &Path) -> Command {
    let options = ["--kind", "target", "--name", "bench", "--budget", BUDGET];
    let mut command = words(&[dist.jumpimg.as_os_str(), "build".as_ref()]);
    command.extend(options.map(OsString::from));
    command.extend(words(&["--root".as_ref(), root.as_os_str()]));
    command.extend(words(&["-o".as_ref(), image.as_os_str()]));
    command
}

/// `jumpimg verify`.
pub(super) fn verify(dist: &Dist, image: &Path) -> Command {
    let jumpimg = dist.jumpimg.as_os_str();
    words(&[jumpimg, "verify".as_ref(), image.as_os_str()])
}

/// `jumpinit extract` and, as for the peers, a sync.
pub(super) fn extract_and_sync(dist: &Dist, image: &Path, to: &Path) -> Command {
    let script = r#""$1" extract "$2" "$3" && sync -f "$3""#;
    shell(script, &[&dist.jumpinit, image, to])
}

/// `jumpinit extract` that leaves writing to the kernel.
pub(super) fn extract_only(dist: &Dist, image: &Path, to: &Path) -> Command {
    let begin = [dist.jumpinit.as_os_str(), "extract".as_ref()];
    let end = ["--no-sync".as_ref(), image.as_os_str(), to.as_os_str()];
    words(&[begin.as_slice(), &end].concat())
}

/// `tar | zstd -3 -T0`.
pub(super) fn tar_zstd(root: &Path, archive: &Path) -> Command {
    let script = r#"tar --one-file-system -C "$1" -cf - . | zstd -3 -T0 -qfo "$2""#;
    shell(script, &[root, archive])
}

/// `tar -czf`.
pub(super) fn tar_gzip(root: &Path, archive: &Path) -> Command {
    let script = r#"tar --one-file-system -C "$1" -czf "$2" ."#;
    shell(script, &[root, archive])
}

/// `zstd -dc | tar -x`, and a sync.
pub(super) fn zstd_tar(archive: &Path, to: &Path) -> Command {
    let script = r#"zstd -qdc "$1" | tar --numeric-owner -xpf - -C "$2" && sync -f "$2""#;
    shell(script, &[archive, to])
}

/// `tar -xzf`, and a sync.
pub(super) fn gzip_tar(archive: &Path, to: &Path) -> Command {
    let script = r#"tar --numeric-owner -xzpf "$1" -C "$2" && sync -f "$2""#;
    shell(script, &[archive, to])
}

/// `zstd -t`.
pub(super) fn zstd_test(archive: &Path) -> Command {
    words(&["zstd".as_ref(), "-qt".as_ref(), archive.as_os_str()])
}

/// bash, as its `pipefail` makes a pipeline fail with any of its programs.
fn shell(script: &str, arguments: &[&Path]) -> Command {
    let script = format!("set -o pipefail; {script}");
    let mut command: Command = ["bash", "-c", &script, "bash"].map(OsString::from).into();
    command.extend(arguments.iter().map(|path| path.as_os_str().to_owned()));
    command
}

fn words(words: &[&OsStr]) -> Command {
    words.iter().map(|word| OsString::from(*word)).collect()
}
