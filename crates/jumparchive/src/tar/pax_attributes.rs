//! Extended attributes and ACLs as PAX records have them: `SCHILY.xattr.*` and
//! `SCHILY.acl.*` (GNU tar, libarchive, star), `RHT.security.selinux` (GNU tar) and
//! `LIBARCHIVE.xattr.*`.

use std::io;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::{Refusal, shown};
use crate::tar::acl::{self, Acl};
use crate::tar::records::Records;

const SCHILY: &[u8] = b"SCHILY.xattr.";
const LIBARCHIVE: &[u8] = b"LIBARCHIVE.xattr.";
const ACL_ACCESS: &[u8] = b"SCHILY.acl.access";
const ACL_DEFAULT: &[u8] = b"SCHILY.acl.default";
const SELINUX: &[u8] = b"RHT.security.selinux";
/// The attribute of a SELinux label.
const LABEL: &[u8] = b"security.selinux";

/// As libarchive writes it, without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Names and values, as the kernel has them.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The records of one entry.
#[derive(Default)]
pub(crate) struct Xattrs<'a> {
    schily: Pairs,
    libarchive: Vec<(Vec<u8>, &'a [u8])>,
    access: Option<&'a [u8]>,
    default: Option<&'a [u8]>,
    label: Option<&'a [u8]>,
}

impl<'a> Xattrs<'a> {
    /// Takes a record, or refuses its key.
    pub(crate) fn take(&mut self, key: &'a [u8], value: &'a [u8]) -> Result<(), Refusal> {
        let shown = || shown(key);
        let twice = if let Some(name) = key.strip_prefix(SCHILY) {
            let name = decode_name(name).ok_or_else(|| Refusal::Pax(shown()))?;
            let twice = has(&self.schily, &name);
            self.schily.push((name, value.to_vec()));
            twice
        } else if let Some(name) = key.strip_prefix(LIBARCHIVE) {
            let name = decode_name(name).ok_or_else(|| Refusal::Pax(shown()))?;
            let twice = has(&self.libarchive, &name);
            self.libarchive.push((name, value));
            twice
        } else {
            let place = match key {
                ACL_ACCESS => &mut self.access,
                ACL_DEFAULT => &mut self.default,
                SELINUX => &mut self.label,
                _ => return Err(Refusal::PaxKey(shown())),
            };
            place.replace(value).is_some()
        };
        if twice {
            return Err(Refusal::PaxTwice(shown()));
        }
        Ok(())
    }

    /// The attributes, and the access ACL among them, even if a mode says it all.
    pub(crate) fn resolve(self, is_directory: bool) -> Result<(Pairs, Option<Acl>), Refusal> {
        let mut pairs = self.schily;
        for (name, value) in self.libarchive {
            if !has(&pairs, &name) {
                let value = BASE64.decode(value).ok();
                let value = value.ok_or_else(|| Refusal::Pax(shown(&name)))?;
                pairs.push((name, value));
            }
        }
        if let Some(label) = self.label.filter(|_| !has(&pairs, LABEL)) {
            // As setfilecon(3) sets it.
            pairs.push((LABEL.to_vec(), [label, b"\0"].concat()));
        }
        if let Some((name, _)) = pairs.iter().find(|pair| !is_known(pair)) {
            return Err(Refusal::Xattr(shown(name)));
        }
        let access = resolve_acl(&mut pairs, acl::ACCESS, self.access)?;
        let default = resolve_acl(&mut pairs, acl::DEFAULT, self.default)?;
        if default.is_some() && !is_directory {
            return Err(Refusal::AclDefault);
        }
        if access.as_ref().is_some_and(Acl::is_minimal) {
            // The kernel would keep it as the mode alone.
            pairs.retain(|(name, _)| name != acl::ACCESS);
        }
        pairs.sort_unstable();
        Ok((pairs, access))
    }
}

/// Whether Linux may have such an attribute (xattr(7), include/uapi/linux/limits.h).
fn is_known((name, value): &(Vec<u8>, Vec<u8>)) -> bool {
    const NAME_MAX: usize = 255;
    const SIZE_MAX: usize = 65_536;
    const CLASSES: [&[u8]; 5] = [b"user.", b"trusted.", b"security.", b"system.", b"btrfs."];
    let class = CLASSES.iter().find(|class| name.starts_with(class));
    let named = class.is_some_and(|class| (class.len() + 1..=NAME_MAX).contains(&name.len()));
    named && value.len() <= SIZE_MAX
}

/// The ACL called `name`: what the kernel gave is better than text with names.
fn resolve_acl(
    pairs: &mut Pairs,
    name: &[u8],
    text: Option<&[u8]>,
) -> Result<Option<Acl>, Refusal> {
    if let Some((_, binary)) = pairs.iter().find(|pair| pair.0 == name) {
        return Acl::from_binary(binary).map(Some).ok_or(Refusal::Acl);
    }
    // libarchive and GNU tar leave the text empty where there is no ACL.
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let acl = Acl::from_text(text)?;
    pairs.push((name.to_vec(), acl.to_binary()));
    Ok(Some(acl))
}

fn has<T>(pairs: &[(Vec<u8>, T)], name: &[u8]) -> bool {
    pairs.iter().any(|pair| pair.0 == name)
}

/// Writes attributes as records, ACLs as text.
pub(crate) fn push(records: &mut Records, pairs: &[(Vec<u8>, Vec<u8>)]) -> io::Result<()> {
    for pair @ (name, value) in pairs {
        if !is_known(pair) {
            let name = shown(name);
            return Err(io::Error::other(format!(
                "its attribute {name} is of no known class"
            )));
        }
        let key = match name.as_slice() {
            acl::ACCESS => ACL_ACCESS,
            acl::DEFAULT => ACL_DEFAULT,
            name => {
                records.push(&[SCHILY, &encode_name(name)].concat(), value);
                continue;
            }
        };
        let acl = Acl::from_binary(value)
            .ok_or_else(|| io::Error::other("its ACL is of an unknown form"))?;
        records.push(key, acl.to_text().as_bytes());
    }
    Ok(())
}

