//! What is mounted on a node and does not lie on its disks: file servers, and file systems that a
//! program makes. Their files are not the node's: a jump neither destroys nor copies them. And they
//! may be dead, with everybody hanging who only looks.

use crate::node::facts::Facts;
use crate::node::fstab::Line;

/// Types of mount(8) whose files are elsewhere, or behind a process.
const TYPES: &[&str] = &[
    "9p",
    "acfs",
    "afs",
    "autofs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fuse",
    "fuseblk",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "orangefs",
    "panfs",
    "prl_fs",
    "pvfs2",
    "smb3",
    "smbfs",
    "sshfs",
    "vboxsf",
    "virtiofs",
    "wekafs",
];

/// Whether a file system of this type, as in fstab or mountinfo, is one.
pub fn is_remote(fs: &str) -> bool {
    TYPES.contains(&fs) || fs.starts_with("fuse.")
}

/// Where file systems are mounted on a node, or are to be by its fstab.
#[derive(Clone, Debug)]
pub struct MountPoints<'a> {
    /// Of those that do not lie on its disks.
    elsewhere: Vec<String>,
    /// Of those that do.
    here: Vec<&'a str>,
}

impl<'a> MountPoints<'a> {
    /// Reads them once, for many questions.
    pub fn of(facts: &'a Facts) -> Self {
        let mounted = facts.remote_mounts.iter().map(|mount| mount.target.clone());
        let lines = facts.fstab.lines().filter_map(Line::parse);
        let in_fstab = lines
            .filter(|line| is_remote(&line.fs))
            .map(|line| line.mount);
        let here = facts.mounts.iter().map(|mount| mount.target.as_str());
        Self {
            elsewhere: mounted.chain(in_fstab).collect(),
            here: here.collect(),
        }
    }

    /// The mount point of the remote file system that `path` (absolute) lies on, if it lies on one.
    pub fn remote(&self, path: &str) -> Option<&str> {
        let here = self.here.iter().filter(|top| is_below(path, top));
        let longest_here = here.map(|top| top.len()).max();
        let tops = self.elsewhere.iter().map(String::as_str);
        tops.filter(|top| is_below(path, top))
            .max_by_key(|top| top.len())
            .filter(|top| longest_here.is_none_or(|here| top.len() >= here))
    }
}

/// Whether `path` is `top` or below it.
fn is_below(path: &str, top: &str) -> bool {
    path.strip_prefix(top.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::facts::RemoteMount;

    #[test]
    fn the_nearest_mount_decides() {
        let mut facts = crate::planner::sample::facts();
        facts.fstab += "nas:/export/home /home nfs4 rw,hard,_netdev 0 0\n";
        let points = MountPoints::of(&facts);
        assert_eq!(points.remote("/home/bob"), Some("/home"));
        assert_eq!(points.remote("/homeless"), None);
        assert_eq!(points.remote("/data/home"), None);
        facts.mounts[2].target = "/home/local".to_owned();
        assert_eq!(MountPoints::of(&facts).remote("/home/local/bob"), None);
        facts.remote_mounts = vec![RemoteMount {
            target: "/home/local/bob/cloud".to_owned(),
            fs: "fuse.sshfs".to_owned(),
        }];
        let points = MountPoints::of(&facts);
        let found = points.remote("/home/local/bob/cloud/x");
        assert_eq!(found, Some("/home/local/bob/cloud"));
    }
}
