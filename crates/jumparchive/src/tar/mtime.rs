//! Modification times, as PAX records have them.

/// A modification time: seconds since 1970, possibly before it, and nanoseconds after that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mtime {
    /// Whole seconds, rounded towards the past.
    pub seconds: i64,
    /// 0–999,999,999.
    pub nanoseconds: u32,
}

/// Reads `123`, `123.5`, `-0.25`; digits beyond nanoseconds are dropped.
pub(crate) fn parse_time(text: &str) -> Option<Mtime> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole
        .bytes()
        .chain(fraction.bytes())
        .all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanoseconds: u32 = format!("{fraction:0<9.9}").parse().ok()?;
    Some(match (negative, nanoseconds) {
        (false, _) => Mtime {
            seconds,
            nanoseconds,
        },
        (true, 0) => Mtime {
            seconds: -seconds,
            nanoseconds: 0,
        },
        (true, _) => Mtime {
            seconds: -seconds - 1,
            nanoseconds: 1_000_000_000 - nanoseconds,
        },
    })
}

impl Mtime {
    /// As a PAX record has it; `None` if a plain header can hold it.
    pub(crate) fn to_pax(self) -> Option<String> {
        // Eleven octal digits, POSIX.1-2017, ustar interchange format.
        if self.nanoseconds == 0 && (0..1 << 33).contains(&self.seconds) {
            return None;
        }
        let (sign, seconds, nanoseconds) = match (self.seconds < 0, self.nanoseconds) {
            (true, 0) => ("-", self.seconds.unsigned_abs(), 0),
            (true, part) => ("-", (self.seconds + 1).unsigned_abs(), 1_000_000_000 - part),
            (false, part) => ("", self.seconds.unsigned_abs(), part),
        };
        let text = format!("{sign}{seconds}.{nanoseconds:09}");
        Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_before_1970_and_to_the_nanosecond() {
        for (seconds, nanoseconds) in [(-2, 500_000_000), (-1, 1), (-1, 0), (5, 1), (1 << 40, 0)] {
            let time = Mtime {
                seconds,
                nanoseconds,
            };
            assert_eq!(parse_time(&time.to_pax().unwrap()), Some(time));
        }
        assert_eq!(
            Mtime {
                seconds: 7,
                nanoseconds: 0
            }
            .to_pax(),
            None
        );
        assert_eq!(parse_time("1e5"), None);
    }
}
