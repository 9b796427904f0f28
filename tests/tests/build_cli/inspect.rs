//! `jumpimg inspect`: where the bytes are.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::Case;
use crate::build::build;
use crate::golden::Golden;
use crate::packages::{dpkg, rpm};
use crate::run::{Outcome, jumpimg, outcome};

pub(crate) const CASES: &[Case] = &[
    ("every_byte_has_a_directory_and_a_package", false, sums),
    ("dpkgs_packages_are_weighed", false, dpkg_packages),
    ("rpms_packages_are_weighed", false, rpm_packages),
    ("an_old_rpm_database_is_said_not_to_be_read", false, old_rpm),
    (
        "names_cannot_touch_the_terminal_or_the_page",
        false,
        odd_names,
    ),
    ("the_page_is_one_file_put_in_place_whole", false, page),
    ("depth_and_top_limit_what_is_shown", false, limits),
    ("no_color_is_minded", false, no_color),
    (
        "a_reader_that_has_seen_enough_is_no_error",
        false,
        closed_pipe,
    ),
];

/// Noise that compression leaves as it is, other noise for another length: xorshift
/// (Marsaglia 2003).
fn noise(length: u32) -> Vec<u8> {
    let mut state = 0x2545_f491 ^ length;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    (0..length / 4).flat_map(|_| next()).collect()
}

/// A golden tree with two packages and a heavy file of none.
fn golden() -> Result<Golden> {
    let golden = Golden::new()?;
    fs::remove_file(golden.root().join("usr/share/doc/heavy"))?;
    golden.put("usr/bin/tool", &noise(400_000))?;
    golden.put("usr/lib/tool/data", &noise(100_000))?;
    golden.put("opt/site/blob", &noise(900_000))?;
    Ok(golden)
}

fn inspect(golden: &Golden, more: &[&str]) -> Result<Outcome> {
    let image = golden.path("j.tar.zst").display().to_string();
    jumpimg(["inspect", &image].iter().chain(more))
}

fn json(golden: &Golden) -> Result<Value> {
    let told = inspect(golden, &["--json"])?.done()?;
    Ok(serde_json::from_str(&told.stdout)?)
}

/// The one of `list` whose `key` is `value`.
fn one<'a>(list: &'a Value, key: &str, value: &str) -> Result<&'a Value> {
    let list = list.as_array().context("no list")?;
    let mut found = list.iter().filter(|item| item[key] == value);
    let first = found
        .next()
        .with_context(|| format!("{value} is missing"))?;
    ensure!(found.next().is_none(), "{value} is there twice");
    Ok(first)
}

fn number(value: &Value) -> Result<u64> {
    value
        .as_u64()
        .with_context(|| format!("no number: {value}"))
}

fn sums() -> Result<()> {
    let golden = golden()?;
    dpkg(&golden, "tool", "1.0", &["/bin/tool", "/lib/tool/data"])?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let told = json(&golden)?;
    let bytes = &told["bytes"];
    let packages = bytes["packages"].as_array().context("no packages")?;
    for measure in ["size", "compressed", "files"] {
        let total = number(&bytes["total"][measure])?;
        let root = one(&bytes["directories"], "path", "/")?;
        ensure!(number(&root[measure])? == total, "{measure}");
        let mut sum = number(&bytes["no_package"][measure])?;
        for package in packages {
            sum += number(&package[measure])?;
        }
        ensure!(sum == total, "{measure}: {sum} is not {total}");
    }
    // Besides the frames, a file has a front of 64 KiB and an index.
    let frames = number(&bytes["total"]["compressed"])?;
    ensure!(frames < number(&told["size"])? - (64 << 10), "{told}");
    ensure!(frames > 1_400_000, "noise was compressed: {frames}");
    Ok(())
}

