//! Builds `jumpimg` and `jumpinit` as static musl programs into `target/dist/`.
//! Never ships one that needs an interpreter or a shared library: a node may have neither.

mod elf;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{packages, run, workspace};

const TARGET: &str = "x86_64-unknown-linux-musl";
/// Debian's own toolchain for musl, where rustup has no musl target.
const DEBIAN: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "libunwind-14-dev"];

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
    Ok(Dist {
        jumpimg: publish(&built, "jumpimg")?,
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

/// Which Rust makes the musl programs.
enum Toolchain {
    /// The Rust in use, by way of rustup's musl target.
    Rustup,
    /// Debian's, which builds std for musl from source.
    Debian,
}

impl Toolchain {
    /// rustup's where its musl target is there or can be added, else Debian's.
    /// `XTASK_MUSL=debian` or `rustup` forces one.
    fn choose() -> Result<Self> {
        match std::env::var("XTASK_MUSL").as_deref() {
            Ok("debian") => return Self::debian(),
            Ok("rustup") => return Ok(Self::Rustup),
            _ => {}
        }
        if musl_std_is_there() {
            return Ok(Self::Rustup);
        }
        eprintln!("dist: adding the musl target by rustup");
        let added = run::quiet(&mut run::command("rustup", ["target", "add", TARGET]));
        if added.is_ok() && musl_std_is_there() {
            return Ok(Self::Rustup);
        }
        eprintln!("dist: rustup cannot add {TARGET}; taking Debian's toolchain");
        Self::debian()
    }

    fn debian() -> Result<Self> {
        packages::ensure(DEBIAN)?;
        Ok(Self::Debian)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup's musl target",
            Self::Debian => "Debian's toolchain and std built for musl",
        }
    }

    /// The target folder: one for each toolchain, as their artefacts don't mix.
    fn folder(&self) -> &'static str {
        match self {
            Self::Rustup => "musl",
            Self::Debian => "musl-debian",
        }
    }

    fn cargo(&self) -> Result<Command> {
        match self {
            Self::Rustup => Ok(plain_cargo("cargo")),
            Self::Debian => debian_cargo(),
        }
    }
}

/// A cargo without what an outer `cargo run` put into the environment.
fn plain_cargo(program: &str) -> Command {
    let mut cargo = run::command(program, [] as [&str; 0]);
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TARGET_DIR",
        "CARGO_BUILD_TARGET",
    ] {
        cargo.env_remove(name);
    }
    // zstd's C code. cc-rs would look for a cross compiler named after the target first.
    cargo.env("CC_x86_64_unknown_linux_musl", "musl-gcc");
    cargo
}

fn musl_std_is_there() -> bool {
    let mut rustc = run::command("rustc", ["--print", "target-libdir", "--target", TARGET]);
    run::capture(&mut rustc).is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Debian's cargo, told to build std and to link with musl-gcc and LLVM's libunwind.
fn debian_cargo() -> Result<Command> {
    let native = workspace::target("musl-debian").join("native");
    unwind_library(&native)?;
    let mut cargo = plain_cargo("/usr/bin/cargo");
    cargo
        // rustup's proxies must not take over: this cargo has its own rustc.
        .env("RUSTC", "/usr/bin/rustc")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("LD_LIBRARY_PATH")
        // -Zbuild-std is unstable, and Debian's compiler is a stable one.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER", "musl-gcc")
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            [
                "-Clink-self-contained=no",
                // Else Debian's musl-gcc makes the program dynamic.
                "-Crelocation-model=static",
                "-Lnative",
            ]
            .join("\u{1f}")
                + "="
                + &native.display().to_string(),
        )
        .arg("-Zbuild-std=std,panic_unwind,panic_abort");
    Ok(cargo)
}

/// LLVM's libunwind was compiled against glibc with fortify and calls `__fprintf_chk`, which musl
/// does not have: a copy of the archive gets an object that defines it.
fn unwind_library(folder: &Path) -> Result<()> {
    let archive = folder.join("libunwind.a");
    if archive.exists() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    let source = folder.join("fprintf_chk.c");
    std::fs::write(&source, FPRINTF_CHK)?;
    let object = folder.join("fprintf_chk.o");
    run::quiet(
        run::command("musl-gcc", ["-O2", "-c", "-o"])
            .arg(&object)
            .arg(&source),
    )?;
    let beside = folder.join("libunwind.new.a");
    std::fs::copy("/usr/lib/llvm-14/lib/libunwind.a", &beside)?;
    run::quiet(run::command("ar", ["r"]).arg(&beside).arg(&object))?;
    std::fs::rename(&beside, &archive)?;
    Ok(())
}

const FPRINTF_CHK: &str = "\
#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *stream, int flag, const char *format, ...)
{
    (void)flag;
    va_list arguments;
    va_start(arguments, format);
    int written = vfprintf(stream, format, arguments);
    va_end(arguments);
    return written;
}
";
