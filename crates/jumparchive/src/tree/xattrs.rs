//! Reads extended attributes, ACLs among them.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs;
use rustix::io::Errno;

/// Extended attributes' names and values, sorted by name.
pub(crate) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// No attribute and no list of names is larger, xattr(7).
const XATTR_MAX: usize = 64 << 10;

/// Those of the node `name` in a directory, through `/proc`: there is no
/// `llistxattrat` before Linux 6.13.
pub(crate) fn at(directory: BorrowedFd<'_>, name: &[u8]) -> Result<Xattrs, Errno> {
    let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let path = &path;
    collect(
        |buffer| fs::llistxattr(path, buffer),
        |name, buffer| fs::lgetxattr(path, name, buffer),
    )
}

/// Those of an open file.
pub(crate) fn of(file: BorrowedFd<'_>) -> Result<Xattrs, Errno> {
    collect(
        |buffer| fs::flistxattr(file, buffer),
        |name, buffer| fs::fgetxattr(file, name, buffer),
    )
}

/// XFS lists each ACL a second time, as it keeps it: fs/xfs/libxfs/xfs_da_format.h.
const SHADOWS: [&[u8]; 2] = [b"trusted.SGI_ACL_FILE", b"trusted.SGI_ACL_DEFAULT"];

fn collect(
    list: impl Fn(&mut [u8]) -> Result<usize, Errno>,
    get: impl Fn(&[u8], &mut [u8]) -> Result<usize, Errno>,
) -> Result<Xattrs, Errno> {
    let mut small = [0; 256];
    let names = match list(&mut small) {
        Ok(length) => small[..length].to_vec(),
        Err(Errno::RANGE) => {
            let mut large = vec![0; XATTR_MAX];
            let length = list(&mut large)?;
            large.truncate(length);
            large
        }
        Err(Errno::NOTSUP) => return Ok(Xattrs::new()),
        Err(error) => return Err(error),
    };
    let mut xattrs = Xattrs::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty() && !SHADOWS.contains(name))
    {
        let mut value = vec![0; XATTR_MAX];
        match get(name, &mut value) {
            Ok(length) => {
                value.truncate(length);
                value.shrink_to_fit();
                xattrs.push((name.to_vec(), value));
            }
            Err(Errno::NODATA) => {}
            Err(error) => return Err(error),
        }
    }
    xattrs.sort();
    Ok(xattrs)
}
