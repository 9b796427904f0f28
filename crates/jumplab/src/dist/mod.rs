//! Builds `jumpimg` and `jumpinit` as static musl programs into `target/dist/`.
//! Never ships one that needs an interpreter or a shared library: a node may have neither.

mod elf;
mod toolchain;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use self::toolchain::{TARGET, Toolchain};
use crate::{packages, run, workspace};

/// jumpimg's other name.
const JUMP2NR: &str = "jump2nr";

/// The static programs, ready to be copied to any x86-64 Linux.
#[derive(Debug, Clone)]
pub struct Dist {
    /// The admin's program.
    pub jumpimg: PathBuf,
    /// The node's program.
    pub jumpinit: PathBuf,
}

/// Builds both programs in release mode and checks that they are static.
///
/// Cargo decides what is to be done: with nothing changed this takes a second.
pub fn build() -> Result<Dist> {
    packages::ensure(packages::MUSL)?;
    let toolchain = Toolchain::choose()?;
    eprintln!("dist: building with {}", toolchain.name());
    let target_dir = workspace::target(toolchain.folder());
    let mut cargo = toolchain.cargo()?;
    cargo
        .args(["build", "--release", "--target", TARGET])
        .args(["-p", "jumpimg", "-p", "jumpinit"])
        .arg("--target-dir")
        .arg(&target_dir)
        .current_dir(workspace::root());
    run::show(&mut cargo)?;
    let built = target_dir.join(TARGET).join("release");
    let jumpimg = publish(&built, "jumpimg")?;
    link(&jumpimg.with_file_name(JUMP2NR))?;
    Ok(Dist {
        jumpimg,
        jumpinit: publish(&built, "jumpinit")?,
    })
}

/// Builds jumpinit by way of `wrapper` (cargo's `build.rustc-workspace-wrapper`) below a folder of its own:
/// it is never what [`build`] leaves. Optimized less, as it is not to be shipped.
pub fn build_mutant(wrapper: &Path) -> Result<PathBuf> {
    packages::ensure(packages::MUSL)?;
    let toolchain = Toolchain::choose()?;
    let target_dir = workspace::target("mutants").join(toolchain.folder());
    let mut cargo = toolchain.cargo()?;
    cargo
        .args(["build", "--release", "--target", TARGET, "-p", "jumpinit"])
        .args(["--config", "profile.release.lto=false"])
        .args(["--config", "profile.release.codegen-units=16"])
        .arg("--target-dir")
        .arg(&target_dir)
        .env("RUSTC_WORKSPACE_WRAPPER", wrapper)
        .current_dir(workspace::root());
    run::show(&mut cargo)?;
    let built = target_dir.join(TARGET).join("release/jumpinit");
    elf::check_static(&std::fs::read(&built)?).context("jumpinit is not static")?;
    Ok(built)
}

/// What [`build`] leaves.
pub fn built() -> Dist {
    Dist {
        jumpimg: jumpimg(),
        jumpinit: workspace::target("dist").join("jumpinit"),
    }
}

/// Where [`build`] leaves jumpimg; jumpinit is beside it.
pub fn jumpimg() -> PathBuf {
    workspace::target("dist").join("jumpimg")
}

/// jumpimg by the name under which it takes the options of 2009.
pub fn jump2nr() -> PathBuf {
    jumpimg().with_file_name(JUMP2NR)
}

/// Makes that name, to what lies beside it.
fn link(name: &Path) -> Result<()> {
    match std::os::unix::fs::symlink("jumpimg", name) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("cannot make {}", workspace::shown(name)))
        }
        _ => Ok(()),
    }
}

/// Checks the program `name` below `built` and copies it to `target/dist/` where it changed.
fn publish(built: &Path, name: &str) -> Result<PathBuf> {
    let source = built.join(name);
    let bytes = std::fs::read(&source)
        .with_context(|| format!("cargo left no {}", workspace::shown(&source)))?;
    elf::check_static(&bytes).with_context(|| format!("{name} is not static"))?;
    let folder = workspace::target("dist");
    std::fs::create_dir_all(&folder)?;
    let destination = folder.join(name);
    if std::fs::read(&destination).ok().as_deref() != Some(bytes.as_slice()) {
        // Beside and renamed: a running copy can't be overwritten in place.
        let beside = folder.join(format!(".{name}.new"));
        std::fs::copy(&source, &beside)?;
        std::fs::rename(&beside, &destination)?;
    }
    eprintln!(
        "dist: {} {} bytes, static",
        workspace::shown(&destination),
        bytes.len()
    );
    Ok(destination)
}
