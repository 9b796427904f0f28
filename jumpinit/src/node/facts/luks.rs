//! LUKS volumes, on partitions, disks and what is stacked on them, and what opens them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use jumpspec::node::luks::crypttab::{self, Line};
use jumpspec::node::luks::{CRYPTTAB, LuksVolume, Seal, UNREADABLE, seals};
use jumpsys::disk::luks::{self, Metadata};
use jumpsys::files::root::Root;
use jumpsys::kernel::sysfs;

const CRYPTTAB_FILE: &str = "etc/crypttab";
/// Where volumes are once they are open.
const OPEN: &str = "/dev/mapper";

/// A block device, and whether it is open as a volume.
type Found = (PathBuf, bool);

/// The volumes that are open or opened at boot, and that a TPM has part in. No others are read: a
/// device without a path to its disks would not answer.
pub(super) fn read(root: &Root) -> Result<Vec<LuksVolume>> {
    let crypttab = root.read_text(CRYPTTAB_FILE)?.unwrap_or_default();
    Ok(volumes(&crypttab::lines(&crypttab), &devices()?))
}

fn volumes(lines: &[Line], devices: &[Found]) -> Vec<LuksVolume> {
    let found = devices.iter().filter_map(|(path, is_open)| {
        let at_boot = lines.iter().any(|line| is_of(line, path));
        Some(LuksVolume {
            device: path.display().to_string(),
            is_open: *is_open,
            at_boot,
            seals: (*is_open || at_boot).then(|| sealed(path))??,
        })
    });
    let mut volumes: Vec<LuksVolume> = found.collect();
    let is_found = |line: &&Line| {
        let mut found = volumes.iter().map(|it| Path::new(&it.device));
        found.any(|device| is_of(line, device))
    };
    let by_tpm = lines.iter().filter(|line| line.by_tpm);
    let others: Vec<&Line> = by_tpm.filter(|line| !is_found(line)).collect();
    volumes.extend(others.into_iter().map(beside_it));
    volumes
}

/// A volume that crypttab has opened by a TPM, without a token in a header that was found.
fn beside_it(line: &Line) -> LuksVolume {
    LuksVolume {
        device: line.source.clone(),
        is_open: Path::new(OPEN).join(&line.name).exists(),
        at_boot: true,
        seals: vec![Seal::unknown(CRYPTTAB)],
    }
}

fn devices() -> Result<Vec<Found>> {
    let found = sysfs::read_disks(Path::new(sysfs::SYS))?;
    let all = found.into_iter().flat_map(|disk| {
        let partitions = disk.partitions.into_iter();
        let partitions = partitions.map(|it| (it.name, it.holders));
        partitions.chain([(disk.name, disk.holders)])
    });
    let is_crypt = |name: &String| sysfs::is_crypt(Path::new(sysfs::SYS), name);
    let device = |(name, holders): (String, Vec<String>)| {
        let path = PathBuf::from(format!("/dev/{}", name.replace('!', "/")));
        (path, holders.iter().any(is_crypt))
    };
    Ok(all.map(device).collect())
}

/// What a TPM has sealed of the volume on `device`; none where it is no volume, or no TPM has part in it.
fn sealed(device: &Path) -> Option<Vec<Seal>> {
    // A drive that cannot be read has opened nothing.
    let seals = match luks::metadata(device).ok()?? {
        Metadata::Json(json) => seals(&json),
        Metadata::Malformed => vec![Seal::unknown(UNREADABLE)],
    };
    (!seals.is_empty()).then_some(seals)
}

fn is_of(line: &Line, device: &Path) -> bool {
    std::fs::canonicalize(line.path()).is_ok_and(|path| path == device)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device with a LUKS2 header that has this token.
    fn device(path: &Path, token: &str) {
        let mut bytes = vec![0; 0x4000];
        bytes[..8].copy_from_slice(b"LUKS\xba\xbe\0\x02");
        bytes[8..16].copy_from_slice(&0x4000_u64.to_be_bytes());
        let json = format!("{{\"tokens\": {{\"0\": {token}}}}}");
        bytes[4096..4096 + json.len()].copy_from_slice(json.as_bytes());
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn volumes_are_told_with_what_opens_them_and_when() {
        let top = tempfile::tempdir().unwrap();
        let top = std::fs::canonicalize(top.path()).unwrap();
        let at = |name: &str| top.join(name);
        device(&at("root"), r#"{"type": "systemd-tpm2", "tpm2-pcrs": [7]}"#);
        device(&at("data"), r#"{"type": "systemd-tpm2", "tpm2-pcrs": []}"#);
        device(&at("keys"), r#"{"type": "luks2-keyring"}"#);
        std::fs::write(at("blank"), [0; 0x4000]).unwrap();
        device(
            &at("closed"),
            r#"{"type": "systemd-tpm2", "tpm2-pcrs": [7]}"#,
        );
        let names = ["root", "data", "keys", "closed", "blank", "missing"];
        let is_open = |name: &str| !["data", "closed"].contains(&name);
        let devices = names.map(|name| (at(name), is_open(name)));
        let data = at("data");
        let text = format!(
            "data {} none tpm2-device=auto\nlost /nowhere none tpm2-device=auto\n",
            data.display()
        );
        let found = volumes(&crypttab::lines(&text), &devices);
        let told: Vec<_> = found
            .iter()
            .map(|it| (it.device.as_str(), it.is_open, it.at_boot))
            .collect();
        let (root, data) = (at("root").display().to_string(), data.display().to_string());
        assert_eq!(
            told,
            [
                (root.as_str(), true, false),
                (data.as_str(), false, true),
                ("/nowhere", false, true)
            ]
        );
        let bound = found.iter().map(|it| it.bound().is_some());
        assert_eq!(bound.collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(found[2].seals[0].by, CRYPTTAB);
    }
}
