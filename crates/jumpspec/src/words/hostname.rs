//! Host names, as a node may carry one.

/// The longest host name that Linux takes (`HOST_NAME_MAX`, gethostname(2)).
pub const LONGEST: usize = 64;
/// The longest part between dots (RFC 1035, section 2.3.4).
const LONGEST_LABEL: usize = 63;

/// Why a text is no host name.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum HostnameError {
    /// No character at all.
    #[error("the host name is empty")]
    Empty,
    /// More than Linux takes.
    #[error("the host name has {0} characters, more than {LONGEST}")]
    TooLong(usize),
    /// Not letters, digits and inner hyphens (RFC 1123, section 2.1).
    #[error("{0:?} is not a host name: letters, digits and inner hyphens between dots")]
    Malformed(String),
}

/// Checks that `name` is a host name by RFC 1123 that Linux takes.
///
/// # Errors
/// Says what is wrong with it.
pub fn check(name: &str) -> Result<(), HostnameError> {
    if name.is_empty() {
        return Err(HostnameError::Empty);
    }
    if name.len() > LONGEST {
        return Err(HostnameError::TooLong(name.chars().count()));
    }
    if name.split('.').all(is_label) {
        Ok(())
    } else {
        Err(HostnameError::Malformed(name.to_owned()))
    }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_nodes_are_called() {
        for name in ["node07", "a", "node07.cluster.example", "3com", "x-1"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn refuses_what_would_not_come_up() {
        assert_eq!(check(""), Err(HostnameError::Empty));
        assert_eq!(check(&"n".repeat(300)), Err(HostnameError::TooLong(300)));
        for name in ["-a", "a-", "a..b", ".", "knoten-ü", "a b", "a_b", "a\n"] {
            assert!(
                matches!(check(name), Err(HostnameError::Malformed(_))),
                "{name:?}"
            );
        }
    }
}
