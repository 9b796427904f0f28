//! Makes file systems, by the mkfs programs of an image. Never on a device in use: those programs
//! themselves refuse that.
//!
//! With a root, the program is the one inside it, run in a chroot: the device's node must be
//! visible there under the same path, so the caller binds /dev into it first.

use std::path::Path;
use std::time::Duration;

use jumpspec::disk::Filesystem;
use jumpspec::disk::filesystem::{self, LabelError};

use crate::cmd::{CmdError, Program};

/// A mkfs which takes longer than this is stuck; some discard a whole large disk first.
const LIMIT: Duration = Duration::from_mins(30);

/// What to make where.
#[derive(Debug, Clone, Copy)]
pub struct MkfsSpec<'a> {
    /// What.
    pub fs: Filesystem,
    /// The device, as it is named inside `root`.
    pub device: &'a Path,
    /// A UUID. `None` lets the program choose.
    pub uuid: Option<&'a str>,
    /// A label.
    pub label: Option<&'a str>,
    /// The directory that holds the system whose mkfs is used; `None` is the running system.
    pub root: Option<&'a Path>,
    /// Bytes to use of the device, rounded down to 1 MiB; `None` is all of it.
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
        fs: Filesystem,
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

/// The arguments of mke2fs(8) or mkfs.xfs(8).
fn arguments(spec: &MkfsSpec<'_>) -> Result<Vec<String>, MkfsError> {
    let fs = spec.fs;
    if let Some(label) = spec.label {
        filesystem::label(fs.name(), label)?;
    }
    let uuid = spec.uuid.map(|uuid| identifier(fs, uuid)).transpose()?;
    let device = spec.device.to_string_lossy().into_owned();
    let mib = spec.size.map(|bytes| bytes >> 20);
    let flags = match fs {
        Filesystem::Ext4 => ["-F", "-q"],
        Filesystem::Xfs => ["-f", "-q"],
    };
    let mut args: Vec<String> = flags.map(str::to_owned).into();
    args.extend(uuid.into_iter().flat_map(|uuid| match fs {
        Filesystem::Ext4 => ["-U".to_owned(), uuid],
        Filesystem::Xfs => ["-m".to_owned(), format!("uuid={uuid}")],
    }));
    if let Some(label) = spec.label {
        args.extend(["-L".to_owned(), label.to_owned()]);
    }
    match (fs, mib) {
        (Filesystem::Xfs, Some(mib)) => {
            args.extend(["-d".to_owned(), format!("size={mib}m"), device]);
        }
        (Filesystem::Ext4, Some(mib)) => args.extend([device, format!("{mib}M")]),
        (_, None) => args.push(device),
    }
    Ok(args)
}

fn identifier(fs: Filesystem, uuid: &str) -> Result<String, MkfsError> {
    let parsed = uuid::Uuid::try_parse(uuid);
    parsed
        .map(|uuid| uuid.to_string())
        .map_err(|_| MkfsError::BadUuid {
            fs,
            uuid: uuid.to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use jumpspec::disk::Filesystem;

    use super::{MkfsError, MkfsSpec, arguments};
    use std::path::Path;

    const UUID: &str = "0f9fbc02-7e4b-4b5f-8d4a-2c9d1d6f0a11";

    fn spec(fs: Filesystem) -> MkfsSpec<'static> {
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
            line(Filesystem::Ext4),
            format!("-F -q -U {UUID} -L root /dev/vda3 512M")
        );
        let xfs = format!("-f -q -m uuid={UUID} -L root -d size=512m /dev/vda3");
        assert_eq!(line(Filesystem::Xfs), xfs);
    }

    #[test]
    fn refuses_labels_and_ids_that_do_not_fit() {
        let label = Some("thirteen chars");
        let long = arguments(&MkfsSpec {
            label,
            ..spec(Filesystem::Xfs)
        });
        assert!(matches!(long, Err(MkfsError::Label(_))));
        assert!(matches!(
            arguments(&MkfsSpec {
                uuid: Some("ABCD-1234"),
                ..spec(Filesystem::Ext4)
            }),
            Err(MkfsError::BadUuid { .. })
        ));
    }
}
