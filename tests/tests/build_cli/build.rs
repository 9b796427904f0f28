//! `jumpimg build`.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::Case;
use crate::golden::Golden;
use crate::run::{Outcome, jumpimg, outcome};

pub(crate) const CASES: &[Case] = &[
    (
        "a_jump_image_is_built_verified_and_inspected",
        false,
        jump_image,
    ),
    ("what_belongs_to_one_machine_stays_out", false, curated),
    (
        "jumpinit_is_rc_local_and_something_runs_it",
        false,
        rc_local,
    ),
    ("gnu_tar_reads_the_image", false, gnu_tar),
    ("the_same_tree_gives_the_same_bytes", false, same_bytes),
    (
        "over_budget_is_refused_with_the_heaviest",
        false,
        over_budget,
    ),
    ("a_dry_run_writes_nothing", false, dry_run),
    ("a_socket_is_counted", false, socket),
    (
        "directories_nested_without_end_are_refused_by_name",
        false,
        nested,
    ),
    ("a_missing_recipe_is_a_failure", false, missing_recipe),
    ("a_wrong_recipe_is_told_by_its_line", false, wrong_recipe),
    (
        "a_jumpinit_that_is_not_static_is_refused",
        false,
        dynamic_jumpinit,
    ),
    ("a_directory_that_is_no_system_is_refused", false, no_system),
    ("wrong_usage_ends_with_2", false, usage),
    ("completion_is_printed", false, completion),
];

/// Builds a jump image `name` of the golden tree, with more arguments.
pub(crate) fn build(golden: &Golden, name: &str, more: &[&str]) -> Result<Outcome> {
    jumpimg(arguments(golden, name, more))
}

/// The arguments of such a build.
pub(crate) fn arguments(golden: &Golden, name: &str, more: &[&str]) -> Vec<String> {
    let path = |path: &Path| path.display().to_string();
    let mut arguments = vec!["build".to_owned(), "--kind".to_owned(), "jump".to_owned()];
    arguments.extend([
        "--root".to_owned(),
        path(&golden.root()),
        "-o".to_owned(),
        path(&golden.path(name)),
    ]);
    arguments.extend(["--jumpinit".to_owned(), path(&golden.path("jumpinit"))]);
    arguments.extend(more.iter().map(ToString::to_string));
    arguments
}

/// Paths in an image, as GNU tar lists them.
pub(crate) fn list(golden: &Golden, name: &str) -> Result<Vec<String>> {
    let mut tar = Command::new("tar");
    let listed = outcome(tar.args(["--zstd", "-tf"]).arg(golden.path(name)))?.done()?;
    Ok(listed.stdout.lines().map(str::to_owned).collect())
}

fn jump_image() -> Result<()> {
    let golden = Golden::new()?;
    let built = build(&golden, "j.tar.zst", &[])?.done()?;
    ensure!(
        built
            .stdout
            .contains("jump image j, Debian GNU/Linux 12 (bookworm)"),
        "{built:?}"
    );
    let image = golden.path("j.tar.zst");
    let verified = jumpimg(["verify".as_ref(), image.as_os_str()])?.done()?;
    ensure!(verified.stdout.starts_with("ok: "), "{verified:?}");
    let shown = jumpimg(["inspect".as_ref(), image.as_os_str()])?.done()?;
    for text in [
        "6.1.0-9-amd64",
        "systemd",
        "networkd",
        "i386-pc",
        "ext4, xfs",
    ] {
        ensure!(shown.stdout.contains(text), "{text}: {shown:?}");
    }
    let json = jumpimg(["inspect".as_ref(), "--json".as_ref(), image.as_os_str()])?.done()?;
    let json: serde_json::Value = serde_json::from_str(&json.stdout)?;
    let manifest: jumpspec::image::manifest::Manifest =
        serde_json::from_value(json["manifest"].clone())?;
    let toolbox: Vec<&str> = manifest
        .toolbox
        .iter()
        .map(jumpspec::words::relpath::RelPath::as_str)
        .collect();
    ensure!(
        toolbox == ["sbin", "usr/sbin/mkfs.ext4", "usr/sbin/mkfs.xfs"],
        "{toolbox:?}"
    );
    ensure!(
        manifest.directories["boot"].bytes() == 3 * 4096,
        "{:?}",
        manifest.directories
    );
    Ok(())
}

