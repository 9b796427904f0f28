//! Makes the root of a golden host with mmdebstrap, from an image's `[golden]` table and overlay.
//! Takes the mirror from apt's own configuration and writes only below `target/` or `--output`.

mod overlay;
mod recipe;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::{cache, mirror, packages, run, workspace};
pub use recipe::Golden;

/// Where Debian's own programs are.
const SYSTEM_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// How to make a root.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Where the root goes; `target/golden/NAME` by default.
    pub output: Option<PathBuf>,
    /// Make it even though nothing changed.
    pub fresh: bool,
}

/// Makes the root of the image `name` and returns its folder.
///
/// Made anew only where recipe, overlay or mirror changed.
pub fn make(name: &str, options: &Options) -> Result<PathBuf> {
    let root = options
        .output
        .clone()
        .unwrap_or_else(|| workspace::target("golden").join(name));
    let root = std::path::absolute(root)?;
    let stamp = beside(&root, "stamp")?;
    let golden = recipe::read(&workspace::image(name).join("recipe.toml"))?;
    packages::ensure(packages::GOLDEN)?;
    let sources = mirror::sources(&golden.suite)?;
    let digest = digest(name, &golden, &sources)?;
    if !options.fresh && cache::is_current(&stamp, &digest) && root.join("etc").is_dir() {
        eprintln!("golden: {name}: unchanged, {}", workspace::shown(&root));
        return Ok(root);
    }
    if !packages::is_root()? {
        bail!("golden: {name}: only root can make a root file system\nhint: sudo cargo xtask …");
    }
    let started = Instant::now();
    eprintln!(
        "golden: {name}: mmdebstrap makes {} (minutes)",
        golden.suite
    );
    cache::forget(&stamp)?;
    bootstrap(name, &golden, &sources, &root)?;
    cache::remember(&stamp, &digest)?;
    eprintln!(
        "golden: {name}: {} in {} s",
        workspace::shown(&root),
        started.elapsed().as_secs()
    );
    Ok(root)
}

/// What the root of `name` depends on. The recipe's other tables are the image's business.
fn digest(name: &str, golden: &Golden, sources: &[String]) -> Result<String> {
    let mut digest = cache::Digest::new("golden 3");
    digest.text(&format!("{golden:?}"));
    let overlay = workspace::image(name).join("overlay");
    if overlay.exists() {
        digest.tree(&overlay)?;
    }
    for source in sources {
        digest.text(source);
    }
    Ok(digest.finish())
}

/// Makes `to` a copy of the root `from`.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    remove_tree(to)?;
    run::quiet(run::command("cp", ["--archive"]).arg(from).arg(to))
}

/// Puts the files of the overlay of the image `name` over those of `root`.
pub fn lay_over(name: &str, root: &Path) -> Result<()> {
    let archive = beside(root, "overlay.tar")?;
    overlay::pack(&workspace::image(name).join("overlay"), &archive)?;
    let mut tar = run::command("tar", ["--extract", "--unlink-first", "--file"]);
    run::quiet(tar.arg(&archive).arg("--directory").arg(root))?;
    Ok(std::fs::remove_file(&archive)?)
}

/// The digest under which the root at `root` was made.
pub fn stamp(root: &Path) -> Result<String> {
    let stamp = beside(root, "stamp")?;
    std::fs::read_to_string(&stamp)
        .with_context(|| format!("no stamp {}", workspace::shown(&stamp)))
}

fn beside(root: &Path, extension: &str) -> Result<PathBuf> {
    let name = root.file_name().context("the output needs a name")?;
    Ok(root.with_file_name(format!("{}.{extension}", name.to_string_lossy())))
}

fn bootstrap(name: &str, golden: &Golden, sources: &[String], root: &Path) -> Result<()> {
    let new = beside(root, "new")?;
    let archive = beside(root, "overlay.tar")?;
    if let Some(folder) = root.parent() {
        std::fs::create_dir_all(folder)?;
    }
    remove_tree(&new)?;
    overlay::pack(&workspace::image(name).join("overlay"), &archive)?;
    let mut mmdebstrap = run::command("mmdebstrap", ["--quiet", "--mode=root"]);
    mmdebstrap
        .args(["--variant=minbase", "--aptopt=Acquire::Languages \"none\""])
        // The overlay is there before the packages are configured, and wins over their defaults.
        .args(["--dpkgopt=force-confold", "--dpkgopt=force-unsafe-io"])
        .args(golden.dpkg_excludes.iter().map(|path| format!("--dpkgopt=path-exclude={path}")))
        .arg(format!("--include={}", golden.packages.join(",")))
        .arg(format!("--essential-hook=tar-in {} /", archive.display()))
        .args(FORGET.iter().map(|hook| format!("--customize-hook={hook}")))
        .args(golden.remove.iter().map(|pattern| format!("--customize-hook=rm -rf \"$1\"/{pattern}")))
        .arg(format!("--customize-hook=tar-in {} /", archive.display()))
        .arg(&golden.suite)
        .arg(&new)
        .args(sources);
    // It starts a Python program for each package: the system's own, and no admin's wrapper, which
    // takes ten times as long.
    mmdebstrap.env("PATH", SYSTEM_PATH);
    if let Some(proxy) = mirror::proxy()? {
        mmdebstrap.env("http_proxy", proxy);
    }
    run::quiet(&mut mmdebstrap)?;
    if let Some(password) = &golden.root_password {
        let mut chpasswd = run::command("chroot", [new.as_os_str(), "chpasswd".as_ref()]);
        run::feed(&mut chpasswd, format!("root:{password}\n").as_bytes())?;
    }
    remove_tree(root)?;
    std::fs::rename(&new, root)?;
    std::fs::remove_file(&archive)?;
    Ok(())
}

/// What belongs to the machine that made the root, not to those that will run it.
const FORGET: &[&str] = &[
    r#"rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf"#,
    r#"rm -f "$1"/var/lib/dbus/machine-id; : > "$1"/etc/machine-id"#,
    r#"rm -f "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/etc/apt/apt.conf.d/99mmdebstrap"#,
];

/// Removes a folder that mmdebstrap made; one with something mounted in it is left alone.
fn remove_tree(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let inside = format!("{}/", folder.display());
    if mounts.lines().any(|line| {
        line.split(' ')
            .nth(1)
            .is_some_and(|at| at.starts_with(&inside))
    }) {
        bail!(
            "something is mounted below {}\nhint: unmount it",
            folder.display()
        );
    }
    std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}
