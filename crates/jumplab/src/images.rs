//! Builds the images of `images/` by `jumpimg build` into `target/images/`, and verifies them.

mod modules;

use std::io::stderr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::dist::Dist;
use crate::{cache, golden, run, workspace};

/// The images that the demo and the tests push.
pub const JUMP: &str = "jump-debian12";
/// The new system.
pub const NODE: &str = "node-debian13";

/// The old system, of which only the golden root is made.
pub const OLD: &str = "old-debian12";
/// What all systems of a node of 2009 are made from.
pub const LEGACY: &str = "legacy-debian12";
/// What all systems of the small world are made from.
pub const SMALL: &str = "small-debian12";
/// The small world's jump system.
pub const SMALL_JUMP: &str = "small-jump";
/// The small world's new system.
pub const SMALL_NODE: &str = "small-target";
/// The jump system of its nodes with a UEFI.
pub const SMALL_EFI_JUMP: &str = "small-efi-jump";
/// Their new system.
pub const SMALL_EFI_NODE: &str = "small-efi-target";
/// What all of their systems have besides.
pub const SMALL_EFI: &str = "small-efi";

/// Where the image `name` is built.
pub fn path(name: &str) -> PathBuf {
    workspace::target("images").join(format!("{name}.tar.zst"))
}

/// Makes what is missing of both images: golden root and image file.
pub fn build_all(dist: &Dist) -> Result<()> {
    build(JUMP, dist)?;
    build(NODE, dist).map(drop)
}

/// Builds and verifies the image `name`; only where recipe, root or our programs changed.
pub fn build(name: &str, dist: &Dist) -> Result<PathBuf> {
    let root = golden::make(name, &golden::Options::default())?;
    let digest = golden::stamp(&root)?;
    build_from(name, &root, &digest, dist)
}

/// The same from a `root` that has the digest `made`.
pub fn build_from(name: &str, root: &Path, made: &str, dist: &Dist) -> Result<PathBuf> {
    let (recipe, image) = (workspace::image(name).join("recipe.toml"), path(name));
    let stamp = workspace::target("images").join(format!("{name}.stamp"));
    let digest = digest(made, &recipe, dist)?;
    if cache::is_current(&stamp, &digest) && image.exists() {
        eprintln!("images: {name}: unchanged, {}", workspace::shown(&image));
        return Ok(image);
    }
    std::fs::create_dir_all(workspace::target("images"))?;
    cache::forget(&stamp)?;
    let mut build = run::command(&dist.jumpimg, ["build", "--recipe"]);
    build
        .arg(&recipe)
        .arg("--root")
        .arg(root)
        .arg("-o")
        .arg(&image);
    build.arg("--jumpinit").arg(&dist.jumpinit);
    // What is printed is the task's own report.
    run::show(build.stdout(stderr()))?;
    let mut verify = run::command(&dist.jumpimg, ["verify"]);
    run::show(verify.arg(&image).stdout(stderr()))?;
    modules::check(&image)?;
    cache::remember(&stamp, &digest)?;
    Ok(image)
}

fn digest(made: &str, recipe: &Path, dist: &Dist) -> Result<String> {
    let mut digest = cache::Digest::new("image 1");
    digest.text(made);
    digest.file(recipe)?;
    digest.file(&dist.jumpimg)?;
    digest.file(&dist.jumpinit)?;
    Ok(digest.finish())
}