fn curated() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "j.tar.zst", &["--exclude", "/usr/share/doc"])?.done()?;
    let paths = list(&golden, "j.tar.zst")?;
    for there in [
        "etc/ssh/sshd_config",
        "var/log/apt/",
        "var/cache/apt/",
        "proc/",
        "etc/machine-id",
    ] {
        ensure!(paths.iter().any(|path| path == there), "{there} is missing");
    }
    for gone in [
        "ssh_host",
        "history.log",
        "pkgcache",
        "proc/not",
        "swapfile",
        "share/doc",
    ] {
        ensure!(
            !paths.iter().any(|path| path.contains(gone)),
            "{gone} is there"
        );
    }
    let id = extract(&golden, "j.tar.zst", "etc/machine-id")?;
    ensure!(id.is_empty(), "the machine's identity is in the image");
    Ok(())
}

fn extract(golden: &Golden, name: &str, path: &str) -> Result<String> {
    let mut tar = Command::new("tar");
    Ok(outcome(
        tar.args(["--zstd", "-xOf"])
            .arg(golden.path(name))
            .arg(path),
    )?
    .stdout)
}

fn rc_local() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    ensure!(extract(&golden, "j.tar.zst", "etc/rc.local")?.contains("ELF"));
    // The tree has no generator that would run it.
    let unit = extract(&golden, "j.tar.zst", "etc/systemd/system/rc-local.service")?;
    ensure!(unit.contains("ExecStart=/etc/rc.local start"), "{unit}");
    golden.put(
        "usr/lib/systemd/system-generators/systemd-rc-local-generator",
        b"\0/etc/rc.local\0",
    )?;
    golden.put("usr/lib/systemd/system/rc-local.service", b"[Service]\n")?;
    build(&golden, "k.tar.zst", &[])?.done()?;
    let paths = list(&golden, "k.tar.zst")?;
    ensure!(
        !paths
            .iter()
            .any(|path| path == "etc/systemd/system/rc-local.service")
    );
    Ok(())
}

fn gnu_tar() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    fs::create_dir(golden.path("copy"))?;
    let mut tar = Command::new("tar");
    tar.args(["--zstd", "-xf"])
        .arg(golden.path("j.tar.zst"))
        .arg("-C")
        .arg(golden.path("copy"));
    outcome(&mut tar)?.done()?;
    ensure!(fs::read(golden.path("copy/boot/vmlinuz-6.1.0-9-amd64"))? == b"kernel");
    let mut zstd = Command::new("zstd");
    let tested = outcome(zstd.arg("-qt").arg(golden.path("j.tar.zst")))?;
    ensure!(tested.code == Some(0), "{tested:?}");
    Ok(())
}

fn same_bytes() -> Result<()> {
    let golden = Golden::new()?;
    build(&golden, "one.tar.zst", &["--name", "same"])?.done()?;
    build(&golden, "two.tar.zst", &["--name", "same"])?.done()?;
    let (one, two) = (
        fs::read(golden.path("one.tar.zst"))?,
        fs::read(golden.path("two.tar.zst"))?,
    );
    ensure!(one == two, "the bytes differ");
    Ok(())
}

fn over_budget() -> Result<()> {
    let golden = Golden::new()?;
    golden.put(
        "var/lib/dpkg/info/heavy.list",
        b"/usr\n/usr/share/doc/heavy\n",
    )?;
    let refused =
        build(&golden, "j.tar.zst", &["--budget", "60KiB"])?.failed(3, "[over-budget]")?;
    for text in [
        "directory\n   3.0 MiB",
        " %  heavy\n",
        "/usr/share/doc/heavy  (heavy)",
        "hint: ",
        "its budget is 60.0 KiB",
        "--exclude",
    ] {
        ensure!(refused.stderr.contains(text), "{text}: {refused:?}");
    }
    let json = build(&golden, "j.tar.zst", &["--budget", "60KiB", "--json"])?.failed(3, "error")?;
    let errors: serde_json::Value = serde_json::from_str(&json.stdout)?;
    ensure!(errors["errors"][0]["code"] == "over-budget", "{errors}");
    let left = fs::read_dir(golden.scratch.path())?.count();
    ensure!(left == 2, "something was left behind");
    Ok(())
}

