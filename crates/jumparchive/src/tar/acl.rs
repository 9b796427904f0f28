//! POSIX ACLs between the kernel's binary form and the text of PAX records.
//!
//! Written is what both GNU tar (`acl_from_text`, three fields) and libarchive restore:
//! `user::rw-,user:1000:r--,group::r--,mask::rw-,other::---`, ids as numbers. Read is also
//! libarchive's fourth field, the number behind a name.

use crate::error::{Refusal, shown};

/// The attribute of an access ACL.
pub(crate) const ACCESS: &[u8] = b"system.posix_acl_access";
/// The attribute of a default ACL.
pub(crate) const DEFAULT: &[u8] = b"system.posix_acl_default";

/// `POSIX_ACL_XATTR_VERSION`, include/uapi/linux/posix_acl_xattr.h.
const VERSION: [u8; 4] = 2_u32.to_le_bytes();
/// `ACL_UNDEFINED_ID`: of tags that name nobody.
const NOBODY: u32 = u32::MAX;

/// `ACL_USER_OBJ` and so on, include/uapi/linux/posix_acl.h, with their names in text.
const TAGS: [(u16, &str, bool); 6] = [
    (0x01, "user", false),
    (0x02, "user", true),
    (0x04, "group", false),
    (0x08, "group", true),
    (0x10, "mask", false),
    (0x20, "other", false),
];

/// One line of an ACL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    tag: u16,
    /// `rwx`, as in a mode.
    permissions: u16,
    id: u32,
}

/// An ACL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Acl(Vec<Line>);

impl Acl {
    /// Takes the kernel's form; `None` if it is malformed.
    pub(crate) fn from_binary(bytes: &[u8]) -> Option<Self> {
        let (version, lines) = bytes.split_first_chunk::<4>()?;
        let (lines, rest) = lines.as_chunks::<8>();
        if *version != VERSION || !rest.is_empty() {
            return None;
        }
        let line = |bytes: &[u8; 8]| Line {
            tag: u16::from_le_bytes([bytes[0], bytes[1]]),
            permissions: u16::from_le_bytes([bytes[2], bytes[3]]),
            id: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        };
        Self(lines.iter().map(line).collect()).sound()
    }

    /// The kernel's form.
    pub(crate) fn to_binary(&self) -> Vec<u8> {
        let mut bytes = VERSION.to_vec();
        for line in &self.0 {
            bytes.extend_from_slice(&line.tag.to_le_bytes());
            bytes.extend_from_slice(&line.permissions.to_le_bytes());
            bytes.extend_from_slice(&line.id.to_le_bytes());
        }
        bytes
    }

    /// Takes text, lines ending in commas or newlines.
    pub(crate) fn from_text(text: &[u8]) -> Result<Self, Refusal> {
        let text = str::from_utf8(text).map_err(|_| Refusal::Acl)?;
        let lines = text.split([',', '\n']).map(str::trim);
        let mut lines = lines
            .filter(|line| !line.is_empty())
            .map(parse_line)
            .collect::<Result<Vec<_>, _>>()?;
        // The kernel wants this order, the archives' is of no importance.
        lines.sort_by_key(|line| line.tag);
        Self(lines).sound().ok_or(Refusal::Acl)
    }

    /// The text with numbers for ids.
    pub(crate) fn to_text(&self) -> String {
        let lines = self.0.iter().map(|line| {
            let name = TAGS
                .iter()
                .find(|tag| tag.0 == line.tag)
                .map_or("", |tag| tag.1);
            let id = match line.id {
                NOBODY => String::new(),
                id => id.to_string(),
            };
            let [r, w, x] = [(4, 'r'), (2, 'w'), (1, 'x')].map(|(bit, letter)| {
                if line.permissions & bit == 0 {
                    '-'
                } else {
                    letter
                }
            });
            format!("{name}:{id}:{r}{w}{x}")
        });
        lines.collect::<Vec<_>>().join(",")
    }

    /// Whether a mode says it all.
    pub(crate) fn is_minimal(&self) -> bool {
        self.0.len() == 3
    }

    /// `mode` with the permission bits that a file with this access ACL has: the mask
    /// stands for the group (acl(5)). libarchive archives the group's own bits instead.
    pub(crate) fn mode(&self, mode: u32) -> u32 {
        let of = |tag: u16| {
            let line = self.0.iter().find(|line| line.tag == tag);
            line.map(|line| u32::from(line.permissions))
        };
        let (user, other) = (of(0x01).unwrap_or(0), of(0x20).unwrap_or(0));
        let group = of(0x10).or(of(0x04)).unwrap_or(0);
        mode & !0o777 | user << 6 | group << 3 | other
    }

