//! `cargo xtask mutants`: a check of the tests themselves. Each mutant is a build with one safety measure
//! off; the test that is there for that measure has to fail with it, and to pass without.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail, ensure};
use jumplab::experiments::faults::MUTANT;
use jumplab::table::Table;
use jumplab::{dist, packages, run, workspace};

/// Which tests can notice.
#[derive(Debug, Clone, Copy)]
enum Suite {
    /// Those of jumpsys on loop devices.
    Devices,
    /// The fault matrix, in the small world; its jump system gets the mutant as its jumpinit.
    Faults,
}

/// A safety measure that is off.
struct Mutant {
    /// The value of `cfg(jump_mutant)`.
    name: &'static str,
    off: &'static str,
    suite: Suite,
    test: &'static str,
}

const MUTANTS: [Mutant; 4] = [
    Mutant {
        name: "no-fsync",
        off: "a durable write is not synced",
        suite: Suite::Devices,
        test: "a_durable_write_has_left_the_devices_cache",
    },
    Mutant {
        name: "no-read-back",
        off: "a durable write is not read back",
        suite: Suite::Devices,
        test: "a_durable_write_that_does_not_read_back_is_an_error",
    },
    Mutant {
        name: "no-freeze",
        off: "what GRUB reads is not frozen and thawed",
        suite: Suite::Devices,
        test: "what_is_settled_is_read_without_the_journal",
    },
    Mutant {
        name: "no-tries",
        off: "the selector does not count the new system's tries",
        suite: Suite::Faults,
        test: "row_32_new_system_panics",
    },
];

/// Tries all mutants. Fails if one survives.
pub(crate) fn mutants() -> Result<()> {
    packages::ensure(&[packages::TESTS, packages::VM].concat())?;
    dist::build()?;
    let mut table = Table::new(4, &["mutant", "switched off", "test", "verdict"]);
    let mut survivors = Vec::new();
    for mutant in &MUTANTS {
        ensure!(
            passes(mutant, false)?,
            "{} fails without a mutant",
            mutant.test
        );
        let killed = !passes(mutant, true)?;
        if !killed {
            survivors.push(mutant.name);
        }
        let verdict = if killed { "noticed" } else { "SURVIVED" };
        table.row(
            [mutant.name, mutant.off, mutant.test, verdict]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    print!("{}", table.text());
    if survivors.is_empty() {
        return Ok(());
    }
    bail!("not noticed by any test: {}", survivors.join(", "))
}

/// Whether the mutant's test passes, with the mutant or without. An error is a test that was not run.
fn passes(mutant: &Mutant, with: bool) -> Result<bool> {
    let mut cargo = match mutant.suite {
        Suite::Devices => devices(mutant, with)?,
        Suite::Faults => faults(mutant, with)?,
    };
    cargo.current_dir(workspace::root());
    cargo.args(["--", "--exact", mutant.test]);
    eprintln!("mutants: {}", run::line(&cargo));
    let output = run::output(&mut cargo)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let counted = |verdict: &str| said.contains(&format!("test result: {verdict}"));
    match (
        counted("ok. 1 passed"),
        counted("FAILED. 0 passed; 1 failed"),
    ) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("{} was not run:\n{said}{errors}", mutant.test)
        }
    }
}

fn devices(mutant: &Mutant, with: bool) -> Result<Command> {
    let arguments = ["test", "-p", "jumpsys", "--test", "loop_devices"];
    let mut cargo = run::command("cargo", arguments);
    if with {
        cargo
            .env("CARGO_TARGET_DIR", workspace::target("mutants"))
            .env("RUSTC_WORKSPACE_WRAPPER", wrapper(mutant)?);
    }
    Ok(cargo)
}

fn faults(mutant: &Mutant, with: bool) -> Result<Command> {
    let mut cargo = crate::faults::test_command();
    if with {
        let program = dist::build_mutant(&wrapper(mutant)?)?;
        cargo.env(MUTANT, program);
    }
    Ok(cargo)
}

/// What cargo starts in place of rustc, for the workspace's own crates alone: the others need not be
/// built anew for each mutant.
fn wrapper(mutant: &Mutant) -> Result<PathBuf> {
    let folder = workspace::target("mutants");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("rustc-{}", mutant.name));
    let script = format!(
        "#!/bin/sh\nrustc=$1\nshift\nexec \"$rustc\" --cfg 'jump_mutant=\"{}\"' \"$@\"\n",
        mutant.name
    );
    std::fs::write(&path, script)?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}
