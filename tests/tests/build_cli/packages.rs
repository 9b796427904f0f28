//! Package databases in a golden tree: dpkg's, written by hand, and rpm's, by rpm itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::golden::Golden;
use crate::run::outcome;

/// Puts a package into dpkg's database; it owns these paths.
pub(crate) fn dpkg(golden: &Golden, name: &str, version: &str, paths: &[&str]) -> Result<()> {
    let list = format!("/.\n/usr\n{}\n", paths.join("\n"));
    golden.put(&format!("var/lib/dpkg/info/{name}.list"), list.as_bytes())?;
    let status = golden.root().join("var/lib/dpkg/status");
    let mut paragraphs: Vec<String> = fs::read_to_string(&status)
        .unwrap_or_default()
        .split_terminator("\n\n")
        .filter(|paragraph| !paragraph.starts_with(&format!("Package: {name}\n")))
        .map(str::to_owned)
        .collect();
    paragraphs.push(format!(
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}"
    ));
    Ok(fs::write(status, paragraphs.join("\n\n") + "\n\n")?)
}

/// Makes an rpm package that owns these paths, and tells rpm's database that it is
/// installed in place of other versions. The files are not touched.
pub(crate) fn rpm(golden: &Golden, name: &str, version: &str, paths: &[&str]) -> Result<()> {
    let work = golden.path(&format!("rpm-{name}-{version}"));
    fs::create_dir(&work)?;
    let spec = work.join("tiny.spec");
    fs::write(&spec, spec_text(name, version, paths))?;
    let mut build = Command::new("rpmbuild");
    build
        .arg("-bb")
        .arg("--define")
        .arg(define("_topdir", &work));
    run(build.arg(&spec)).context("rpmbuild, of Debian's package rpm")?;
    let package = work.join(format!("RPMS/noarch/{name}-{version}-1.noarch.rpm"));
    let database = golden.root().join("usr/lib/sysimage/rpm");
    fs::create_dir_all(&database)?;
    let mut install = Command::new("rpm");
    install.arg("--dbpath").arg(&database);
    run(install.args(["-U", "--justdb", "--nodeps"]).arg(&package))
}

fn define(name: &str, value: &Path) -> String {
    format!("{name} {}", value.display())
}

fn spec_text(name: &str, version: &str, paths: &[&str]) -> String {
    let head = format!(
        "Name: {name}\nVersion: {version}\nRelease: 1\nEpoch: 7\nSummary: Test\n\
         License: MIT\nBuildArch: noarch\n%description\nTest.\n%install\n"
    );
    let install = paths
        .iter()
        .map(|path| format!("install -D /dev/null %{{buildroot}}{path}\n"));
    let install: String = install.collect();
    format!("{head}{install}%files\n{}\n", paths.join("\n"))
}

fn run(command: &mut Command) -> Result<()> {
    let ran = outcome(command)?;
    ensure!(ran.code == Some(0), "{ran:?}");
    Ok(())
}