/// `=` ends a key, so GNU tar (xattrs.c, `xattr_encode_keyword`) writes it and `%` as
/// `%3D` and `%25`.
fn encode_name(name: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            b'%' => encoded.extend_from_slice(b"%25"),
            b'=' => encoded.extend_from_slice(b"%3D"),
            byte => encoded.push(*byte),
        }
    }
    encoded
}

/// Takes back GNU tar's encoding and libarchive's (`url_encode` in
/// archive_write_set_format_pax.c), which has more bytes in it: what neither of them
/// would have encoded is left as it is. `None` for what is no attribute's name.
fn decode_name(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [byte, tail @ ..] = rest {
        let decoded = tail.first_chunk().filter(|_| *byte == b'%');
        let decoded = decoded.and_then(|digits| hex(*digits));
        let decoded = decoded.filter(|byte| matches!(byte, ..33 | 127.. | b'%' | b'='));
        name.push(decoded.unwrap_or(*byte));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    (!name.is_empty() && !name.contains(&0)).then_some(name)
}

fn hex(digits: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    Some(digit(digits[0])? << 4 | digit(digits[1])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACL: &str = "user::rw-,user:5:r--,group::r--,mask::rw-,other::---";

    fn resolved(records: &[(&str, &str)]) -> Result<(Pairs, Option<Acl>), Refusal> {
        let mut xattrs = Xattrs::default();
        for (key, value) in records {
            xattrs.take(key.as_bytes(), value.as_bytes())?;
        }
        xattrs.resolve(false)
    }

    fn pair(name: &str, value: &[u8]) -> (Vec<u8>, Vec<u8>) {
        (name.as_bytes().to_vec(), value.to_vec())
    }

    #[test]
    fn names_with_signs_survive() {
        assert_eq!(encode_name(b"user.a=b%3D"), b"user.a%3Db%253D");
        for name in [&b"user.a=b%3D"[..], b"user.\xff\x01%", b"user.%41"] {
            assert_eq!(decode_name(&encode_name(name)).unwrap(), name);
        }
        assert_eq!(
            decode_name(b"user.%C3%A9%20").unwrap(),
            "user.é ".as_bytes()
        );
        assert_eq!(decode_name(b"user.%41%3").unwrap(), b"user.%41%3");
        assert_eq!(decode_name(b"user.%00"), None);
    }

    #[test]
    fn libarchives_own_records_fill_in_what_the_others_lack() {
        let (pairs, _) = resolved(&[
            ("LIBARCHIVE.xattr.user.a", "MQoy"),
            ("SCHILY.xattr.user.a", "1\n2"),
            ("LIBARCHIVE.xattr.security.foo", "AP8K"),
        ])
        .unwrap();
        let wanted = [pair("security.foo", b"\0\xff\n"), pair("user.a", b"1\n2")];
        assert_eq!(pairs, wanted);
        assert!(resolved(&[("LIBARCHIVE.xattr.user.a", "M")]).is_err());
    }

    #[test]
    fn a_label_ends_as_the_kernel_has_it() {
        let (pairs, _) = resolved(&[("RHT.security.selinux", "a:b:c:s0")]).unwrap();
        assert_eq!(pairs, [pair("security.selinux", b"a:b:c:s0\0")]);
    }

    #[test]
    fn an_acl_becomes_the_attribute_of_the_kernel() {
        let (pairs, acl) = resolved(&[("SCHILY.acl.access", ACL)]).unwrap();
        let binary = acl.unwrap().to_binary();
        assert_eq!(pairs, [pair("system.posix_acl_access", &binary)]);
        let mut records = Records::default();
        push(&mut records, &pairs).unwrap();
        let text = String::from_utf8(records.as_bytes().to_vec()).unwrap();
        assert!(
            text.ends_with(&format!("SCHILY.acl.access={ACL}\n")),
            "{text}"
        );
    }

    #[test]
    fn an_acl_that_is_a_mode_is_no_attribute() {
        let text = "user::rw-\ngroup::r--\nother::---\n";
        let (pairs, acl) = resolved(&[("SCHILY.acl.access", text)]).unwrap();
        assert_eq!((pairs, acl.unwrap().mode(0)), (Vec::new(), 0o640));
    }

    #[test]
    fn refuses_attributes_that_linux_does_not_have() {
        let long = format!("user.{}", "n".repeat(251));
        let large = "v".repeat(65_537);
        for (name, value) in [
            ("nobody.x", "1"),
            ("user.", "1"),
            (&long, "1"),
            ("user.x", &large),
        ] {
            let refused = resolved(&[(&format!("SCHILY.xattr.{name}"), value)]);
            assert_eq!(refused, Err(Refusal::Xattr(name.to_owned())));
            let pairs = [pair(name, value.as_bytes())];
            assert!(push(&mut Records::default(), &pairs).is_err());
        }
    }

    #[test]
    fn refuses_a_default_acl_of_a_file_and_records_that_stand_twice() {
        let refused = resolved(&[("SCHILY.acl.default", ACL)]);
        assert_eq!(refused, Err(Refusal::AclDefault));
        for key in [
            "SCHILY.xattr.user.a",
            "SCHILY.acl.access",
            "LIBARCHIVE.xattr.user.a",
        ] {
            let refused = resolved(&[(key, ACL), (key, ACL)]);
            assert_eq!(refused, Err(Refusal::PaxTwice(key.to_owned())));
        }
    }
}
