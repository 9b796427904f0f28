//! dpkg's database: paragraphs of `Field: value` lines (deb-control(5)), lists of paths.

/// One paragraph of the status file, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paragraph<'a> {
    pub(super) package: &'a [u8],
    pub(super) version: &'a [u8],
    pub(super) architecture: &'a [u8],
    /// Its files are there, whether it is configured or not.
    pub(super) installed: bool,
}

/// The paragraphs that name a package; what cannot be understood is passed over.
pub(super) fn paragraphs(status: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut lines = status.split(|byte| *byte == b'\n').peekable();
    let next = move || {
        lines.peek()?;
        let mut paragraph = Paragraph::default();
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            take_field(&mut paragraph, line);
        }
        Some(paragraph)
    };
    std::iter::from_fn(next).filter(|paragraph| !paragraph.package.is_empty())
}

fn take_field<'a>(paragraph: &mut Paragraph<'a>, line: &'a [u8]) {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return;
    };
    let value = line[colon + 1..].trim_ascii();
    match &line[..colon] {
        b"Package" => paragraph.package = value,
        b"Version" => paragraph.version = value,
        b"Architecture" => paragraph.architecture = value,
        b"Status" => paragraph.installed = is_installed(value),
        _ => {}
    }
}

/// `want ok state`, dpkg-query(1): every other state has files in place.
fn is_installed(status: &[u8]) -> bool {
    let state = status.rsplit(|byte| *byte == b' ').next();
    !matches!(state, None | Some(b"" | b"not-installed" | b"config-files"))
}

/// The paths of a list of files, without the slash in front; not the root itself.
pub(super) fn paths(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = list.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| line.strip_prefix(b"/"))
        .filter(|path| !path.is_empty() && *path != b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_paragraphs_and_passes_over_the_rest() {
        let status = b"\nPackage: libc6\nStatus: install ok installed\nArchitecture: amd64\n\
            Version: 2.36-9\nConffiles:\n /etc/ld.so.conf 0123\nDescription: GNU C Library\n . x\n\
            \n\nbroken\n\nPackage: old\nStatus: deinstall ok config-files\nVersion: 1\n";
        let found: Vec<Paragraph<'_>> = paragraphs(status).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].package, b"libc6");
        assert_eq!(found[0].version, b"2.36-9");
        assert!(found[0].installed && !found[1].installed);
    }

    #[test]
    fn an_empty_status_has_no_packages() {
        assert_eq!(paragraphs(b"").count(), 0);
    }

    #[test]
    fn lists_begin_below_the_root() {
        let found: Vec<&[u8]> = paths(b"/.\n/usr\n/usr/bin/\xff\nrelative\n").collect();
        assert_eq!(found, [&b"usr"[..], b"usr/bin/\xff"]);
    }
}
