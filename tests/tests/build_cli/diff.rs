//! `jumpimg diff`: what changed between two images.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::Case;
use crate::build::build;
use crate::golden::Golden;
use crate::packages::{dpkg, rpm};
use crate::run::{Outcome, jumpimg};

pub(crate) const CASES: &[Case] = &[
    ("an_image_does_not_differ_from_itself", false, same),
    ("each_kind_of_change_is_told", false, changes),
    (
        "exit_code_is_1_if_images_differ_and_only_if_asked",
        false,
        exit_code,
    ),
    ("a_time_alone_is_no_difference", false, time),
    ("rpm_packages_are_compared", false, rpm_packages),
    ("what_is_no_image_is_refused", false, foreign),
];

fn diff(golden: &Golden, more: &[&str]) -> Result<Outcome> {
    let path = |name| golden.path(name).display().to_string();
    let (old, new) = (path("old.tar.zst"), path("new.tar.zst"));
    jumpimg(["diff", &old, &new].iter().chain(more))
}

fn image(golden: &Golden, name: &str) -> Result<()> {
    build(golden, name, &["--name", "node"])?.done()?;
    Ok(())
}

fn json(golden: &Golden) -> Result<Value> {
    let told = diff(golden, &["--json"])?.done()?;
    Ok(serde_json::from_str(&told.stdout)?)
}

fn same() -> Result<()> {
    let golden = Golden::new()?;
    image(&golden, "old.tar.zst")?;
    fs::copy(golden.path("old.tar.zst"), golden.path("new.tar.zst"))?;
    let told = diff(&golden, &["--exit-code"])?.done()?;
    ensure!(told.stdout == "no difference\n", "{told:?}");
    ensure!(json(&golden)?["differs"] == false);
    Ok(())
}

/// Two images with a change of each kind.
fn changed() -> Result<Golden> {
    let golden = Golden::new()?;
    dpkg(&golden, "heavy", "1.0", &["/usr/share/doc/heavy"])?;
    dpkg(&golden, "leaves", "1.0", &["/usr/bin/leaves"])?;
    for path in [
        "usr/bin/leaves",
        "etc/content",
        "etc/mode",
        "etc/type",
        "etc/same",
        "etc/gone",
    ] {
        golden.put(path, b"old")?;
    }
    fs::hard_link(
        golden.root().join("etc/same"),
        golden.root().join("etc/z-link"),
    )?;
    image(&golden, "old.tar.zst")?;
    dpkg(&golden, "heavy", "1.1", &["/usr/share/doc/heavy"])?;
    let root = golden.root();
    for gone in [
        "usr/bin/leaves",
        "var/lib/dpkg/info/leaves.list",
        "etc/gone",
        "etc/type",
        "etc/z-link",
    ] {
        fs::remove_file(root.join(gone))?;
    }
    let status = fs::read_to_string(root.join("var/lib/dpkg/status"))?;
    let status = status.replace(
        "Package: leaves\nStatus: install ok installed",
        "Package: leaves\nStatus: purge ok not-installed",
    );
    fs::write(root.join("var/lib/dpkg/status"), status)?;
    golden.put("usr/share/doc/heavy", &vec![8; 5 << 20])?;
    golden.put("etc/content", b"new and longer")?;
    fs::set_permissions(root.join("etc/mode"), fs::Permissions::from_mode(0o4711))?;
    fs::create_dir(root.join("etc/type"))?;
    fs::hard_link(root.join("etc/content"), root.join("etc/z-link"))?;
    golden.put("etc/came", b"new")?;
    golden.put("srv/site/page", b"new")?;
    image(&golden, "new.tar.zst")?;
    Ok(golden)
}

