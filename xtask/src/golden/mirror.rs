//! The Debian mirror that apt is set up with. No mirror's address is written down here.

use anyhow::{Result, bail};

use crate::run;

/// Debian's keys; the mirror's signatures are checked against nothing else.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The lines of a sources.list for `suite`: this machine's, with the suite replaced.
pub(super) fn sources(suite: &str) -> Result<Vec<String>> {
    let mut listing = targets()?;
    if listing.trim().is_empty() {
        eprintln!("golden: refreshing apt's lists to learn the mirror");
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
pub(super) fn proxy() -> Result<Option<String>> {
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