    /// What the kernel would take (`posix_acl_valid` in fs/posix_acl.c).
    fn sound(self) -> Option<Self> {
        let lines = &self.0;
        let count = |tag: u16| lines.iter().filter(|line| line.tag == tag).count();
        let named = count(0x02) + count(0x08);
        let complete = [0x01, 0x04, 0x20].iter().all(|tag| count(*tag) == 1);
        let masked = count(0x10) == 1 || (count(0x10) == 0 && named == 0);
        let ordered = lines.is_sorted_by_key(|line| line.tag);
        let each = |line: &Line| {
            let tag = TAGS.iter().find(|tag| tag.0 == line.tag);
            line.permissions <= 7 && tag.is_some_and(|tag| tag.2 == (line.id != NOBODY))
        };
        (complete && masked && ordered && lines.iter().all(each)).then_some(self)
    }
}

fn parse_line(text: &str) -> Result<Line, Refusal> {
    let mut fields = text.split(':');
    let (Some(name), Some(who), Some(permissions)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err(Refusal::Acl);
    };
    let number = fields.next();
    let named = !who.is_empty() || number.is_some();
    let tag = TAGS.iter().find(|tag| tag.1 == name && tag.2 == named);
    let (Some(tag), None) = (tag, fields.next()) else {
        return Err(Refusal::Acl);
    };
    Ok(Line {
        tag: tag.0,
        permissions: parse_permissions(permissions).ok_or(Refusal::Acl)?,
        id: if named {
            parse_id(who, number)?
        } else {
            NOBODY
        },
    })
}

fn parse_permissions(text: &str) -> Option<u16> {
    let letters = text.as_bytes();
    if letters.len() != 3 {
        return None;
    }
    letters
        .iter()
        .zip([(b'r', 4), (b'w', 2), (b'x', 1)])
        .try_fold(0, |sum, (found, (letter, bit))| match *found {
            b'-' => Some(sum),
            found if found == letter => Some(sum + bit),
            _ => None,
        })
}

/// Whom a line is about; a name alone says nothing where other names are known.
fn parse_id(name: &str, number: Option<&str>) -> Result<u32, Refusal> {
    let id = match number {
        Some(number) => number.parse().ok(),
        None if name == "root" => Some(0),
        None if name.bytes().all(|byte| byte.is_ascii_digit()) => name.parse().ok(),
        None => return Err(Refusal::AclName(shown(name.as_bytes()))),
    };
    id.filter(|id| *id != NOBODY).ok_or(Refusal::Acl)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "user::rw-,user:0:r--,user:1234:r-x,group::r--,group:60:rw-,mask::rwx,other::---";

    #[test]
    fn text_and_binary_say_the_same() {
        let acl = Acl::from_text(TEXT.as_bytes()).unwrap();
        assert_eq!(acl.to_text(), TEXT);
        let binary = acl.to_binary();
        assert_eq!(binary.len(), 4 + 7 * 8);
        assert_eq!(binary[..12], [2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255]);
        assert_eq!(Acl::from_binary(&binary), Some(acl));
    }

    #[test]
    fn reads_what_gnu_tar_and_bsdtar_write() {
        let acl = Acl::from_text(TEXT.as_bytes()).unwrap();
        let gnu = TEXT.replace(',', "\n").replace("user:0:", "user:root:") + "\n";
        assert_eq!(Acl::from_text(gnu.as_bytes()).unwrap(), acl);
        let bsd = "user::rw-,group::r--,other::---,user:root:r--:0,user:alice:r-x:1234,\
                   group:games:rw-:60,mask::rwx";
        assert_eq!(Acl::from_text(bsd.as_bytes()).unwrap(), acl);
    }

    #[test]
    fn a_name_without_a_number_is_refused() {
        let text = TEXT.replace("1234", "alice");
        let refusal = Acl::from_text(text.as_bytes()).unwrap_err();
        assert_eq!(refusal, Refusal::AclName("alice".to_owned()));
    }

    #[test]
    fn refuses_what_the_kernel_would() {
        for (from, to) in [
            ("other::---", ""),
            ("mask::rwx,", ""),
            ("user::rw-", "user::rw-,user::rw-"),
            ("1234", "4294967295"),
            ("1234", "4294967296"),
            ("r-x", "rx"),
            ("r-x", "xr-"),
            ("group::", "gruppe::"),
            ("mask::rwx", "mask:5:rwx"),
            ("other::---", "other::---:5:6"),
        ] {
            let text = TEXT.replacen(from, to, 1);
            assert_eq!(Acl::from_text(text.as_bytes()), Err(Refusal::Acl), "{text}");
        }
        let binary = Acl::from_text(TEXT.as_bytes()).unwrap().to_binary();
        for cut in 0..binary.len() {
            assert_eq!(Acl::from_binary(&binary[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn the_mask_is_the_groups_share_of_the_mode() {
        let acl = Acl::from_text(TEXT.as_bytes()).unwrap();
        assert_eq!(acl.mode(0o4644), 0o4670);
        let minimal = Acl::from_text(b"user::rw-,group::r--,other::---").unwrap();
        assert_eq!((minimal.mode(0o777), minimal.is_minimal()), (0o640, true));
    }
}
