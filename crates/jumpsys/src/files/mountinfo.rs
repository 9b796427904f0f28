//! What is mounted and what is swapped to, as the kernel lists it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::error::{At as _, PathError};

/// One mount. proc(5), `/proc/[pid]/mountinfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Unique number of the mount.
    pub id: u32,
    /// Number of the mount it is mounted on.
    pub parent: u32,
    /// Device number, major and minor. Of btrfs and overlay it is an anonymous one.
    pub device: (u32, u32),
    /// What of the file system is mounted: `/`, or the source of a bind mount.
    pub root: PathBuf,
    /// Where.
    pub mount_point: PathBuf,
    /// Options of the mount (`rw,relatime`).
    pub options: String,
    /// Type, as in /proc/filesystems.
    pub fstype: String,
    /// Device path, or a name where there is no device.
    pub source: String,
    /// Options of the file system.
    pub super_options: String,
}

/// A swap area in use. proc(5), `/proc/swaps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// The device or file.
    pub path: PathBuf,
    /// `partition` or `file`.
    pub kind: String,
    /// Size in bytes.
    pub size: u64,
    /// Bytes in use.
    pub used: u64,
}

/// The mounts of this process's namespace, oldest first. Names in it may have any bytes.
pub fn read_mountinfo() -> Result<Vec<Mount>, PathError> {
    let path = Path::new("/proc/self/mountinfo");
    fs::read(path)
        .at("read", path)
        .map(|text| parse_mountinfo(&text))
}

/// Every swap area in use.
pub fn read_swaps() -> Result<Vec<Swap>, PathError> {
    let path = Path::new("/proc/swaps");
    fs::read(path)
        .at("read", path)
        .map(|text| parse_swaps(&text))
}

/// Lines that are not of the format are left out.
pub fn parse_mountinfo(text: &[u8]) -> Vec<Mount> {
    lines(text).filter_map(parse_mount).collect()
}

/// Lines that are not of the format, such as the heading, are left out.
pub fn parse_swaps(text: &[u8]) -> Vec<Swap> {
    lines(text).filter_map(parse_swap).collect()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

fn parse_mount(line: &[u8]) -> Option<Mount> {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    let mut words = line.split(|byte| *byte == b' ');
    let (id, parent) = (number(words.next()?)?, number(words.next()?)?);
    let device = plain(words.next()?);
    let (major, minor) = device.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let (root, mount_point) = (words.next()?, words.next()?);
    let options = plain(words.next()?);
    // Optional fields come between, and no name is a hyphen alone: names are absolute.
    words.find(|word| *word == b"-")?;
    Some(Mount {
        id,
        parent,
        device,
        root: path(root),
        mount_point: path(mount_point),
        options,
        fstype: plain(words.next()?),
        source: path(words.next()?).to_string_lossy().into_owned(),
        super_options: words.next().map(plain).unwrap_or_default(),
    })
}

fn parse_swap(line: &[u8]) -> Option<Swap> {
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    let (name, kind) = (words.next()?, words.next()?);
    let size: u64 = number(words.next()?)?;
    let used: u64 = number(words.next()?)?;
    Some(Swap {
        path: path(name),
        kind: plain(kind),
        size: size * 1024,
        used: used * 1024,
    })
}

fn plain(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

fn number<T: std::str::FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The kernel writes space, tab, newline and backslash as `\040` and so on (`mangle_path`), and
/// every other byte as it is.
fn path(word: &[u8]) -> PathBuf {
    let (mut out, mut at) = (Vec::with_capacity(word.len()), 0);
    while let Some(&byte) = word.get(at) {
        let octal = word.get(at + 1..at + 4).filter(|_| byte == b'\\');
        let digits = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(value.unwrap_or(byte));
        at += if value.is_some() { 4 } else { 1 };
    }
    OsString::from_vec(out).into()
}

#[cfg(test)]
mod tests {
    use super::{parse_mountinfo, parse_swaps, read_mountinfo};
    use std::path::Path;

    #[test]
    fn reads_a_mount_with_optional_fields_and_a_space() {
        let text =
            b"36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:4 - ext3 /dev/root rw\n\
                    bad line\n\
                    23 1 8:1 / / rw - ext4 /dev/sda1 rw,errors=remount-ro\n";
        let mounts = parse_mountinfo(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].mount_point, Path::new("/mnt 2"));
        assert_eq!(mounts[0].root, Path::new("/mnt1"));
        assert_eq!(mounts[0].device, (98, 0));
        assert_eq!(mounts[0].fstype, "ext3");
        assert_eq!(mounts[1].source, "/dev/sda1");
    }

    #[test]
    fn a_name_that_is_no_text_hides_no_mount() {
        let text = b"23 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                     40 23 0:41 / /mnt/M\xfcller rw - cifs //srv/M\xfcller rw\n\
                     41 23 8:2 / /mnt/- rw - ext4 /dev/sda2 rw\n";
        let mounts = parse_mountinfo(text);
        assert_eq!(mounts.len(), 3);
        let name = mounts[1].mount_point.as_os_str().as_encoded_bytes();
        assert_eq!(name, b"/mnt/M\xfcller");
        assert_eq!(mounts[2].source, "/dev/sda2");
        let swaps = parse_swaps(b"/M\xfcll\\040x file 4 0 -3\n");
        let name = swaps[0].path.as_os_str().as_encoded_bytes();
        assert_eq!(name, b"/M\xfcll x");
    }

    #[test]
    fn reads_swaps_in_bytes() {
        let text = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
                    /dev/sda2                               partition\t1048572\t\t12\t\t-2\n\
                    /swap\\040file                          file\t4\t0\t-3\n";
        let swaps = parse_swaps(text);
        assert_eq!(swaps.len(), 2);
        assert_eq!((swaps[0].size, swaps[0].used), (1_073_737_728, 12_288));
        assert_eq!(swaps[1].path, Path::new("/swap file"));
    }

    #[test]
    fn this_machine_has_a_root() {
        let mounts = read_mountinfo().unwrap();
        assert!(mounts.iter().any(|m| m.mount_point == Path::new("/")));
    }
}
