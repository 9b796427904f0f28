//! What is mounted and what is swapped to, as the kernel lists it.

use std::fs;
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

/// The mounts of this process's namespace, oldest first.
pub fn read_mountinfo() -> Result<Vec<Mount>, PathError> {
    let path = Path::new("/proc/self/mountinfo");
    fs::read_to_string(path)
        .at("read", path)
        .map(|text| parse_mountinfo(&text))
}

/// Every swap area in use.
pub fn read_swaps() -> Result<Vec<Swap>, PathError> {
    let path = Path::new("/proc/swaps");
    fs::read_to_string(path)
        .at("read", path)
        .map(|text| parse_swaps(&text))
}

/// Lines that are not of the format are left out.
pub fn parse_mountinfo(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_mount).collect()
}

/// Lines that are not of the format, such as the heading, are left out.
pub fn parse_swaps(text: &str) -> Vec<Swap> {
    text.lines().filter_map(parse_swap).collect()
}

fn parse_mount(line: &str) -> Option<Mount> {
    // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ');
    let (id, parent) = (left.next()?.parse().ok()?, left.next()?.parse().ok()?);
    let (major, minor) = left.next()?.split_once(':')?;
    let device = (major.parse().ok()?, minor.parse().ok()?);
    let (root, mount_point) = (left.next()?, left.next()?);
    let options = left.next()?.to_owned();
    let mut right = right.split(' ');
    Some(Mount {
        id,
        parent,
        device,
        root: unescape(root).into(),
        mount_point: unescape(mount_point).into(),
        options,
        fstype: right.next()?.to_owned(),
        source: unescape(right.next()?),
        super_options: right.next().unwrap_or_default().to_owned(),
    })
}

fn parse_swap(line: &str) -> Option<Swap> {
    let mut words = line.split_whitespace();
    let (path, kind) = (words.next()?, words.next()?);
    let size: u64 = words.next()?.parse().ok()?;
    let used: u64 = words.next()?.parse().ok()?;
    Some(Swap {
        path: unescape(path).into(),
        kind: kind.to_owned(),
        size: size * 1024,
        used: used * 1024,
    })
}

/// The kernel writes space, tab, newline and backslash as `\040` and so on (`mangle_path`).
fn unescape(word: &str) -> String {
    let bytes = word.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let octal = word.get(at + 1..at + 4).filter(|_| byte == b'\\');
        let value = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.push(value.unwrap_or(byte));
        at += if value.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{parse_mountinfo, parse_swaps, read_mountinfo};
    use std::path::Path;

    #[test]
    fn reads_a_mount_with_optional_fields_and_a_space() {
        let text = "36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:4 - ext3 /dev/root rw\n\
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
    fn reads_swaps_in_bytes() {
        let text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
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
