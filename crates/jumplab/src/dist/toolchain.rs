//! Which Rust builds static programs against musl, and how it is told to. Installs what it lacks.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{packages, run, workspace};

/// What is built for.
pub(super) const TARGET: &str = "x86_64-unknown-linux-musl";
/// Debian's own toolchain for musl, where rustup has no musl target.
const DEBIAN: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "libunwind-14-dev"];

/// Which Rust makes the musl programs.
pub(super) enum Toolchain {
    /// The Rust in use, by way of rustup's musl target.
    Rustup,
    /// Debian's, which builds std for musl from source.
    Debian,
}

impl Toolchain {
    /// rustup's where its musl target is there or can be added, else Debian's.
    /// `XTASK_MUSL=debian` or `rustup` forces one.
    pub(super) fn choose() -> Result<Self> {
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

    /// For the person who waits.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup's musl target",
            Self::Debian => "Debian's toolchain and std built for musl",
        }
    }

    /// The target folder: one for each toolchain, as their artefacts don't mix.
    pub(super) fn folder(&self) -> &'static str {
        match self {
            Self::Rustup => "musl",
            Self::Debian => "musl-debian",
        }
    }

    /// A cargo that builds for [`TARGET`].
    pub(super) fn cargo(&self) -> Result<Command> {
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
