//! Makes file systems, by the mkfs programs of an image. Never on a device in use: those programs
//! themselves refuse that.
//!
//! With a root, the program is the one inside it, run in a chroot: the device's node must be
//! visible there under the same path, so the caller binds /dev into it first.

use std::path::Path;
use std::time::Duration;

use jumpspec::limits::{self, LabelError};

use crate::cmd::{CmdError, Program};

/// A mkfs which takes longer than this is stuck; some discard a whole large disk first.
const LIMIT: Duration = Duration::from_mins(30);

/// A file system that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fs {
    /// ext2, without a journal.
    Ext2,
    /// ext3.
    Ext3,
    /// ext4 with the defaults of the image's mke2fs.conf.
    Ext4,
    /// XFS with the defaults of the image's mkfs.xfs.
    Xfs,
    /// btrfs.
    Btrfs,
    /// FAT, of the width mkfs.vfat chooses.
    Vfat,
}

impl Fs {
    /// By the name that /etc/fstab has.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [
            Self::Ext2,
            Self::Ext3,
            Self::Ext4,
            Self::Xfs,
            Self::Btrfs,
            Self::Vfat,
        ];
        all.into_iter().find(|fs| fs.name() == name)
    }

    /// The name that /etc/fstab and mount(2) take.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
        }
    }

    /// Path of the program that makes it, within its root.
    pub fn program(self) -> String {
        format!("/usr/sbin/mkfs.{}", self.name())
    }
}

/// What to make where.
#[derive(Debug, Clone, Copy)]
pub struct MkfsSpec<'a> {
    /// What.
    pub fs: Fs,
    /// The device, as it is named inside `root`.
    pub device: &'a Path,
    /// A UUID; of FAT `ABCD-1234`. `None` lets the program choose.
    pub uuid: Option<&'a str>,
    /// A label.
    pub label: Option<&'a str>,
    /// The directory that holds the system whose mkfs is used; `None` is the running system.
    pub root: Option<&'a Path>,
    /// Bytes to use of the device, rounded down to 1 MiB; `None` is all of it. Not for FAT and
    /// btrfs.
    pub size: Option<u64>,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum MkfsError {
    /// The program failed.
    #[error("cannot make a file system")]
    Program(#[from] CmdError),
    /// Not a label that the file system can have.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// Not an identifier that this file system can have.
    #[error("`{uuid}` cannot identify a file system of type {}", fs.name())]
    BadUuid {
        /// The file system.
        fs: Fs,
        /// The identifier.
        uuid: String,
    },
}

/// Makes the file system, over whatever is there. Doing it again makes an empty one again.
pub fn mkfs(spec: &MkfsSpec<'_>) -> Result<(), MkfsError> {
    let args = arguments(spec)?;
    Program::new(spec.fs.program())
        .args(args)
        .in_root(spec.root)
        .timeout(LIMIT)
        .run()?;
    Ok(())
}

/// The arguments of mke2fs(8), mkfs.xfs(8), mkfs.btrfs(8) or mkfs.vfat(8).
fn arguments(spec: &MkfsSpec<'_>) -> Result<Vec<String>, MkfsError> {
    let fs = spec.fs;
    if let Some(label) = spec.label {
        limits::label(fs.name(), label)?;
    }
    let uuid = spec.uuid.map(|uuid| identifier(fs, uuid)).transpose()?;
    let device = spec.device.to_string_lossy().into_owned();
    let mib = spec.size.map(|bytes| bytes >> 20);
    // (flags, option for the UUID, option for the label)
    let (flags, uuid_option, label_option): (&[&str], &[&str], &str) = match fs {
        Fs::Ext2 | Fs::Ext3 | Fs::Ext4 => (&["-F", "-q"], &["-U"], "-L"),
        Fs::Xfs => (&["-f", "-q"], &["-m"], "-L"),
        Fs::Btrfs => (&["-f", "-q"], &["-U"], "-L"),
        Fs::Vfat => (&[], &["-i"], "-n"),
    };
    let mut args: Vec<String> = flags.iter().map(ToString::to_string).collect();
    if let Some(uuid) = uuid {
        args.extend(uuid_option.iter().map(ToString::to_string));
        args.push(if fs == Fs::Xfs {
            format!("uuid={uuid}")
        } else {
            uuid
        });
    }
    if let Some(label) = spec.label {
        args.extend([label_option.to_owned(), label.to_owned()]);
    }
    match (fs, mib) {
        (Fs::Xfs, Some(mib)) => args.extend(["-d".to_owned(), format!("size={mib}m"), device]),
        (Fs::Ext2 | Fs::Ext3 | Fs::Ext4, Some(mib)) => args.extend([device, format!("{mib}M")]),
        _ => args.push(device),
    }
    Ok(args)
}

fn identifier(fs: Fs, uuid: &str) -> Result<String, MkfsError> {
    let id = if fs == Fs::Vfat {
        let hex = uuid.replace('-', "");
        u32::from_str_radix(&hex, 16)
            .ok()
            .filter(|_| hex.len() == 8)
            .map(|_| hex)
    } else {
        uuid::Uuid::try_parse(uuid)
            .ok()
            .map(|uuid| uuid.to_string())
    };
    id.ok_or_else(|| MkfsError::BadUuid {
        fs,
        uuid: uuid.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Fs, MkfsError, MkfsSpec, arguments};
    use std::path::Path;

    const UUID: &str = "0f9fbc02-7e4b-4b5f-8d4a-2c9d1d6f0a11";

    fn spec(fs: Fs) -> MkfsSpec<'static> {
        MkfsSpec {
            fs,
            device: Path::new("/dev/vda3"),
            uuid: Some(UUID),
            label: Some("root"),
            root: None,
            size: Some((512 << 20) + 5),
        }
    }

    #[test]
    fn speaks_each_programs_language() {
        let line = |fs| arguments(&spec(fs)).unwrap().join(" ");
        assert_eq!(
            line(Fs::Ext4),
            format!("-F -q -U {UUID} -L root /dev/vda3 512M")
        );
        let xfs = format!("-f -q -m uuid={UUID} -L root -d size=512m /dev/vda3");
        assert_eq!(line(Fs::Xfs), xfs);
        let uuid = Some("ABCD-1234");
        let fat = arguments(&MkfsSpec {
            uuid,
            ..spec(Fs::Vfat)
        })
        .unwrap();
        assert_eq!(fat.join(" "), "-i ABCD1234 -n root /dev/vda3");
    }

    #[test]
    fn refuses_labels_and_ids_that_do_not_fit() {
        let label = Some("thirteen chars");
        let long = arguments(&MkfsSpec {
            label,
            ..spec(Fs::Xfs)
        });
        assert!(matches!(long, Err(MkfsError::Label(_))));
        assert!(matches!(
            arguments(&spec(Fs::Vfat)),
            Err(MkfsError::BadUuid { .. })
        ));
    }
}