fn dpkg_packages() -> Result<()> {
    let golden = golden()?;
    // `/bin` and `/lib` are symlinks in the tree, and packages do not know that.
    dpkg(&golden, "tool", "2:1.0-1", &["/bin/tool", "/lib/tool/data"])?;
    dpkg(&golden, "empty", "3", &[])?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let bytes = &json(&golden)?["bytes"];
    let tool = one(&bytes["packages"], "name", "tool")?;
    ensure!(
        tool["manager"] == "dpkg" && tool["version"] == "2:1.0-1",
        "{tool}"
    );
    ensure!(tool["size"] == 500_000 && tool["files"] == 2, "{tool}");
    ensure!(number(&tool["compressed"])? > 450_000, "{tool}");
    let heaviest = bytes["heaviest"].as_array().context("no files")?;
    ensure!(heaviest.len() == 20, "{heaviest:?}");
    ensure!(heaviest[0]["path"] == "/opt/site/blob" && heaviest[0]["package"].is_null());
    ensure!(heaviest[1]["path"] == "/usr/bin/tool" && heaviest[1]["package"] == "tool");
    let told = inspect(&golden, &[])?.done()?.stdout;
    for line in [
        "  tool  2:1.0-1",
        "files of no package",
        "/usr/bin/tool  (tool)",
        "├─ opt",
    ] {
        ensure!(told.contains(line), "{line}: {told}");
    }
    Ok(())
}

fn rpm_packages() -> Result<()> {
    let golden = golden()?;
    rpm(
        &golden,
        "tiny",
        "1.2",
        &["/bin/tool", "/usr/lib/tool/data", "/ghost"],
    )?;
    rpm(&golden, "other", "3", &["/etc/other"])?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let told = json(&golden)?;
    ensure!(told["notes"] == serde_json::json!([]), "{told}");
    let tiny = one(&told["bytes"]["packages"], "name", "tiny")?;
    ensure!(
        tiny["manager"] == "rpm" && tiny["architecture"] == "noarch",
        "{tiny}"
    );
    ensure!(
        tiny["version"] == "7:1.2-1" && tiny["size"] == 500_000,
        "{tiny}"
    );
    Ok(())
}

fn old_rpm() -> Result<()> {
    let golden = Golden::new()?;
    golden.put("var/lib/rpm/Packages", b"\0\0\0\0")?;
    golden.put("usr/lib/sysimage/rpm/rpmdb.sqlite", b"not a database")?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let told = inspect(&golden, &[])?.done()?.stdout;
    let old = "/var/lib/rpm/Packages is a Berkeley DB, which is not read";
    ensure!(told.contains(old), "{told}");
    let damaged = "/usr/lib/sysimage/rpm/rpmdb.sqlite cannot be read: ";
    ensure!(told.contains(damaged), "{told}");
    Ok(())
}

fn odd_names() -> Result<()> {
    let golden = Golden::new()?;
    let evil = b"\x1b]0;owned\x07\n<script>alert(1)<!--\xff\xc2\x9b31m\xe2\x80\xae";
    let directory = golden
        .root()
        .join("opt")
        .join(std::ffi::OsStr::from_bytes(evil));
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("data"), noise(2_000_000))?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let page = golden.path("page.html");
    let page_name = page.display().to_string();
    let told = inspect(&golden, &["--color", "always", "--html", &page_name])?.done()?;
    let json = inspect(&golden, &["--json"])?.done()?;
    let page = fs::read_to_string(page)?;
    for text in [&told.stdout, &json.stdout, &page] {
        for bad in ["\x1b]0;", "\x07", "\u{9b}", "\u{202e}", "\u{fffd}"] {
            ensure!(!text.contains(bad), "{bad:?} is in {text}");
        }
    }
    ensure!(!page.contains("<script>alert"), "the page runs a name");
    let shown = "\\u{1b}]0;owned\\u{7}\\n<script>alert(1)<!--\\xff\\u{9b}31m\\u{202e}";
    ensure!(told.stdout.contains(shown), "{told:?}");
    let parsed: Value = serde_json::from_str(&json.stdout)?;
    let path = format!("/opt/{shown}/data");
    one(&parsed["bytes"]["heaviest"], "path", &path)?;
    Ok(())
}

