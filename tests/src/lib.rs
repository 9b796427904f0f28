//! Tests that drive the built binaries from outside; see `tests/`.

pub mod machines;

use std::path::PathBuf;
use std::process::Command;

/// Path of a built program: in `JUMP_DIST` if that is set, as `cargo xtask test` does,
/// else where `cargo build` puts it.
///
/// # Panics
/// If it is not there.
pub fn bin(name: &str) -> PathBuf {
    let directory = std::env::var_os("JUMP_DIST").map_or_else(beside_tests, PathBuf::from);
    let path = directory.join(name);
    assert!(
        path.is_file(),
        "{} is missing: run `cargo build -p {name}`, or name a directory with JUMP_DIST",
        path.display()
    );
    path
}

/// A built program that heeds every signal, also where whoever started the tests ignores some, as
/// nohup(1) does, and a shell for what it runs in the background. env(1).
pub fn command(name: &str) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(bin(name));
    command
}

/// Whether the test runs as root.
pub fn is_root() -> bool {
    // /proc/self belongs to the effective user, proc(5).
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|is| is.uid() == 0)
}

/// `target/debug` of the running `target/debug/deps/TEST`.
fn beside_tests() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.ancestors()
        .nth(2)
        .map_or_else(PathBuf::new, PathBuf::from)
}
