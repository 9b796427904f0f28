//! Programs that the tests run, with a time limit: a GRUB that waits at its prompt
//! must fail a test and not hold it up.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context as _, bail, ensure};

/// The first of `needs` that is not there: an absolute path or a program in `PATH`.
pub(crate) fn missing(needs: &[&'static str]) -> Option<&'static str> {
    let paths = env::var_os("PATH").unwrap_or_default();
    needs.iter().copied().find(|need| {
        !Path::new(need).is_absolute()
            && !env::split_paths(&paths).any(|folder| folder.join(need).exists())
            || Path::new(need).is_absolute() && !Path::new(need).exists()
    })
}

/// Runs a program that must succeed; returns its stdout.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?}: {}: {error}",
        output.status
    );
    Ok(output.stdout)
}

/// Runs a program for at most `limit` with its output in the file `log`; returns the
/// log, also where the exit status is not 0.
pub(crate) fn run_for(
    limit: Duration,
    log: &Path,
    command: &mut Command,
) -> anyhow::Result<String> {
    let file = fs::File::create(log)?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("{command:?}"))?;
    let end = Instant::now() + limit;
    while child.try_wait()?.is_none() {
        if Instant::now() > end {
            child.kill()?;
            child.wait()?;
            bail!("{command:?} did not end within {limit:?}:\n{}", text(log)?);
        }
        thread::sleep(Duration::from_millis(20));
    }
    text(log)
}

/// A log as text; a core image's output need not be UTF-8.
pub(crate) fn text(log: &Path) -> anyhow::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(log)?).into_owned())
}