fn page() -> Result<()> {
    let golden = golden()?;
    dpkg(&golden, "tool", "1.0", &["/bin/tool"])?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    fs::create_dir(golden.path("pages"))?;
    let page = golden.path("pages/page.html");
    fs::write(&page, "old")?;
    let name = page.display().to_string();
    inspect(&golden, &["--html", &name])?.done()?;
    let text = fs::read_to_string(&page)?;
    ensure!(text.starts_with("<!doctype html>") && text.trim_end().ends_with("</html>"));
    ensure!(
        !text.contains("http") || !text.contains("://"),
        "it names a place elsewhere"
    );
    let (_, data) = text.split_once("id=\"data\">").context("no data")?;
    let (data, _) = data.split_once("</script>").context("no end of data")?;
    let data: Value = serde_json::from_str(data)?;
    let usr = one(&data["directories"]["b"], "n", "usr")?;
    let bin = one(&usr["b"], "n", "bin")?;
    ensure!(one(&bin["b"], "n", "tool")?["p"] == "tool", "{bin}");
    one(&data["packages"]["b"], "n", "files of no package")?;
    ensure!(
        fs::read_dir(golden.path("pages"))?.count() == 1,
        "something was left behind"
    );
    inspect(&golden, &["--html", "/nonexistent/page.html"])?
        .failed(1, "/nonexistent/.page.html.jump-tmp")?;
    Ok(())
}

fn limits() -> Result<()> {
    let golden = golden()?;
    // It fills frames of its own.
    golden.put("opt/site/sevens", &vec![7; 16 << 20])?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let told = inspect(&golden, &["--depth", "1", "--top", "1", "--by", "size"])?.done()?;
    ensure!(
        told.stdout.contains("├─ opt") && !told.stdout.contains("site\n"),
        "{told:?}"
    );
    ensure!(told.stdout.contains("smaller\n"), "{told:?}");
    // By size, the file that is all sevens; it compresses to nothing.
    ensure!(told.stdout.contains("  /opt/site/sevens\n"), "{told:?}");
    ensure!(!told.stdout.contains("  /opt/site/blob\n"), "{told:?}");
    let json = inspect(&golden, &["--json", "--depth", "1", "--top", "2"])?.done()?;
    let json: Value = serde_json::from_str(&json.stdout)?;
    let count = |list: &Value| list.as_array().map(Vec::len);
    ensure!(count(&json["bytes"]["heaviest"]) == Some(2), "{json}");
    let directories = json["bytes"]["directories"].as_array().context("no list")?;
    let deep = |item: &&Value| {
        item["path"]
            .as_str()
            .is_some_and(|path| path.matches('/').count() > 1)
    };
    ensure!(directories.iter().find(deep).is_none(), "{json}");
    Ok(())
}

fn no_color() -> Result<()> {
    let golden = golden()?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(jump_tests::bin("jumpimg"));
        command.arg("inspect").arg(golden.path("j.tar.zst"));
        outcome(
            command
                .env_remove("NO_COLOR")
                .envs(variables.iter().copied()),
        )?
        .done()
    };
    let forced = run(&[("CLICOLOR_FORCE", "1")])?;
    ensure!(forced.stdout.contains("\x1b[1m"), "{forced:?}");
    let plain = run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])?;
    ensure!(!plain.stdout.contains('\x1b'), "{plain:?}");
    Ok(())
}

fn closed_pipe() -> Result<()> {
    let golden = golden()?;
    build(&golden, "j.tar.zst", &[])?.done()?;
    for more in [&[][..], &["--json"]] {
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let mut command = Command::new(jump_tests::bin("jumpimg"));
        command
            .arg("inspect")
            .arg(golden.path("j.tar.zst"))
            .args(more);
        let told = command.stdout(writer).stderr(std::process::Stdio::piped());
        let told = told.spawn()?.wait_with_output()?;
        ensure!(told.status.success() && told.stderr.is_empty(), "{told:?}");
    }
    Ok(())
}