fn changes() -> Result<()> {
    let golden = changed()?;
    let told = json(&golden)?;
    let files = told["files"].as_array().context("no files")?;
    let about = |path: &str| {
        let mut found = files.iter().filter(|file| file["path"] == path);
        found
            .next()
            .with_context(|| format!("{path} is not told: {told}"))
    };
    for (path, aspect) in [
        ("/etc/content", "content"),
        ("/etc/mode", "mode"),
        ("/etc/type", "type"),
        ("/etc/z-link", "link"),
        ("/usr/share/doc/heavy", "content"),
    ] {
        let file = about(path)?;
        ensure!(
            file["fate"] == "changed" && file["differs_in"] == serde_json::json!([aspect]),
            "{file}"
        );
    }
    ensure!(about("/etc/gone")?["fate"] == "removed" && about("/etc/came")?["fate"] == "added");
    ensure!(
        about("/usr/share/doc/heavy")?["package"] == "heavy",
        "{told}"
    );
    ensure!(
        !files.iter().any(|file| file["path"] == "/etc/same"),
        "{told}"
    );
    let packages = told["packages"].as_array().context("no packages")?;
    ensure!(
        packages.len() == 2 && packages[0]["old"][0] == "1.0" && packages[0]["new"][0] == "1.1",
        "{told}"
    );
    ensure!(
        packages[1]["name"] == "leaves" && packages[1]["fate"] == "removed",
        "{told}"
    );
    let text = diff(&golden, &[])?.done()?.stdout;
    for line in [
        "  ~ heavy  1.0 -> 1.1\n",
        "  - leaves  1.0\n",
        "  ~ /etc/mode  mode 0755 -> 4711\n",
        "  ~ /etc/content  content, 3 B -> 14 B\n",
        "  + /etc/came  3 B\n",
        "  + /srv  directory and 2 below it, 3 B\n",
        "of the packages above",
        "+2.0 MiB",
        "/usr/share/doc\n",
        "packages: 0 added, 1 removed, 1 changed; files: ",
    ] {
        ensure!(text.contains(line), "{line:?}: {text}");
    }
    ensure!(
        !text.contains("/usr/share/doc/heavy"),
        "its package says it: {text}"
    );
    let all = diff(&golden, &["--all"])?.done()?.stdout;
    ensure!(
        all.contains("  ~ /usr/share/doc/heavy  content, 3.0 MiB -> 5.0 MiB\n"),
        "{all}"
    );
    Ok(())
}

fn exit_code() -> Result<()> {
    let golden = changed()?;
    diff(&golden, &[])?.done()?;
    let told = diff(&golden, &["--exit-code"])?;
    ensure!(told.code == Some(1) && told.stderr.is_empty(), "{told:?}");
    ensure!(told.stdout.contains("1 changed"), "{told:?}");
    Ok(())
}

fn time() -> Result<()> {
    let golden = Golden::new()?;
    golden.put("etc/touched", b"same")?;
    image(&golden, "old.tar.zst")?;
    let file = fs::File::options()
        .write(true)
        .open(golden.root().join("etc/touched"))?;
    file.set_modified(std::time::UNIX_EPOCH)?;
    image(&golden, "new.tar.zst")?;
    let told = diff(&golden, &["--exit-code"])?.done()?;
    ensure!(
        told.stdout == "no difference but in times (1 entries)\n",
        "{told:?}"
    );
    Ok(())
}

fn rpm_packages() -> Result<()> {
    let golden = Golden::new()?;
    rpm(&golden, "tiny", "1", &["/usr/share/doc/heavy"])?;
    image(&golden, "old.tar.zst")?;
    rpm(&golden, "tiny", "2", &["/usr/share/doc/heavy"])?;
    rpm(&golden, "more", "1", &["/usr/share/more"])?;
    image(&golden, "new.tar.zst")?;
    let text = diff(&golden, &[])?.done()?.stdout;
    for line in ["  ~ tiny  7:1-1 -> 7:2-1\n", "  + more  7:1-1\n"] {
        ensure!(text.contains(line), "{line:?}: {text}");
    }
    Ok(())
}

fn foreign() -> Result<()> {
    let golden = Golden::new()?;
    image(&golden, "old.tar.zst")?;
    fs::write(golden.path("new.tar.zst"), "no image")?;
    diff(&golden, &["--exit-code"])?.failed(3, "[not-an-image]")?;
    Ok(())
}