fn dry_run() -> Result<()> {
    let golden = Golden::new()?;
    let told = build(&golden, "j.tar.zst", &["--dry-run"])?.done()?;
    for text in [
        "nothing was written",
        "/etc/ssh/ssh_host_rsa_key",
        "/swapfile",
    ] {
        ensure!(told.stdout.contains(text), "{text}: {told:?}");
    }
    ensure!(!golden.path("j.tar.zst").exists());
    let json = build(&golden, "j.tar.zst", &["--dry-run", "--json"])?.done()?;
    let value: serde_json::Value = serde_json::from_str(&json.stdout)?;
    ensure!(value["manifest"]["name"] == "j", "{value}");
    Ok(())
}

fn socket() -> Result<()> {
    let golden = Golden::new()?;
    let _socket = UnixListener::bind(golden.root().join("etc/socket"))?;
    let json = build(&golden, "j.tar.zst", &["--json"])?.done()?;
    let report: serde_json::Value = serde_json::from_str(&json.stdout)?;
    ensure!(report["sockets"] == 1, "{report}");
    Ok(())
}

fn missing_recipe() -> Result<()> {
    let missing = jumpimg([
        "build",
        "--recipe",
        "/nonexistent/recipe.toml",
        "-o",
        "/nonexistent/x",
    ])?;
    missing.failed(1, "cannot read the recipe /nonexistent/recipe.toml")?;
    Ok(())
}

fn wrong_recipe() -> Result<()> {
    let golden = Golden::new()?;
    fs::write(
        golden.path("recipe.toml"),
        "name = \"x\"\nkind = \"jump\"\nbudgets = 1\n",
    )?;
    let recipe = golden.path("recipe.toml").display().to_string();
    let wrong = jumpimg(["build", "--recipe", &recipe, "-o", "/nonexistent/x"])?;
    wrong.failed(2, "recipe.toml:3: unknown field `budgets`")?;
    Ok(())
}

fn dynamic_jumpinit() -> Result<()> {
    let golden = Golden::new()?;
    fs::write(golden.path("jumpinit"), "#!/bin/sh\n")?;
    build(&golden, "j.tar.zst", &[])?.failed(3, "[jumpinit-not-static]")?;
    ensure!(!golden.path("j.tar.zst").exists());
    fs::remove_file(golden.path("jumpinit"))?;
    build(&golden, "j.tar.zst", &[])?.failed(1, "[no-jumpinit]")?;
    Ok(())
}

fn no_system() -> Result<()> {
    let golden = Golden::new()?;
    fs::remove_file(golden.root().join("usr/lib/os-release"))?;
    build(&golden, "j.tar.zst", &[])?.failed(3, "[no-os-release]")?;
    Ok(())
}

fn usage() -> Result<()> {
    for arguments in [
        &["build"][..],
        &["build", "--kind", "x", "-o", "y"],
        &["verify"],
        &["nonsense"],
    ] {
        let outcome = jumpimg(arguments)?;
        ensure!(outcome.code == Some(2), "{outcome:?}");
    }
    Ok(())
}

fn completion() -> Result<()> {
    let printed = jumpimg(["completion", "bash"])?.done()?;
    ensure!(printed.stdout.contains("_jumpimg"));
    Ok(())
}

/// Made and removed one level at a time: no path is as long.
fn nested() -> Result<()> {
    let golden = Golden::new()?;
    let script = |script: &str| -> Result<()> {
        let made = Command::new("python3")
            .args(["-c", script])
            .current_dir(golden.root())
            .status()?;
        ensure!(made.success(), "{script}");
        Ok(())
    };
    script("import os\nfor _ in range(9000):\n os.mkdir('d')\n os.chdir('d')")?;
    let refused = build(&golden, "image.tar.zst", &[])?;
    script(
        "import os\nfor _ in range(9000): os.chdir('d')\nfor _ in range(9000):\n os.chdir('..')\n os.rmdir('d')",
    )?;
    refused.failed(3, "[path-too-long]")?;
    Ok(())
}
