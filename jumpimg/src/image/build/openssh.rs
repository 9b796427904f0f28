//! Which OpenSSH a tree has, by what its sshd says of itself. Runs nothing.

use super::stored::Stored;

/// Begins what an sshd greets with (OpenSSH's version.h, `SSH_RELEASE`).
const NAME: &[u8] = b"OpenSSH_";
/// A string of a program.
const NOBODY: &[u8] = b"nobody\0";

/// The version of the tree's sshd, `9.2p1`; none if it has none, or another's.
pub(crate) fn version(stored: &Stored<'_>) -> Option<String> {
    let program = stored.program("sshd")?;
    in_program(&stored.program_bytes(&program)?)
}

/// The user that the tree's sshd becomes for those who are not logged in yet: one of the two names
/// that it is built with (OpenSSH's `configure`, `--with-privsep-user`; Arch takes the other).
pub(crate) fn user(stored: &Stored<'_>) -> Option<String> {
    let bytes = stored.program_bytes(&stored.program("sshd")?)?;
    in_program(&bytes)?;
    let other = bytes.windows(NOBODY.len()).any(|found| found == NOBODY);
    Some(if other { "nobody" } else { "sshd" }.to_owned())
}

/// Finds the version among a program's strings. Those of other versions, whose faults OpenSSH
/// knows, are patterns (`OpenSSH_6.6.1*`) without the number of the portable release.
fn in_program(bytes: &[u8]) -> Option<String> {
    let places = bytes.windows(NAME.len()).enumerate();
    places
        .filter(|(_, found)| *found == NAME)
        .find_map(|(at, _)| release(&bytes[at + NAME.len()..]))
}

/// `9.2p1`, at the beginning of `bytes` and with its end there.
fn release(bytes: &[u8]) -> Option<String> {
    let end = bytes
        .iter()
        .position(|byte| !(byte.is_ascii_digit() || matches!(byte, b'.' | b'p')))?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let (version, portable) = text.split_once('p')?;
    let (major, minor) = version.split_once('.')?;
    let is_number = |text: &str| text.parse::<u16>().is_ok();
    let whole = is_number(major) && is_number(minor) && is_number(portable);
    (whole && matches!(bytes[end], 0 | b' ')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::in_program;

    #[test]
    fn an_sshds_own_version_is_told_from_those_whose_faults_it_knows() {
        let strings = b"\0OpenSSH_2.*,OpenSSH_3.0*\0OpenSSH_9.2\0OpenSSH_6.6.1*\0\
            OpenSSH_9.2p1 Debian-2+deb12u10\0OpenSSH_7.4*\0";
        assert_eq!(in_program(strings).unwrap(), "9.2p1");
        assert_eq!(in_program(b"\0OpenSSH_10.0p2\0").unwrap(), "10.0p2");
    }

    #[test]
    fn another_ssh_server_has_no_version() {
        assert_eq!(
            in_program(b"dropbear_2022.83\0OpenSSH_7.4*\0OpenSSH_"),
            None
        );
    }
}
