//! The Debian mirror that apt is set up with. No mirror's address is written down here.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::run;

/// Debian's keys; the mirror's signatures are checked against nothing else.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The lines of a sources.list for `suite`: this machine's, with the suite replaced.
pub(crate) fn sources(suite: &str) -> Result<Vec<String>> {
    let mut listing = targets()?;
    if listing.trim().is_empty() {
        eprintln!("packages: refreshing apt's lists to learn the mirror");
        run::quiet(&mut run::command("apt-get", ["-qq", "update"]))?;
        listing = targets()?;
    }
    let sources = lines(&listing, suite);
    if sources.is_empty() {
        bail!("apt is set up with no Debian mirror\nhint: see /etc/apt/sources.list.d/");
    }
    Ok(sources)
}

/// apt's proxy for HTTP, where it has one.
pub(crate) fn proxy() -> Result<Option<String>> {
    let dump = run::capture(&mut run::command(
        "apt-config",
        ["dump", "Acquire::http::Proxy"],
    ))?;
    Ok(dump
        .split('"')
        .nth(1)
        .filter(|proxy| !proxy.is_empty())
        .map(str::to_owned))
}

/// Unpacks packages of another `suite` than this machine's below `folder`; nothing is installed. The
/// lists that say what the suite has are kept there too, apart from this machine's own.
pub(crate) fn unpack(suite: &str, packages: &[&str], folder: &Path) -> Result<()> {
    let lists = folder.join("lists");
    std::fs::create_dir_all(lists.join("partial"))?;
    let sources_list = folder.join("sources.list");
    std::fs::write(&sources_list, release(suite)? + "\n")?;
    let apt = || {
        let mut apt = run::command("apt-get", ["-qq", "-o", "APT::Sandbox::User=root"]);
        for (option, value) in [
            ("Dir::Etc::sourcelist", sources_list.as_path()),
            ("Dir::Etc::sourceparts", Path::new("/dev/null")),
            ("Dir::State::lists", lists.as_path()),
            // This machine's caches are of its own lists.
            ("Dir::Cache::pkgcache", Path::new("")),
            ("Dir::Cache::srcpkgcache", Path::new("")),
        ] {
            apt.arg("-o").arg(format!("{option}={}", value.display()));
        }
        apt.current_dir(folder);
        apt
    };
    run::quiet(apt().arg("update"))?;
    run::quiet(apt().arg("download").args(packages))?;
    for entry in std::fs::read_dir(folder)? {
        let archive = entry?.path();
        if archive
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            run::quiet(
                run::command("dpkg", ["--extract"])
                    .arg(&archive)
                    .arg(folder),
            )?;
            std::fs::remove_file(&archive)?;
        }
    }
    Ok(std::fs::remove_dir_all(&lists)?)
}

/// The line of a sources.list for the release itself of `suite`.
fn release(suite: &str) -> Result<String> {
    let of_release = |source: &String| source.contains(&format!(" {suite} "));
    let found = sources(suite)?.into_iter().find(of_release);
    found.with_context(|| format!("apt's mirrors have no {suite}"))
}

fn targets() -> Result<String> {
    let format = "$(REPO_URI) $(CODENAME) $(COMPONENT)";
    let filters = ["Identifier: Packages", "Origin: Debian"];
    run::capture(run::command("apt-get", ["indextargets", "--format", format]).args(filters))
}

/// Only the release itself, its updates and its security suite: backports would change what the
/// golden is.
fn lines(listing: &str, suite: &str) -> Vec<String> {
    let mut sources = Vec::new();
    for line in listing.lines() {
        let [uri, codename, component] = line.split(' ').collect::<Vec<_>>()[..] else {
            continue;
        };
        let (_, part) = codename.split_at(codename.find('-').unwrap_or(codename.len()));
        if component != "main" || !["", "-updates", "-security"].contains(&part) {
            continue;
        }
        let source = format!("deb [signed-by={KEYRING}] {uri} {suite}{part} {component}");
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::{KEYRING, lines};

    #[test]
    fn the_suite_is_replaced_in_release_updates_and_security_only() {
        let listing = "http://mirror/debian/ bookworm main\n\
            http://mirror/debian/ bookworm contrib\n\
            http://mirror/debian/ bookworm-backports main\n\
            http://mirror/security/ bookworm-security main\n";
        let expected = [
            format!("deb [signed-by={KEYRING}] http://mirror/debian/ trixie main"),
            format!("deb [signed-by={KEYRING}] http://mirror/security/ trixie-security main"),
        ];
        assert_eq!(lines(listing, "trixie"), expected);
    }
}
