//! Extended attributes, POSIX ACLs among them.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use anyhow::{Context as _, Result};
use rustix::fs::{lgetxattr, llistxattr};
use rustix::io::Errno;

/// How XFS shows ACLs a second time, `xfs_xattr_put_listent` of fs/xfs/xfs_xattr.c. They are
/// compared as what they are everywhere.
const ACLS_OF_XFS: &[u8] = b"trusted.SGI_ACL_";

/// No value and no list of names is longer, xattr(7).
const LONGEST: usize = 64 << 10;

/// The attributes of the node `name` in the directory `at`, by name.
pub(super) fn read(at: BorrowedFd<'_>, name: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    // llistxattrat(2) came with Linux 6.13 only.
    let mut path = format!("/proc/self/fd/{}/", at.as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let mut xattrs = BTreeMap::new();
    for name in names(&path)?.split(|byte| *byte == 0) {
        if !name.is_empty() && !name.starts_with(ACLS_OF_XFS) {
            let value = whole(|space| lgetxattr(&path, name, space));
            let value = value.with_context(|| format!("attribute {}", name.escape_ascii()))?;
            xattrs.insert(name.to_vec(), value);
        }
    }
    Ok(xattrs)
}

fn names(path: &[u8]) -> Result<Vec<u8>> {
    Ok(whole(|space| llistxattr(path, space))?)
}

/// What `get` gives; most is small.
fn whole(get: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut space = [0; 512];
    match get(&mut space) {
        Ok(length) => Ok(space[..length].to_vec()),
        Err(Errno::RANGE) => {
            let mut space = vec![0; LONGEST];
            let length = get(&mut space)?;
            space.truncate(length);
            Ok(space)
        }
        Err(error) => Err(error),
    }
}
